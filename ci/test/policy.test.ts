import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { renderManifests } from "../../.dagger/src/lib/manifests.ts";
import { changed, POLICY_CASES, type Workload } from "../../.dagger/src/lib/policy-cases.ts";
import { manifestFindings, readPolicies, violations } from "../../.dagger/src/lib/policy.ts";
import { DIGEST_A, REVISION, ROOT, goldenBase, refusal, spec } from "./helpers.ts";

const FILE = "gitops/argocd/policy-workloads.yaml";
const text = readFileSync(join(ROOT, FILE), "utf8");
const policies = readPolicies({ [FILE]: text });
const rendered = renderManifests(
  spec("replicas: 2\nexpose: true\n"), { env: "dev", image: `registry.golden-path.internal/api@${DIGEST_A}`, version: "1.0", sourceRevision: REVISION }, goldenBase(),
);
const deployment = parse(rendered["deployment.yaml"]!, { version: "1.1" }) as Workload;

describe("the cluster's policies, evaluated here", () => {
  test("what the golden base renders is admitted", () => expect(manifestFindings(policies, "api", "service/api", rendered)).toEqual([]));

  test.each(POLICY_CASES.map((one, index) => [one.name, one.refusedWith, index] as const))("%s is refused", (_, message, index) => {
    const refused = violations(policies, changed(deployment, index));
    expect(refused).not.toEqual([]);
    expect(refused.map((one) => one.message).join("\n")).toContain(message);
  });

  test("every rule refuses something", () => {
    const said = POLICY_CASES.flatMap((_, index) => violations(policies, changed(deployment, index)).map(({ message }) => message));
    for (const { message } of policies[0]!.validations) expect(said).toContain(message);
  });

  test("a namespace that is no environment is not held to it", () => {
    const elsewhere = changed(deployment, 0);
    elsewhere.metadata.namespace = "argocd";
    expect(violations(policies, elsewhere)).toEqual([]);
  });

  test("a finding names the file and the rule", () => {
    const broken = { "deployment.yaml": rendered["deployment.yaml"]!.replace("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false") };
    expect(manifestFindings(policies, "api", "service/api", broken)).toMatchObject([
      { kind: "misconfiguration", id: "policy:golden-path-workloads", file: "service/api/service.yaml", location: expect.stringContaining("readOnlyRootFilesystem") },
    ]);
  });

  test("a policy that nothing binds is refused", () => {
    const unbound = text.split("---\n").filter((part) => !part.includes("kind: ValidatingAdmissionPolicyBinding")).join("---\n");
    expect(refusal(() => readPolicies({ [FILE]: unbound }))).toContain("no ValidatingAdmissionPolicyBinding");
  });
});
