/** Workloads that a cluster must refuse, each made from one that it admits by a single change. */

interface Container {
  image: string;
  securityContext?: Record<string, unknown>;
  resources?: unknown;
  livenessProbe?: unknown;
  readinessProbe?: unknown;
}

export interface Workload {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec: { replicas?: number; template: { spec: { containers: Container[]; securityContext?: Record<string, unknown>; serviceAccountName?: string; automountServiceAccountToken?: boolean; hostNetwork?: boolean; volumes?: unknown[] } } };
}

export interface PolicyCase {
  name: string;
  /** Part of the message with which it must be refused. */
  refusedWith: string;
  change(workload: Workload): void;
}

const first = (workload: Workload): Container => workload.spec.template.spec.containers[0]!;
const pod = (workload: Workload): Workload["spec"]["template"]["spec"] => workload.spec.template.spec;

export const POLICY_CASES: PolicyCase[] = [
  { name: "an image by tag", refusedWith: "named by digest", change: (w) => (first(w).image = first(w).image.replace(/@.*$/, ":latest")) },
  { name: "an image from elsewhere", refusedWith: "allowed registry", change: (w) => (first(w).image = first(w).image.replace(/^[^/]+/, "elsewhere.example")) },
  { name: "a container as root", refusedWith: "run as root", change: (w) => delete pod(w).securityContext?.["runAsNonRoot"] },
  { name: "a privileged container", refusedWith: "rights beyond", change: (w) => (first(w).securityContext = { ...first(w).securityContext, privileged: true, allowPrivilegeEscalation: true }) },
  { name: "an added capability", refusedWith: "rights beyond", change: (w) => (first(w).securityContext = { ...first(w).securityContext, capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] } }) },
  { name: "a root that can be written to", refusedWith: "change their own files", change: (w) => (first(w).securityContext = { ...first(w).securityContext, readOnlyRootFilesystem: false }) },
  { name: "no seccomp profile", refusedWith: "seccomp profile", change: (w) => delete pod(w).securityContext?.["seccompProfile"] },
  { name: "the node's network", refusedWith: "nothing of their node", change: (w) => (pod(w).hostNetwork = true) },
  { name: "a folder of the node", refusedWith: "nothing of their node", change: (w) => (pod(w).volumes = [...(pod(w).volumes ?? []), { name: "node", hostPath: { path: "/" } }]) },
  { name: "no resources", refusedWith: "what they need", change: (w) => (first(w).resources = {}) },
  { name: "no probes", refusedWith: "how they are", change: (w) => delete first(w).readinessProbe },
  { name: "the default account", refusedWith: "default account", change: (w) => (pod(w).serviceAccountName = "default") },
  { name: "nobody who owns it", refusedWith: "owns it", change: (w) => delete w.metadata.labels?.["golden-path/owner"] },
  { name: "nobody who pays for it", refusedWith: "pays for it", change: (w) => delete w.metadata.labels?.["golden-path/cost-center"] },
];

/** Tried where signatures are demanded. */
export const UNSIGNED_CASE = "an image that carries no signature";

/** The workload with an image of its own repository that nobody signed, since nobody has it. */
export function unsigned(workload: Workload): Workload {
  const copy = structuredClone(workload);
  copy.metadata.name = "policy-case-unsigned";
  first(copy).image = first(copy).image.replace(/@.*$/, `@sha256:${"0".repeat(64)}`);
  return copy;
}

/** The changed workload, under a name of its own. */
export function changed(workload: Workload, index: number): Workload {
  const copy = structuredClone(workload);
  copy.metadata.name = `policy-case-${index}`;
  POLICY_CASES[index]!.change(copy);
  return copy;
}
