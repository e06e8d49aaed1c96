import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DAGGER_VERSION } from "../engine/versions.ts";
import { ROOT } from "./helpers.ts";

const text = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const bare = DAGGER_VERSION.slice(1);

/** CLI, engine, SDK and engineVersion must be of one version, and it stands in several files. */
describe("Dagger's version is the same everywhere", () => {
  test.each([
    ["daggerw", `version=${DAGGER_VERSION}\n`],
    ["dagger.json", `"engineVersion": "${DAGGER_VERSION}"`],
    ["ci/embedded/engine/go.mod", `github.com/dagger/dagger ${DAGGER_VERSION} `],
    ["ci/embedded/typescript-sdk/runtime/dagger.json", `"engineVersion": "${DAGGER_VERSION}"`],
    ["ci/embedded/typescript-sdk/bundle/package.json", `"@dagger.io/dagger": "${bare}"`],
  ])("%s", (path, wanted) => {
    expect(text(path)).toContain(wanted);
  });
});

/** What manifests are checked against is what runs them. */
test("the schemas are of the cluster's Kubernetes", () => {
  const [, minor] = /k8s\.io\/kubernetes v(\d+\.\d+)\./.exec(text("ci/embedded/kubernetes/go.mod"))!;
  expect(text(".dagger/tools/kubernetes-schemas.txt")).toContain(`kubernetes-validate==${minor}.`);
});
