import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DEFAULT_IMAGES } from "../../.dagger/src/lib/images.ts";
import { rootKey } from "../engine/image-root.ts";
import { IMAGES } from "../engine/images.ts";

const embedded = join(import.meta.dirname, "../embedded");
const versionOf = (folder: string, module: string): string | undefined =>
  new RegExp(`^\\s*(?:require )?${module} v(\\S+)`, "m").exec(readFileSync(join(embedded, folder, "go.mod"), "utf8"))?.[1];

describe("the images that the embedded engine makes itself", () => {
  it("are those that the pipeline would otherwise pull", () => {
    expect(Object.keys(IMAGES).sort()).toEqual(Object.keys(DEFAULT_IMAGES).sort());
  });

  it("have the version of Argo CD that is pulled elsewhere", () => {
    expect(DEFAULT_IMAGES.argocd).toBe(`quay.io/argoproj/argocd:v${versionOf("argocd", "github.com/argoproj/argo-cd/v3")}`);
  });

  it("have the minor version of Kubernetes that is pulled elsewhere", () => {
    const minor = versionOf("kubernetes", "k8s.io/kubernetes")?.split(".").slice(0, 2).join(".");
    expect(DEFAULT_IMAGES.cluster).toContain(`:v${minor}.`);
  });

  it("have roots whose key changes with their packages", () => {
    const { root } = IMAGES.redis;
    expect(rootKey({ ...root, packages: [...root.packages, "procps"] })).not.toBe(rootKey(root));
    expect(rootKey({ ...root })).toBe(rootKey(root));
  });

  it("carry scripts that bash can parse", () => {
    const files = join(embedded, "cluster/files/usr/local");
    const scripts = ["bin", "lib/cluster"].flatMap((dir) => readdirSync(join(files, dir)).map((name) => join(files, dir, name)));
    for (const script of scripts.filter((path) => !path.endsWith(".toml"))) execFileSync("bash", ["-n", script]);
    expect(scripts.length).toBeGreaterThan(5);
  });
});
