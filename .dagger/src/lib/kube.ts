/** Pure reading and rewriting of Kubernetes objects; nothing here talks to a cluster. */

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    generation?: number;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  [field: string]: unknown;
}

interface ContainerState {
  waiting?: { reason?: string; message?: string };
  running?: { startedAt?: string };
  terminated?: { exitCode?: number; reason?: string; signal?: number; message?: string; startedAt?: string; finishedAt?: string };
}

export interface ContainerStatus {
  name: string;
  image?: string;
  imageID?: string;
  ready?: boolean;
  restartCount?: number;
  state?: ContainerState;
  lastState?: ContainerState;
}

export interface Pod extends KubeObject {
  spec?: { containers?: { name: string; image: string }[]; nodeName?: string };
  status?: {
    phase?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

/** What keeps a pod from running, in one sentence. */
export interface PodTrouble {
  pod: string;
  container: string;
  /** Kubernetes' own word: CrashLoopBackOff, ImagePullBackOff, … */
  word: string;
  sentence: string;
  /** It repeats itself: waiting longer will not help. */
  fatal: boolean;
  /** It may pass by itself, and is the cause if it has not after a while. */
  lasting?: boolean;
}

/** So many restarts are a pattern, not an accident of the start. */
const STABLE_RESTARTS = 3;

const PULL = new Set(["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"]);
const FINAL_PULL = /not found|denied|unauthorized|forbidden|manifest unknown|invalid reference|media type/i;
const CONFIG = new Set(["CreateContainerConfigError", "CreateContainerError", "RunContainerError"]);

/** The first trouble of a pod's containers, fatal ones first; none while it is merely starting. */
export function podTrouble(pod: Pod): PodTrouble | undefined {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const troubles = statuses.map((status) => containerTrouble(pod, status)).filter((t) => t !== undefined);
  return troubles.find((t) => t.fatal) ?? troubles[0] ?? unschedulable(pod);
}

function containerTrouble(pod: Pod, status: ContainerStatus): PodTrouble | undefined {
  const image = wantedImage(pod, status);
  const waiting = status.state?.waiting;
  const word = waiting?.reason ?? "";
  const found = { pod: pod.metadata.name, container: status.name };
  if (PULL.has(word)) {
    // What the registry does not have will not appear; a registry that does not answer may come back.
    const message = waiting?.message ?? "no message";
    return {
      ...found,
      word,
      sentence: `image ${image} cannot be pulled (${word}: ${pullFailure(message, image)})`,
      fatal: word !== "ErrImagePull" && FINAL_PULL.test(message),
      lasting: true,
    };
  }
  if (CONFIG.has(word)) {
    return {
      ...found,
      word,
      sentence: `container ${status.name} cannot be started (${word}: ${oneLine(waiting?.message ?? "no message")})`,
      fatal: true,
    };
  }
  const ended = status.state?.terminated ?? status.lastState?.terminated;
  const restarts = status.restartCount ?? 0;
  const failing = ended !== undefined && ended.exitCode !== 0 && status.state?.running === undefined;
  if (word === "CrashLoopBackOff" || (failing && status.ready !== true)) {
    const how = ended === undefined ? "ended" : describeEnd(ended);
    return {
      ...found,
      word: word === "" ? "Error" : word,
      sentence: `image ${image} does not stay up: its process ${how}, ${restarts} ${restarts === 1 ? "restart" : "restarts"}`,
      fatal: restarts >= STABLE_RESTARTS,
    };
  }
  return undefined;
}

/** What the runtime said at the end of kubelet's wrapping, which names the image three times over. */
function pullFailure(message: string, image: string): string {
  const said = oneLine(message).replace(/^Back-off pulling image "[^"]*": /, "");
  const bare = said.replace(/^ErrImagePull: /, "").replace(/rpc error: code = \w+ desc = /g, "");
  return bare.replaceAll(`image "${image}"`, "it").replaceAll(`reference "${image}"`, "it");
}

function describeEnd(ended: NonNullable<ContainerState["terminated"]>): string {
  const reason = ended.reason !== undefined && ended.reason !== "Error" ? ` (${ended.reason})` : "";
  const message = ended.message ? `: ${oneLine(ended.message)}` : "";
  return `ended with exit code ${ended.exitCode ?? "unknown"}${reason}${message}`;
}

function unschedulable(pod: Pod): PodTrouble | undefined {
  const condition = pod.status?.conditions?.find((c) => c.type === "PodScheduled" && c.status === "False");
  if (condition === undefined) return undefined;
  const word = condition.reason ?? "Unschedulable";
  return {
    pod: pod.metadata.name,
    container: "",
    word,
    sentence: `pod ${pod.metadata.name} has no node (${word}: ${oneLine(condition.message ?? "no message")})`,
    fatal: false,
  };
}

function wantedImage(pod: Pod, status: ContainerStatus): string {
  return pod.spec?.containers?.find((c) => c.name === status.name)?.image ?? status.image ?? "unknown";
}

/** What a pod that runs but is not ready says; undefined when it is ready. */
export function notReady(pod: Pod): string | undefined {
  const ready = pod.status?.conditions?.find((c) => c.type === "Ready");
  if (ready?.status === "True") return undefined;
  const names = (pod.status?.containerStatuses ?? []).filter((s) => s.ready !== true).map((s) => s.name);
  const containers = names.length > 0 ? `container ${names.join(", ")} is not ready` : "not ready";
  return `pod ${pod.metadata.name} is ${pod.status?.phase ?? "Unknown"}, ${containers}`;
}

/** How often a pod's containers were started again, all together. */
export function restartsOf(pod: Pod): number {
  return (pod.status?.containerStatuses ?? []).reduce((sum, status) => sum + (status.restartCount ?? 0), 0);
}

/** A pod's container that ended though it had been running well; none while its restarts are the ones known `before`. */
export function restartSince(pod: Pod, before: number): { container: string; sentence: string } | undefined {
  if (restartsOf(pod) <= before && !(pod.status?.containerStatuses ?? []).some((status) => status.state?.terminated !== undefined)) return undefined;
  for (const status of pod.status?.containerStatuses ?? []) {
    const ended = status.state?.terminated ?? status.lastState?.terminated;
    if (ended === undefined) continue;
    const lived = (Date.parse(ended.finishedAt ?? "") - Date.parse(ended.startedAt ?? "")) / 1000;
    const after = Number.isNaN(lived) ? "" : ` after ${lived.toFixed(0)} s`;
    return { container: status.name, sentence: `image ${wantedImage(pod, status)} does not stay up: its process ${describeEnd(ended)}${after}` };
  }
  return undefined;
}

/** Why no node can take pods; undefined when one is Ready. */
export function nodeTrouble(nodes: KubeObject[]): string | undefined {
  if (nodes.length === 0) return "the cluster has no node yet: its kubelet has not registered";
  for (const node of nodes) {
    const { conditions } = (node["status"] ?? {}) as { conditions?: { type: string; status: string; reason?: string; message?: string }[] };
    const ready = (conditions ?? []).find(({ type }) => type === "Ready");
    if (ready?.status === "True") return undefined;
    const why = ready === undefined ? "it reports nothing" : `${ready.reason ?? "no reason"}: ${oneLine(ready.message ?? "no message")}`;
    return `the cluster's node ${node.metadata.name} is not Ready (${why})`;
  }
  return undefined;
}

/** Pods that are meant to be there: not those on their way out. */
export function livePods(pods: Pod[]): Pod[] {
  return pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
}

/**
 * Whether every container of the pods that names `repository` really runs `digest`.
 * What the runtime reports (`imageID`) decides; the spec only says what was asked for.
 */
export function wrongDigest(pods: Pod[], digest: string): string | undefined {
  if (pods.length === 0) return "no pod is running";
  for (const pod of pods) {
    const running = pod.status?.containerStatuses ?? [];
    if (running.length === 0) return `pod ${pod.metadata.name} has no running container`;
    for (const status of running) {
      const id = status.imageID ?? "";
      if (!id.endsWith(`@${digest}`) && id !== digest) {
        return `pod ${pod.metadata.name} runs ${id === "" ? "no image yet" : id}, expected ${digest}`;
      }
    }
  }
  return undefined;
}

/** The path of an object in the API, given the plural name that discovery tells. */
export function objectPath(object: { apiVersion: string; metadata: { name: string; namespace?: string } }, plural: string): string {
  const { name, namespace } = object.metadata;
  const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `${groupPath(object.apiVersion)}${scope}/${plural}/${encodeURIComponent(name)}`;
}

/** `v1` is served under /api, every other group under /apis. */
export function groupPath(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
