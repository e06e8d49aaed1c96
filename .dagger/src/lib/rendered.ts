/** Decisions about the rendered GitOps tree of a run. */
import { isInAny, type Tree } from "./edits.ts";
import type { Environment } from "./environments.ts";
import { CodedError, GATE_CODES } from "./errors.ts";
import { GATES_FILE } from "./gates.ts";
import { manifestFindings, readPolicies } from "./policy.ts";
import { releaseFolder } from "./release.ts";
import { PLATFORM_FILE } from "./shared-files.ts";
import { PROJECT_FILES, projectPath } from "./team-project.ts";

/** Where the GitOps repository keeps what its clusters refuse. */
const POLICY_FILES = "argocd/policy-";

/** Without what says nothing of what runs: who may promote what, other teams' projects, who reconciles the folder. A change of them asks for no new proof. */
export function provenTree(tree: Tree, owners: readonly string[]): Tree {
  const projects = owners.map(projectPath);
  const counts = (path: string): boolean => path !== GATES_FILE && path !== PLATFORM_FILE && (!path.startsWith(PROJECT_FILES) || projects.includes(path));
  return Object.fromEntries(Object.entries(tree).filter(([path]) => counts(path)));
}

/** The cluster's own policies, asked before a cluster is started. */
export function refuseByPolicy(tree: Tree, env: Environment, services: readonly string[]): void {
  const policies = readPolicies(onlyOwned(tree, Object.keys(tree).filter((path) => path.startsWith(POLICY_FILES))));
  const findings = services.flatMap((name) => manifestFindings(policies, name, name, onlyOwned(tree, [`${releaseFolder(env, name)}/manifests`])));
  if (findings.length === 0) return;
  const named = findings.slice(0, 5).map(({ package: name, location, id }) => `${name}: ${location} (${id})`);
  throw new CodedError(GATE_CODES.findings, `policies: the cluster would refuse ${named.join("; ")}; correct k8s/base or the service, or the policies in ${POLICY_FILES}*.yaml of the GitOps repository`);
}

/** The files of some places: folders, or single files. */
export function onlyOwned(tree: Tree, owned: readonly string[]): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([path]) => isInAny(path, owned)));
}
