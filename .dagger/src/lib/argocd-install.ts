import { createHash } from "node:crypto";
import type { KubeObject } from "./kube.ts";

/**
 * Fits Argo CD's published core installation to a cluster that lives for a minute.
 * Only speed, images and addresses change; what is installed stays upstream's.
 */
export interface InstallOptions {
  argocdImage: string;
  redisImage: string;
}

/** The installation in the order in which it can be applied; each list may go in at once. */
export interface Install {
  /** The namespace and the types. */
  types: KubeObject[];
  /** Everything that pods refer to. */
  settings: KubeObject[];
  /** Deployments and StatefulSets. */
  workloads: KubeObject[];
}

export const ARGOCD_NAMESPACE = "argocd";
/** Says which installation a cluster holds. */
export const MARKER = "golden-path-install";

const CLUSTER_SCOPED = new Set([
  "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "Namespace",
  "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
]);
const WORKLOADS = new Set(["Deployment", "StatefulSet"]);

const SETTINGS: Record<string, Record<string, string>> = {
  "argocd-cm": {
    // Refreshes are asked for by name; this poll is only the net below.
    "timeout.reconciliation": "30s",
    "timeout.reconciliation.jitter": "0s",
    // No ingress controller runs here, so no Ingress would ever get an address.
    "resource.customizations.health.networking.k8s.io_Ingress":
      'hs = {}\nhs.status = "Healthy"\nhs.message = "no ingress controller in an ephemeral cluster"\nreturn hs\n',
    // Nor does anything measure load, without which an autoscaler reports a failure.
    "resource.customizations.health.autoscaling_HorizontalPodAutoscaler":
      'hs = {}\nhs.status = "Healthy"\nhs.message = "no metrics in an ephemeral cluster"\nreturn hs\n',
  },
  "argocd-cmd-params-cm": {
    "controller.sync.wave.delay.seconds": "0",
    "controller.self.heal.timeout.seconds": "1",
    // Two drifts in a row are healed in seconds; the default would wait up to five minutes.
    "controller.self.heal.backoff.cap.seconds": "2",
    "controller.status.processors": "4",
    "controller.operation.processors": "4",
    // Show a failing repository at once instead of three minutes later.
    "controller.repo.error.grace.period.seconds": "1",
    "controller.repo.server.timeout.seconds": "30",
    "applicationsetcontroller.requeue.after": "15s",
    "applicationsetcontroller.enable.leader.election": "false",
    "reposerver.parallelism.limit": "4",
    "redis.compression": "none",
  },
};

/** Rewrites the objects of `core-install.yaml`. */
export function prepareInstall(objects: KubeObject[], options: InstallOptions): Install {
  const namespace: KubeObject = { apiVersion: "v1", kind: "Namespace", metadata: { name: ARGOCD_NAMESPACE } };
  const install: Install = { types: [namespace], settings: [], workloads: [] };
  for (const original of objects) {
    const object = structuredClone(original);
    if (!CLUSTER_SCOPED.has(object.kind)) object.metadata.namespace = ARGOCD_NAMESPACE;
    if (object.kind === "CustomResourceDefinition") dropDescriptions(object["spec"]);
    if (object.kind === "ConfigMap") addSettings(object);
    if (WORKLOADS.has(object.kind)) {
      fitWorkload(object, options);
      install.workloads.push(object);
    } else {
      (object.kind === "CustomResourceDefinition" ? install.types : install.settings).push(object);
    }
  }
  install.settings.push(marker(install));
  return install;
}

/** An object that names this installation by its content. */
function marker(install: Install): KubeObject {
  const digest = createHash("sha256").update(JSON.stringify(install)).digest("hex");
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: MARKER, namespace: ARGOCD_NAMESPACE }, data: { digest } };
}

/** The Git server's address under its name, for pods: the cluster's DNS knows none of the pipeline's services. */
export function gitService(name: string, address: string, port: number): KubeObject[] {
  const ports = [{ name: "git", port, protocol: "TCP" }];
  return [
    { apiVersion: "v1", kind: "Service", metadata: { name, namespace: ARGOCD_NAMESPACE }, spec: { clusterIP: "None", ports } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, namespace: ARGOCD_NAMESPACE, labels: { "kubernetes.io/service-name": name } },
      addressType: "IPv4",
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports,
    },
  ];
}

interface Container {
  image: string;
  imagePullPolicy?: string;
  env?: { name: string; value?: string }[];
  readinessProbe?: { initialDelaySeconds?: number; periodSeconds?: number };
}

interface PodSpec {
  containers: Container[];
  initContainers?: (Container & { name: string })[];
}

/**
 * Init containers that prepare what is not used here: the secret exists before the pods do, and
 * no plugin needs the copy of Argo CD's 200 MB program that the repo-server would wait for.
 */
const NEEDLESS = new Set(["secret-init", "copyutil"]);

function fitWorkload(object: KubeObject, options: InstallOptions): void {
  const pod = (object as unknown as { spec: { template: { spec: PodSpec } } }).spec.template.spec;
  const kept = (pod.initContainers ?? []).filter((container) => !NEEDLESS.has(container.name));
  if (kept.length > 0) pod.initContainers = kept;
  else delete pod.initContainers;
  for (const container of [...pod.containers, ...kept]) {
    const isArgo = container.image.includes("argocd");
    container.image = isArgo ? options.argocdImage : options.redisImage;
    container.imagePullPolicy = "IfNotPresent";
    // Signature checks of commits need key rings that an ephemeral cluster has no use for.
    // GOGC: its parts start on few busy cores; memory for time.
    if (isArgo) container.env = [...(container.env ?? []), { name: "ARGOCD_GPG_ENABLED", value: "false" }, { name: "GOGC", value: "400" }];
    if (container.readinessProbe !== undefined) {
      container.readinessProbe.initialDelaySeconds = 0;
      container.readinessProbe.periodSeconds = 1;
    }
  }
}

function addSettings(object: KubeObject): void {
  const settings = SETTINGS[object.metadata.name];
  if (settings === undefined) return;
  object["data"] = { ...(object["data"] as Record<string, string> | undefined), ...settings };
}

/**
 * Takes the prose out of a schema: two thirds of 1.4 MB that the API server would parse,
 * publish and store. A *property* called `description` is a schema, not prose, and stays.
 */
function dropDescriptions(value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) dropDescriptions(item);
  } else if (value !== null && typeof value === "object") {
    const record = value as Record<string, unknown>;
    if (typeof record["description"] === "string") delete record["description"];
    for (const child of Object.values(record)) dropDescriptions(child);
  }
}

interface Source {
  repoURL?: string;
}

/** Points an AppProject or ApplicationSet at the repository that serves the tree under test. */
export function withRepository(object: KubeObject, repoURL: string): KubeObject {
  const copy = structuredClone(object);
  if (!CLUSTER_SCOPED.has(copy.kind)) copy.metadata.namespace = ARGOCD_NAMESPACE;
  const spec = copy["spec"] as Record<string, unknown>;
  if (copy.kind === "AppProject") spec["sourceRepos"] = [repoURL];
  if (copy.kind === "ApplicationSet") {
    for (const generator of (spec["generators"] ?? []) as { git?: Source }[]) {
      if (generator.git !== undefined) generator.git.repoURL = repoURL;
    }
    const template = spec["template"] as { spec: { source?: Source; sources?: Source[] } };
    for (const source of [template.spec.source, ...(template.spec.sources ?? [])]) {
      if (source !== undefined) source.repoURL = repoURL;
    }
  }
  return copy;
}
