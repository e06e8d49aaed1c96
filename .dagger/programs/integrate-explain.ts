import type { ExpectedService, IntegratePlan } from "../src/lib/integrate-plan.ts";
import type { KubeObject, Pod } from "../src/lib/kube.ts";
import { livePods, notReady, podTrouble } from "../src/lib/kube.ts";
import type { WaitTimeout } from "../src/lib/wait.ts";
import type { Api } from "./integrate-api.ts";

/** Pods of a service, as its Deployment selects them. */
export async function podsOf(api: Api, plan: IntegratePlan, service: string): Promise<Pod[]> {
  const deployment = await api.get(`/apis/apps/v1/namespaces/${plan.env}/deployments/${service}`);
  const labels = (deployment?.["spec"] as { selector?: { matchLabels?: Record<string, string> } } | undefined)?.selector?.matchLabels;
  if (labels === undefined) return [];
  const selector = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  return livePods(await api.list<Pod>(`/api/v1/namespaces/${plan.env}/pods?labelSelector=${encodeURIComponent(selector)}`));
}

/** A pod's trouble with the last words of its process. */
export async function explainTrouble(api: Api, plan: IntegratePlan, service: string, pod: Pod): Promise<string> {
  const trouble = podTrouble(pod);
  if (trouble === undefined) return `${service}: ${notReady(pod) ?? "its pod is ready"}`;
  const log = trouble.container === "" ? "" : await lastLines(api, plan.env, trouble.pod, trouble.container);
  return `${service}: ${trouble.sentence} (${trouble.word})${log === "" ? "" : `; its last lines: ${log}`}`;
}

/** At the limit: the pods and their events know more than "not Healthy". */
export async function explainTimeout(api: Api, plan: IntegratePlan, services: ExpectedService[], timeout: WaitTimeout): Promise<string> {
  const found: string[] = [];
  for (const service of services) {
    for (const pod of await podsOf(api, plan, service.name)) {
      if (podTrouble(pod) !== undefined) {
        found.push(await explainTrouble(api, plan, service.name, pod));
      } else if (notReady(pod) !== undefined) {
        const warning = await lastWarning(api, plan.env, pod.metadata.name);
        found.push(`${service.name} never became ready: ${notReady(pod)}${warning === "" ? "" : `; ${warning}`}`);
      }
    }
  }
  return found.length > 0 ? `${found.join(" | ")} (${timeout.message})` : timeout.message;
}

async function lastWarning(api: Api, namespace: string, pod: string): Promise<string> {
  const selector = encodeURIComponent(`involvedObject.name=${pod},type=Warning`);
  interface Event extends KubeObject {
    message?: string;
    count?: number;
    lastTimestamp?: string;
  }
  const events = await api.list<Event>(`/api/v1/namespaces/${namespace}/events?fieldSelector=${selector}`);
  events.sort((a, b) => (a.lastTimestamp ?? "").localeCompare(b.lastTimestamp ?? ""));
  const last = events.at(-1);
  return last === undefined ? "" : `${(last.message ?? "").trim()} (${last.count ?? 1} times)`;
}

/** The last words of a container, of its run before where the present one has said nothing yet. */
export async function lastLines(api: Api, namespace: string, pod: string, container: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/log?container=${container}&tailLines=5`;
  // The latest run first; it is empty when it has only just been started again.
  for (const previous of ["", "&previous=true"]) {
    const answer = await api.request("GET", path + previous);
    const text = answer.text.trim();
    if (answer.status === 200 && text !== "" && !text.startsWith("unable to retrieve")) {
      return text.split("\n").join(" / ").slice(-600);
    }
  }
  return "";
}
