import { judgeApplication } from "../src/lib/health.ts";
import type { Application } from "../src/lib/health.ts";
import type { ExpectedService, IntegratePlan, ServiceFacts } from "../src/lib/integrate-plan.ts";
import { notReady, wrongDigest } from "../src/lib/kube.ts";
import type { Pod } from "../src/lib/kube.ts";
import { WaitTimeout, waitFor } from "../src/lib/wait.ts";
import type { Api } from "./integrate-api.ts";
import { podsOf } from "./integrate-explain.ts";
import { whilePassing } from "./integrate-install.ts";
import { Cause } from "./integrate-progress.ts";
import { applicationName } from "./integrate-sync.ts";

type Answer = ServiceFacts["answers"][number];

/** The pods that run are ready and run the very digest that was built. */
export async function checkPods(api: Api, plan: IntegratePlan, service: ExpectedService): Promise<ServiceFacts["pods"]> {
  const what = `the pods of ${service.name} to run ${service.digest}`;
  const pods = await orCause(service, () =>
    waitFor<Pod[]>({ what, timeoutMs: plan.timeouts.answer * 1000, everyMs: 300 }, () =>
      whilePassing<Pod[]>(async () => {
        const found = await podsOf(api, plan, service.name);
        const wrong = wrongDigest(found, service.digest) ?? found.map(notReady).find((line) => line !== undefined);
        return wrong === undefined ? { done: found } : { waiting: wrong };
      }),
    ),
  );
  return pods.map((pod) => ({
    name: pod.metadata.name,
    imageIDs: (pod.status?.containerStatuses ?? []).map((status) => status.imageID ?? ""),
  }));
}

/** The service answers through its Service, and tells the source revision that it was built from. */
export async function checkAnswers(
  api: Api,
  plan: IntegratePlan,
  service: ExpectedService,
): Promise<{ answers: Answer[]; reported: Record<string, unknown> }> {
  const answers: Answer[] = [];
  let reported: Record<string, unknown> = {};
  for (const path of [service.health, service.ready, service.version]) {
    const start = performance.now();
    const text = await orCause(service, () =>
      waitFor<string>({ what: `${service.name} to answer ${path} through its Service`, timeoutMs: plan.timeouts.answer * 1000, everyMs: 300 }, () =>
        whilePassing<string>(async () => {
          const answer = await api.request("GET", await throughService(api, plan, service, path));
          if (answer.status === 200) return { done: answer.text };
          return { waiting: `it answers ${answer.status} ${answer.text.slice(0, 200).replace(/\s+/g, " ").trim()}` };
        }),
      ),
    );
    answers.push({ path, status: 200, seconds: Math.round(performance.now() - start) / 1000 });
    if (path === service.version) reported = parseVersion(service, text);
  }
  if (reported["sourceRevision"] !== service.sourceRevision) {
    const told = JSON.stringify(reported["sourceRevision"] ?? null);
    throw new Cause(`${service.name}: ${service.version} reports sourceRevision ${told}, expected "${service.sourceRevision}"`);
  }
  return { answers, reported };
}

/**
 * Changes what runs behind Argo CD's back and measures until it is undone: the Deployment is
 * scaled (where an autoscaler does that, its history is lengthened) and the Service deleted. Both at once, since Argo CD backs off between attempts.
 */
export async function checkDrift(api: Api, plan: IntegratePlan, service: ExpectedService): Promise<ServiceFacts["drift"]> {
  const deploymentPath = `/apis/apps/v1/namespaces/${plan.env}/deployments/${service.name}`;
  const servicePath = `/api/v1/namespaces/${plan.env}/services/${service.name}`;
  const scaler = await api.get(`/apis/autoscaling/v2/namespaces/${plan.env}/horizontalpodautoscalers/${service.name}`);
  const field = scaler === undefined ? "replicas" : "revisionHistoryLimit";
  const before = numberIn(await api.get(deploymentPath), field);
  const uid = (await api.get(servicePath))?.metadata.uid;
  const start = performance.now();
  await Promise.all([api.mergePatch(deploymentPath, { spec: { [field]: before + 1 } }), api.remove(servicePath)]);
  const healed = async (change: string, probe: () => Promise<string | undefined>) => {
    await orCause(service, () =>
      waitFor({ what: `Argo CD to undo a drift (${change})`, timeoutMs: plan.timeouts.drift * 1000, everyMs: 100 }, () =>
        whilePassing(async () => {
          const waiting = await probe();
          return waiting === undefined ? { done: true } : { waiting };
        }),
      ),
    );
    return { change, healedSeconds: Math.round((performance.now() - start) / 100) / 10 };
  };
  return Promise.all([
    healed(`Deployment ${service.name}: ${field} changed from ${before} to ${before + 1}`, async () => {
      const now = numberIn(await api.get(deploymentPath), field);
      return now === before ? undefined : `${field} is ${now}`;
    }),
    healed(`Service ${service.name} deleted`, async () => {
      const live = await api.get(servicePath);
      return live !== undefined && live.metadata.uid !== uid ? undefined : "the Service does not exist";
    }),
  ]);
}

/** What the Application says at the end; it must still be proven. */
export function finalState(plan: IntegratePlan, service: ExpectedService, present: Map<string, Application>): ServiceFacts["application"] {
  const app = present.get(applicationName(plan, service));
  const verdict = judgeApplication(app, plan.gitops.revision);
  if (!verdict.ok) throw new Cause(`${service.name}: ${verdict.detail}`);
  return {
    revision: app?.status?.sync?.revision ?? "",
    reconciledAt: app?.status?.reconciledAt ?? "",
    operationFinishedAt: app?.status?.operationState?.finishedAt ?? "",
  };
}

/** The API server's proxy goes through the Service's endpoints, as a client in the cluster would. */
async function throughService(api: Api, plan: IntegratePlan, service: ExpectedService, path: string): Promise<string> {
  const live = await api.get(`/api/v1/namespaces/${plan.env}/services/${service.name}`);
  const port = (live?.["spec"] as { ports?: { port: number; name?: string }[] } | undefined)?.ports?.[0];
  return `/api/v1/namespaces/${plan.env}/services/http:${service.name}:${port?.name ?? port?.port ?? "http"}/proxy${path}`;
}

function parseVersion(service: ExpectedService, text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new Cause(`${service.name}: ${service.version} does not answer JSON but ${JSON.stringify(text.slice(0, 120))}`);
  }
}

function numberIn(deployment: { [field: string]: unknown } | undefined, field: string): number {
  return (deployment?.["spec"] as Record<string, number> | undefined)?.[field] ?? 0;
}

async function orCause<T>(service: ExpectedService, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WaitTimeout) throw new Cause(`${service.name}: ${error.message}`);
    throw error;
  }
}
