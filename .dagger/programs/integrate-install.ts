import { ARGOCD_NAMESPACE, MARKER } from "../src/lib/argocd-install.ts";
import type { Install } from "../src/lib/argocd-install.ts";
import type { IntegratePlan } from "../src/lib/integrate-plan.ts";
import type { KubeObject, Pod } from "../src/lib/kube.ts";
import { livePods, nodeTrouble, notReady, podTrouble } from "../src/lib/kube.ts";
import { waitFor } from "../src/lib/wait.ts";
import type { Observation } from "../src/lib/wait.ts";
import { ApiError } from "./integrate-api.ts";
import type { Api } from "./integrate-api.ts";
import { Cause } from "./integrate-progress.ts";
import type { Progress } from "./integrate-progress.ts";

const APPLY_TIMEOUT_MS = 60_000;
/** Pulling a missing image may be slow, but a back-off that lasts this long is an answer. */
const PATIENCE_MS = 30_000;

/** Waits until the API server answers; returns the version of Kubernetes. */
export async function waitForApi(api: Api, plan: IntegratePlan, progress: Progress): Promise<string> {
  const what = "the cluster's API server";
  await waitFor({ what, timeoutMs: plan.timeouts.api * 1000, everyMs: 200 }, () =>
    whilePassing(async () => {
      const answer = await api.request("GET", "/readyz");
      if (answer.status === 200) return { done: true };
      const gone = /no route to host/.test(answer.text) ? ": the cluster has ended; its last words are in this run's log (--progress=plain)" : "";
      return { waiting: `/readyz answers ${answer.status} ${firstLine(answer.text)}${gone}` };
    }),
  );
  const version = await api.get<{ gitVersion: string }>("/version");
  progress.say(`Kubernetes ${version?.gitVersion} answers`);
  return version?.gitVersion ?? "unknown";
}

/** Installs Argo CD, unless the cluster began with this very installation; says which it was. */
export async function installArgoCd(api: Api, install: Install): Promise<"installed" | "found"> {
  const wanted = install.settings.find(({ metadata }) => metadata.name === MARKER)!;
  const found = await api.get(await api.pathOf(wanted));
  if (digestOf(found) === digestOf(wanted)) return "found";
  await applyAll(api, install.types.filter((object) => !isType(object)));
  const types = install.types.filter(isType);
  const typesServed = applyAll(api, types).then(() => Promise.all(types.map((type) => waitForType(api, type))));
  // A controller that finds its own type missing tries again only much later; Redis and the
  // repo-server know no types, and the repo-server is the last to be ready.
  const controllers = install.workloads.filter((workload) => workload.metadata.name.endsWith("-controller"));
  const others = install.workloads.filter((workload) => !controllers.includes(workload));
  // What pods refer to goes in before them, so that none has to restart.
  await applyAll(api, install.settings);
  await Promise.all([applyAll(api, others), typesServed.then(() => applyAll(api, controllers))]);
  return "installed";
}

function digestOf(marker: KubeObject | undefined): string | undefined {
  return (marker?.["data"] as { digest?: string } | undefined)?.digest;
}

function isType(object: KubeObject): boolean {
  return object.kind === "CustomResourceDefinition";
}

/** Waits until the API server serves a type. */
export async function waitForType(api: Api, crd: KubeObject): Promise<void> {
  interface Status {
    conditions?: { type: string; status: string }[];
  }
  await waitFor({ what: `the type ${crd.metadata.name} to be served`, timeoutMs: APPLY_TIMEOUT_MS, everyMs: 100 }, () =>
    whilePassing(async () => {
      const status = (await api.get(await api.pathOf(crd)))?.["status"] as Status | undefined;
      const established = status?.conditions?.some((c) => c.type === "Established" && c.status === "True") === true;
      return established ? { done: true } : { waiting: "not established yet" };
    }),
  );
}

/** Waits until every workload of Argo CD is available. */
export async function waitForArgoCd(api: Api, install: Install, plan: IntegratePlan, progress: Progress): Promise<void> {
  const what = "Argo CD to be available";
  const troubledSince = new Map<string, number>();
  await waitFor(
    { what, timeoutMs: plan.timeouts.argocd * 1000, everyMs: 150, onChange: (line) => progress.say(`argocd: ${line}`) },
    () =>
      whilePassing(async () => {
        const missing: string[] = [];
        const live = await Promise.all(install.workloads.map(async (workload) => await api.get(await api.pathOf(workload))));
        for (const [index, { metadata }] of install.workloads.entries()) if (!isAvailable(live[index])) missing.push(metadata.name);
        if (missing.length === 0) return { done: true };
        api.trouble = nodeTrouble(await api.list("/api/v1/nodes"));
        if (api.trouble !== undefined) return { waiting: api.trouble };
        const pods = livePods(await api.list<Pod>(`/api/v1/namespaces/${ARGOCD_NAMESPACE}/pods`));
        for (const pod of pods) {
          const trouble = podTrouble(pod);
          if (trouble === undefined) continue;
          const since = troubledSince.get(trouble.pod) ?? performance.now();
          troubledSince.set(trouble.pod, since);
          if (trouble.fatal && performance.now() - since > PATIENCE_MS) {
            throw new Cause(`Argo CD does not start: pod ${trouble.pod}: ${trouble.sentence}`);
          }
        }
        const unready = pods.map((pod) => podTrouble(pod)?.sentence ?? notReady(pod)).filter((line) => line !== undefined);
        return { waiting: `${missing.join(", ")} not available${unready.length > 0 ? ` (${unready[0]})` : ""}` };
      }),
  );
}

/** Applies all at once; what the API server refuses for the moment is tried again. */
export async function applyAll(api: Api, objects: KubeObject[], manager?: string): Promise<void> {
  await Promise.all(
    objects.map((object) =>
      waitFor({ what: `${object.kind}/${object.metadata.name} to be applied`, timeoutMs: APPLY_TIMEOUT_MS, everyMs: 250 }, () =>
        whilePassing(async () => ({ done: await api.apply(object, manager) })),
      ),
    ),
  );
}

/** Turns an API error that may pass into an observation; every other error ends the wait. */
export async function whilePassing<T>(probe: () => Promise<Observation<T>>): Promise<Observation<T>> {
  try {
    return await probe();
  } catch (error) {
    if (error instanceof ApiError && error.passing) return { waiting: error.message };
    throw error;
  }
}

export function isAvailable(live: KubeObject | undefined): boolean {
  if (live === undefined) return false;
  const wanted = (live["spec"] as { replicas?: number }).replicas ?? 1;
  const status = (live["status"] ?? {}) as { readyReplicas?: number; observedGeneration?: number };
  return (status.observedGeneration ?? 0) >= (live.metadata.generation ?? 0) && (status.readyReplicas ?? 0) >= wanted;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]?.slice(0, 200) ?? "";
}
