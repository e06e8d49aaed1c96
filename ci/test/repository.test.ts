import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { renderManifests } from "../../.dagger/src/lib/manifests.ts";
import { parseServiceSpec } from "../../.dagger/src/lib/service-spec.ts";
import { DIGEST_A, REVISION, ROOT, goldenBase } from "./helpers.ts";

/** What is committed here, held against what the pipeline asks of it. */

const services = readdirSync(join(ROOT, "service"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(ROOT, "service", entry.name, "service.yaml")))
  .map((entry) => `service/${entry.name}/service.yaml`);

describe("every service of this repository", () => {
  test("there is at least one", () => {
    expect(services.length).toBeGreaterThan(0);
  });

  test.each(services)("%s is valid and renders", (file) => {
    const spec = parseServiceSpec(readFileSync(join(ROOT, file), "utf8"), file);
    const files = renderManifests(
      spec,
      { env: "dev", image: `registry.golden-path.internal/${spec.name}@${DIGEST_A}`, version: "1.0", sourceRevision: REVISION },
      goldenBase(),
    );
    for (const text of Object.values(files)) {
      const manifest = parse(text, { version: "1.1" });
      expect(manifest.metadata).toMatchObject({ name: expect.stringMatching(new RegExp(`^${spec.name}(\\.[a-z]+)?$`)), namespace: "dev" });
    }
  });
});

describe("the golden base", () => {
  test("holds nothing of any service", () => {
    for (const text of Object.values(goldenBase())) {
      expect(parse(text).metadata).toEqual({ name: "service" });
    }
  });
});

describe("versions", () => {
  test("every dependency is pinned, none is a range", () => {
    const { dependencies = {}, devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    for (const version of Object.values({ ...dependencies, ...devDependencies })) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("the lock names no registry: every network fetches from its own", () => {
    const lock = readFileSync(join(ROOT, "package-lock.json"), "utf8");
    expect(lock).not.toContain('"resolved": "http');
  });

  test.each(["yaml", "diff"])("the module and the tests use one %s", (name) => {
    const versions = [".dagger/package.json", "package.json"]
      .filter((file) => existsSync(join(ROOT, file)))
      .map((file) => JSON.parse(readFileSync(join(ROOT, file), "utf8")))
      .map((manifest) => manifest.dependencies?.[name] ?? manifest.devDependencies?.[name]);
    expect(new Set(versions).size).toBe(1);
  });
});
