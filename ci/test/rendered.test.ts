import { expect, test } from "vitest";
import { CodedError } from "../../.dagger/src/lib/errors.ts";
import { onlyOwned, provenTree, refuseByPolicy } from "../../.dagger/src/lib/rendered.ts";
import { projectPath } from "../../.dagger/src/lib/team-project.ts";

const TREE = {
  "gates.yaml": "", "argocd/platform.yaml": "", "argocd/applicationset.yaml": "",
  [projectPath("team-a")]: "", [projectPath("team-b")]: "", "env/dev/api/release.yaml": "", "env/dev/api2/release.yaml": "",
};

test("the proof is of what runs, and of the projects that the services under test are in", () => {
  expect(Object.keys(provenTree(TREE, ["team-a"])).sort()).toEqual(
    ["argocd/applicationset.yaml", projectPath("team-a"), "env/dev/api/release.yaml", "env/dev/api2/release.yaml"].sort(),
  );
});

test("a folder's files are not those of a folder whose name begins alike", () => {
  expect(Object.keys(onlyOwned(TREE, ["env/dev/api", "gates.yaml"])).sort()).toEqual(["env/dev/api/release.yaml", "gates.yaml"]);
});

test("what the repository's policies would refuse is refused before there is a cluster", () => {
  const policy = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]}
  validations: [{expression: "object.spec.replicas < 3", message: "at most two replicas"}]
`;
  const binding = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas}
spec: {policyName: replicas, validationActions: [Deny]}
`;
  const tree = (replicas: number) => ({
    "argocd/policy-replicas.yaml": `${policy}---${binding}`,
    "env/dev/api/manifests/deployment.yaml": `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec: {replicas: ${replicas}}\n`,
  });
  expect(() => refuseByPolicy(tree(2), "dev", ["api"])).not.toThrow();
  expect(() => refuseByPolicy(tree(3), "dev", ["api"])).toThrow(/^policies: the cluster would refuse api: .*; correct k8s\/base or the service/);
  expect(() => refuseByPolicy(tree(3), "dev", ["api"])).toThrow(CodedError);
  expect(() => refuseByPolicy(tree(3), "stage", ["api"])).not.toThrow();
});
