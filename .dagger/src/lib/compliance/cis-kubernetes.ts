import { dropsAll, seccomp } from "./cis-docker.ts";
import { containers, judgeEach, objects, podOf, pods, refused } from "./judges.ts";
import { UNSIGNED_CASE } from "../policy-cases.ts";
import { all, type Framework, type Judge, notApplicable } from "./model.ts";

const CLUSTER = "of whoever runs the cluster; what a run renders and proves says nothing of it";

/** No rendered object is of these kinds, so no service gets such a right. */
const rendersNone = (...kinds: string[]): Judge => ({ manifests }) =>
  judgeEach(manifests.slice(0, 1).map((first) => ({ ...first, path: first.path.replace(/\/manifests\/.*/, "/manifests"), name: "of every service", kind: "folder" })), "manifest", `renders no ${kinds.join(", no ")}`,
    () => !manifests.some(({ kind }) => kinds.includes(kind)));

/** Each service has a policy of its own that selects its pods. */
const networkPolicies: Judge = ({ manifests }) =>
  judgeEach(manifests.filter((one) => podOf(one) !== undefined), "workload", "a NetworkPolicy is rendered beside it",
    ({ path }) => manifests.some((one) => one.kind === "NetworkPolicy" && one.path.split("/manifests/")[0] === path.split("/manifests/")[0]));

interface Env { env?: { valueFrom?: { secretKeyRef?: unknown } }[]; envFrom?: { secretRef?: unknown }[] }

const noSecretInEnvironment = containers("takes no Secret into its environment", (container) => {
  const { env = [], envFrom = [] } = container as Env;
  return env.every(({ valueFrom }) => valueFrom?.secretKeyRef === undefined) && envFrom.every(({ secretRef }) => secretRef === undefined);
});

const hasPorts = (container: unknown): boolean => ((container as { ports?: { hostPort?: number }[] }).ports ?? []).some(({ hostPort }) => hostPort !== undefined);

/** Section 5, policies: what holds for workloads. Sections 1 to 4 are about nodes and the control plane. */
export const CIS_KUBERNETES: Framework = {
  name: "CIS Kubernetes Benchmark",
  version: "1.10, section 5",
  controls: [
    { id: "5.1.1", title: "cluster-admin is only used where required", judge: rendersNone("ClusterRoleBinding", "ClusterRole") },
    { id: "5.1.2", title: "Minimize access to secrets", judge: rendersNone("Role", "RoleBinding") },
    { id: "5.1.3", title: "Minimize wildcard use in roles", judge: rendersNone("Role", "ClusterRole") },
    { id: "5.1.4", title: "Minimize access to create pods", judge: notApplicable(CLUSTER) },
    { id: "5.1.5", title: "Default service accounts are not actively used", judge: all(pods("names an account of its own", ({ serviceAccountName }) => typeof serviceAccountName === "string" && !["", "default"].includes(serviceAccountName)), refused("the default account")) },
    { id: "5.1.6", title: "Service account tokens are only mounted where necessary", judge: all(objects("ServiceAccount", "automountServiceAccountToken is false", ({ object }) => object["automountServiceAccountToken"] === false), pods("says whether it needs a token", ({ automountServiceAccountToken }) => automountServiceAccountToken !== undefined)) },
    { id: "5.2.1", title: "At least one active policy control mechanism is in place", judge: refused("an image by tag") },
    { id: "5.2.2", title: "Minimize the admission of privileged containers", judge: refused("a privileged container") },
    { id: "5.2.3", title: "Minimize the admission of containers that share the host's process ID namespace", judge: pods("hostPID is not set", (pod) => pod["hostPID"] !== true) },
    { id: "5.2.4", title: "Minimize the admission of containers that share the host's IPC namespace", judge: pods("hostIPC is not set", (pod) => pod["hostIPC"] !== true) },
    { id: "5.2.5", title: "Minimize the admission of containers that share the host's network namespace", judge: refused("the node's network") },
    { id: "5.2.6", title: "Minimize the admission of containers with allowPrivilegeEscalation", judge: all(refused("a privileged container"), containers("allowPrivilegeEscalation is false", ({ securityContext }) => securityContext?.["allowPrivilegeEscalation"] === false)) },
    { id: "5.2.7", title: "Minimize the admission of root containers", judge: refused("a container as root") },
    { id: "5.2.8", title: "Minimize the admission of containers with NET_RAW", judge: containers("drops ALL capabilities, adds none", ({ securityContext }) => dropsAll(securityContext)) },
    { id: "5.2.9", title: "Minimize the admission of containers with added capabilities", judge: refused("an added capability") },
    { id: "5.2.10", title: "Minimize the admission of containers with capabilities assigned", judge: containers("drops ALL capabilities, adds none", ({ securityContext }) => dropsAll(securityContext)) },
    { id: "5.2.11", title: "Minimize the admission of Windows HostProcess containers", judge: notApplicable("images are for Linux") },
    { id: "5.2.12", title: "Minimize the admission of HostPath volumes", judge: refused("a folder of the node") },
    { id: "5.2.13", title: "Minimize the admission of containers which use HostPorts", judge: containers("uses no port of its node", (container) => !hasPorts(container)) },
    { id: "5.3.1", title: "The CNI in use supports NetworkPolicies", judge: notApplicable(CLUSTER) },
    { id: "5.3.2", title: "All namespaces have NetworkPolicies", judge: networkPolicies },
    { id: "5.4.1", title: "Prefer Secrets as files over Secrets as environment variables", judge: noSecretInEnvironment },
    { id: "5.4.2", title: "Consider external secret storage", judge: notApplicable(CLUSTER) },
    { id: "5.5.1", title: "Image provenance is verified at admission", judge: refused(UNSIGNED_CASE) },
    { id: "5.7.1", title: "Administrative boundaries between resources by namespaces", judge: ({ run, manifests }) => judgeEach(manifests, "manifest", `lies in the namespace ${run.env}`, ({ namespace }) => namespace === run.env) },
    { id: "5.7.2", title: "The seccomp profile is set", judge: all(containers("has the runtime's seccomp profile", ({ securityContext }, pod) => seccomp(securityContext) || seccomp(pod["securityContext"])), refused("no seccomp profile")) },
    { id: "5.7.3", title: "Pods and containers have a security context", judge: containers("has a security context, and so has its pod", ({ securityContext }, pod) => securityContext !== undefined && pod["securityContext"] !== undefined) },
    { id: "5.7.4", title: "The default namespace is not used", judge: ({ manifests }) => judgeEach(manifests, "manifest", "lies in a namespace other than default", ({ namespace }) => !["", "default"].includes(namespace)) },
  ],
};
