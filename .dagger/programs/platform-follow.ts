import { setTimeout as sleep } from "node:timers/promises";
import { ARGOCD_NAMESPACE } from "../src/lib/argocd-install.ts";
import { failureOf } from "../src/lib/health.ts";
import type { KubeObject } from "../src/lib/kube.ts";
import { addressForPods, applicationState, inOrder, isRelease } from "../src/lib/local-platform.ts";
import type { ApplicationState, PlatformPlan, PlatformStatus, ShownApplication } from "../src/lib/local-platform.ts";
import type { Api } from "./integrate-api.ts";
import { ApiError } from "./integrate-api.ts";
import { Cause } from "./integrate-progress.ts";
import type { Progress } from "./integrate-progress.ts";
import { refreshApplication } from "./integrate-sync.ts";
import type { Demand } from "./platform-demand.ts";
import type { Repository } from "./platform-git.ts";
import { Own } from "./platform-own.ts";
import { Recovery, podSigns } from "./platform-recover.ts";
import type { Sight } from "./platform-recover.ts";

const ARGO_API = `/apis/argoproj.io/v1alpha1/namespaces/${ARGOCD_NAMESPACE}`;
const EVERY_MS = 1000;
/** Applications and the branch's tip may disagree for a moment; Argo CD is reminded that often. */
const REMIND_MS = 10_000;
/** The status must not wait longer for a new key; it is brought with the next look. */
const DEMAND_MS = 5_000;

/** Keeps Argo CD at the repository's tip, and the status at what Argo CD says. */
export class Follower {
  readonly status: PlatformStatus;
  readonly repository: Repository;
  /** The ApplicationSets that make the Applications. */
  #sets: string[] = [];
  readonly #api: Api;
  readonly #plan: PlatformPlan;
  readonly #own: Own;
  readonly #demand: Demand;
  readonly #recovery: Recovery;
  readonly #progress: Progress;
  #reminded = 0;
  #said = "";
  #trouble: string | undefined;

  constructor(api: Api, plan: PlatformPlan, repository: Repository, demand: Demand, progress: Progress) {
    this.#api = api;
    this.#plan = plan;
    this.#progress = progress;
    this.#own = new Own(api, addressForPods(plan.gitops));
    this.#recovery = new Recovery(plan, progress);
    this.repository = repository;
    this.#demand = demand;
    this.status = {
      state: "starting", doing: "", steps: progress.steps, kubernetes: "",
      gitops: { url: plan.gitops.url, branch: plan.gitops.branch, tip: "" }, applications: [], releases: [], services: [],
    };
  }

  /** Reads the repository's tip; true when it is a new one. A repository that does not answer is no end. */
  async lookForReleases(): Promise<boolean> {
    const { gitops } = this.status;
    try {
      const changed = await this.repository.follow();
      gitops.tip = this.repository.tip;
      delete gitops.reason;
      return changed;
    } catch (error) {
      gitops.reason = `the GitOps repository ${gitops.url} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
      return false;
    }
  }

  /**
   * Brings the platform's own objects to the cluster as the tip has them, after what it demands of images; a repository
   * without a commit has none. Returns what a person should know.
   */
  async bringOwn(limitMs?: number): Promise<string | undefined> {
    const told = await this.#demand.follow(await this.repository.demandedKey(), limitMs);
    const objects = await this.repository.platformObjects();
    if (objects.length > 0) this.#sets = await this.#own.bring(objects, this.repository.tip);
    return told;
  }

  /** Goes on until the cluster is lost. */
  async follow(): Promise<never> {
    this.status.state = "ready";
    this.status.doing = "Argo CD follows the GitOps repository";
    let changed = true;
    for (;;) {
      if (changed || this.#demand.pending) {
        this.#trouble = await this.#brought();
        await this.#remind(true);
      }
      if (this.#trouble !== undefined) this.status.gitops.reason ??= this.#trouble;
      await this.#look();
      await this.#remind(false);
      await sleep(EVERY_MS);
      changed = await this.lookForReleases();
    }
  }

  /** What is wrong with the platform's own objects is told, and no reason to end. */
  async #brought(): Promise<string | undefined> {
    try {
      return await this.bringOwn(DEMAND_MS);
    } catch (error) {
      if (error instanceof Cause) throw error;
      return `argocd/ of the GitOps repository cannot be applied: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** Argo CD polls by itself, but only every few minutes. */
  async #remind(now: boolean): Promise<void> {
    const { tip } = this.status.gitops;
    const behind = this.status.applications.filter((app) => app.revision !== tip);
    const due = performance.now() - this.#reminded > REMIND_MS;
    if (!now && (behind.length === 0 || !due)) return;
    this.#reminded = performance.now();
    await this.#passing(async () => {
      for (const set of this.#sets) {
        await this.#api.mergePatch(`${ARGO_API}/applicationsets/${set}`, { metadata: { annotations: { "argocd.argoproj.io/application-set-refresh": "true" } } });
      }
      for (const app of now ? this.status.applications : behind) await refreshApplication(this.#api, `${app.env}-${app.service}`);
    });
  }

  async #look(): Promise<void> {
    await this.#passing(async () => {
      const items = (await this.#api.list<KubeObject & ShownApplication>(`${ARGO_API}/applications`)).filter(isRelease);
      const own = await this.#own.state();
      if (own === undefined) delete this.status.own;
      else this.status.own = own;
      const sights = await Promise.all(items.map((item) => this.#sight(item)));
      this.status.applications = inOrder(sights.map(({ state }) => state), this.#plan.environments);
      const exposed = await this.#exposed();
      this.status.services = this.status.applications.map(nameOf);
      const front = this.status.services.find((name) => exposed.has(name)) ?? this.status.services[0];
      if (front === undefined) delete this.status.front;
      else this.status.front = front;
      await this.#recovery.look(sights.map(({ sight }) => sight));
      this.status.releases = inOrder([...this.#recovery.shown.values()], this.#plan.environments);
    });
    for (const app of this.status.applications) {
      const line = `${app.env}-${app.service}: ${app.sync}, ${app.health} at ${app.revision.slice(0, 12)}`;
      if (!this.#said.includes(`${line}\n`)) this.#progress.say(line);
    }
    this.#said = this.status.applications.map((app) => `${app.env}-${app.service}: ${app.sync}, ${app.health} at ${app.revision.slice(0, 12)}\n`).join("");
  }

  /** An Application as it is shown, and as the follower of its release judges it. */
  async #sight(app: KubeObject & ShownApplication): Promise<{ state: ApplicationState; sight: Sight }> {
    const { env, service, revision } = applicationState(app, "");
    const { version, digest } = await this.repository.release(revision, env, service);
    const state = applicationState(app, version);
    const { sync, health, message } = state;
    const signs = await podSigns(this.#api, env, service, digest);
    const sight: Sight = { env, service, version, digest, sync, health, ...signs };
    return { state, sight: { ...sight, detail: message ?? signs.detail, trouble: signs.trouble ?? refusal(app) } };
  }

  /** Names of the services that an Ingress leads to. */
  async #exposed(): Promise<Set<string>> {
    const ingresses = await this.#api.list("/apis/networking.k8s.io/v1/ingresses");
    return new Set(ingresses.map(({ metadata }) => `${metadata.name}.${metadata.namespace}`));
  }

  /** An API server that is busy for a moment is asked again with the next look. */
  async #passing(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
}

function nameOf({ service, env }: ApplicationState): string {
  return `${service}.${env}`;
}

/** A sync that has ended without success, for good, at the revision that is compared. */
function refusal({ status }: ShownApplication): string | undefined {
  const { phase, message, operation, syncResult } = status?.operationState ?? {};
  if (phase !== "Failed" && phase !== "Error") return undefined;
  return operation?.sync?.revision === status?.sync?.revision ? `Argo CD could not apply it: ${failureOf(message, syncResult?.resources)}` : undefined;
}
