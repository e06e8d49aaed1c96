import { lookup } from "node:dns/promises";
import { ARGOCD_NAMESPACE, gitService, withRepository } from "../src/lib/argocd-install.ts";
import { judgeApplication, judgeApplicationSet, saysGitUnreachable } from "../src/lib/health.ts";
import type { Application, Verdict } from "../src/lib/health.ts";
import type { ExpectedService, IntegratePlan } from "../src/lib/integrate-plan.ts";
import type { KubeObject } from "../src/lib/kube.ts";
import { podTrouble } from "../src/lib/kube.ts";
import { WaitTimeout, waitFor } from "../src/lib/wait.ts";
import type { Api } from "./integrate-api.ts";
import { explainTimeout, explainTrouble, podsOf } from "./integrate-explain.ts";
import { applyAll, whilePassing } from "./integrate-install.ts";
import { Cause } from "./integrate-progress.ts";
import type { Progress } from "./integrate-progress.ts";

const ARGO_API = `/apis/argoproj.io/v1alpha1/namespaces/${ARGOCD_NAMESPACE}`;
/** So long is a thing given before it is asked for again. */
const REFRESH_EVERY_MS = 3_000;
const GIT_PORT = 9418;

/** Name of the Application that the ApplicationSet makes for a service. */
export function applicationName(plan: IntegratePlan, service: ExpectedService): string {
  return `${plan.env}-${service.name}`;
}

/** The Applications that exist, by name. */
export async function applications(api: Api): Promise<Map<string, Application>> {
  const items = await api.list<Application>(`${ARGO_API}/applications`);
  return new Map(items.map((item) => [item.metadata.name, item]));
}

/**
 * What Applications need before they exist: the Git server's name for pods, the teams' projects (an
 * Application without one stays refused until a late refresh), the namespace, which no project may make.
 */
export async function prepareGitops(api: Api, plan: IntegratePlan, objects: KubeObject[]): Promise<void> {
  const { hostname, port } = new URL(plan.gitops.url);
  const { address } = await lookup(hostname, { family: 4 });
  const namespace: KubeObject = { apiVersion: "v1", kind: "Namespace", metadata: { name: plan.env } };
  await applyAll(api, [
    ...gitService(hostname, address, Number(port || GIT_PORT)),
    ...objects.filter((object) => object.kind !== "ApplicationSet").map((object) => withRepository(object, plan.gitops.url)),
    namespace,
  ]);
}

/** Applies the ApplicationSets; returns their names. */
export async function applySets(api: Api, plan: IntegratePlan, objects: KubeObject[]): Promise<string[]> {
  const sets = objects.filter((object) => object.kind === "ApplicationSet").map((object) => withRepository(object, plan.gitops.url));
  await applyAll(api, sets);
  return sets.map(({ metadata }) => metadata.name);
}

/** Waits until the ApplicationSet has made an Application for every expected service. */
export async function waitForApplications(api: Api, plan: IntegratePlan, sets: string[], progress: Progress): Promise<void> {
  const wanted = plan.services.map((service) => applicationName(plan, service));
  const patience = new Patience(plan.timeouts.stable * 1000);
  let asked = performance.now();
  await waitFor(
    {
      what: `the Applications ${wanted.join(", ")}`,
      timeoutMs: plan.timeouts.applications * 1000,
      everyMs: 100,
      onChange: (line) => progress.say(`applications: ${line}`),
    },
    () =>
      whilePassing(async () => {
        const present = await applications(api);
        const missing = wanted.filter((name) => !present.has(name));
        if (missing.length === 0) return { done: true };
        const errors: string[] = [];
        for (const set of sets) {
          const live = await api.get(`${ARGO_API}/applicationsets/${set}`);
          const conditions = (live?.["status"] as { conditions?: { type: string }[] } | undefined)?.conditions ?? [];
          const error = judgeApplicationSet(conditions);
          if (error !== undefined) errors.push(error);
        }
        const error = errors[0];
        if (patience.exhausted("applicationset", error !== undefined)) {
          throw new Cause(
            saysGitUnreachable(error ?? "")
              ? `Argo CD cannot read the GitOps repository ${plan.gitops.url}: ${error}`
              : `the ApplicationSet makes no Applications: ${error}`,
          );
        }
        if (performance.now() - asked > REFRESH_EVERY_MS) {
          asked = performance.now();
          for (const set of sets) await refreshSet(api, set);
        }
        return { waiting: `no ${missing.join(", ")} yet${error === undefined ? "" : ` (${error})`}` };
      }),
  );
}

/** Waits until every Application is proven at the expected revision; ends early at a cause that stays. */
export async function waitForSync(api: Api, plan: IntegratePlan, progress: Progress, only = plan.services): Promise<Map<string, Application>> {
  const patience = new Patience(plan.timeouts.stable * 1000);
  const asked = new Map<string, number>();
  const begun = performance.now();
  const names = only.map((service) => applicationName(plan, service));
  try {
    return await waitFor(
      {
        what: `${names.join(", ")} to be Synced and Healthy at ${plan.gitops.revision.slice(0, 12)}`,
        timeoutMs: plan.timeouts.sync * 1000,
        everyMs: 150,
        onChange: (line) => progress.say(`sync: ${line}`),
      },
      () =>
        whilePassing<Map<string, Application>>(async () => {
          const present = await applications(api);
          const open: string[] = [];
          for (const service of only) {
            const name = applicationName(plan, service);
            const verdict = judgeApplication(present.get(name), plan.gitops.revision);
            if (verdict.ok) continue;
            open.push(`${name}: ${verdict.detail}`);
            endIfFatal(plan, service, verdict, patience);
            // Argo CD looks by itself at what is new; only a comparison that is too old is asked for at once.
            const since = asked.get(name) ?? (verdict.reason === "not-reconciled-since" ? -Infinity : begun);
            if (verdict.refresh && performance.now() - since > REFRESH_EVERY_MS) {
              asked.set(name, performance.now());
              await refreshApplication(api, name);
            }
            await endIfPodsFail(api, plan, service, patience);
          }
          return open.length === 0 ? { done: present } : { waiting: open.join(" | ") };
        }),
    );
  } catch (error) {
    if (error instanceof WaitTimeout) throw new Cause(await explainTimeout(api, plan, only, error));
    throw error;
  }
}

/** Asks for a comparison with a fresh checkout, now. */
export async function refreshApplication(api: Api, name: string): Promise<void> {
  const annotations = { "argocd.argoproj.io/refresh": "hard" };
  await api.mergePatch(`${ARGO_API}/applications/${name}`, { metadata: { annotations } });
}

async function refreshSet(api: Api, name: string): Promise<void> {
  const annotations = { "argocd.argoproj.io/application-set-refresh": "true" };
  await api.mergePatch(`${ARGO_API}/applicationsets/${name}`, { metadata: { annotations } });
}

function endIfFatal(plan: IntegratePlan, service: ExpectedService, verdict: Verdict & { ok: false }, patience: Patience): void {
  const lasting = verdict.reason === "git-unreachable" || verdict.reason === "comparison-error";
  const exhausted = patience.exhausted(service.name, lasting);
  if (!verdict.fatal && !exhausted) return;
  switch (verdict.reason) {
    case "git-unreachable":
      throw new Cause(`Argo CD cannot read the GitOps repository ${plan.gitops.url}: ${verdict.detail}`);
    case "manifest-does-not-parse":
      throw new Cause(`${service.name}: a manifest does not parse: ${verdict.detail}`);
    case "invalid-spec":
      throw new Cause(`${service.name}: Argo CD refuses the Application: ${verdict.detail}`);
    case "operation-failed":
      throw new Cause(`${service.name}: Argo CD could not apply the manifests: ${verdict.detail}`);
    default:
      throw new Cause(`${service.name}: ${verdict.detail}`);
  }
}

async function endIfPodsFail(api: Api, plan: IntegratePlan, service: ExpectedService, patience: Patience): Promise<void> {
  for (const pod of await podsOf(api, plan, service.name)) {
    const trouble = podTrouble(pod);
    const exhausted = patience.exhausted(pod.metadata.name, trouble?.lasting === true);
    if (trouble?.fatal === true || exhausted) throw new Cause(await explainTrouble(api, plan, service.name, pod));
  }
}

/** Remembers since when something has been so, and says when that is long enough. */
class Patience {
  readonly #limitMs: number;
  readonly #since = new Map<string, number>();

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  exhausted(what: string, isSo: boolean): boolean {
    if (!isSo) {
      this.#since.delete(what);
      return false;
    }
    const since = this.#since.get(what) ?? performance.now();
    this.#since.set(what, since);
    return performance.now() - since > this.#limitMs;
  }
}
