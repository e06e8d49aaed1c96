import { ARGOCD_NAMESPACE, withRepository } from "../src/lib/argocd-install.ts";
import type { KubeObject } from "../src/lib/kube.ts";
import { PLATFORM_APPLICATION, ownState } from "../src/lib/local-platform.ts";
import type { OwnState, ShownApplication } from "../src/lib/local-platform.ts";
import { waitFor } from "../src/lib/wait.ts";
import type { Api } from "./integrate-api.ts";
import { applyAll, whilePassing } from "./integrate-install.ts";
import { refreshApplication } from "./integrate-sync.ts";

const APPLICATION = `/apis/argoproj.io/v1alpha1/namespaces/${ARGOCD_NAMESPACE}/applications/${PLATFORM_APPLICATION}`;
/** As Argo CD names itself where it applies: what it takes out later is then not held by anybody else. */
const ARGOCD_MANAGER = "argocd-controller";
const SYNC_LIMIT_MS = 60_000;

/**
 * The platform's own objects, `argocd/` of the GitOps repository: where the folder says so, Argo CD reconciles it, and
 * all that is done here is to make that Application once. A repository from before is applied from here.
 */
export class Own {
  readonly #api: Api;
  /** The repository's address for pods, for files that do not name it. */
  readonly #repository: string;
  #begun = false;
  #last = "";

  constructor(api: Api, repository: string) {
    this.#api = api;
    this.#repository = repository;
  }

  /** Brings the objects of a tip to the cluster; returns the names of the ApplicationSets. */
  async bring(objects: KubeObject[], tip: string): Promise<string[]> {
    const text = JSON.stringify(objects);
    const sets = objects.filter(({ kind }) => kind === "ApplicationSet");
    if (text !== this.#last) await (itself(objects) === undefined ? this.#apply(objects, sets) : this.#reconcile(objects, tip));
    this.#last = text;
    return sets.map(({ metadata }) => metadata.name);
  }

  /** How Argo CD finds them; undefined where it does not look after them. */
  async state(): Promise<OwnState | undefined> {
    if (!this.#begun) return undefined;
    const live = await this.#api.get<ShownApplication>(APPLICATION);
    return live === undefined ? undefined : ownState(live);
  }

  /** What Applications need goes before the sets that make them. */
  async #apply(objects: KubeObject[], sets: KubeObject[]): Promise<void> {
    const pointed = (some: KubeObject[]): KubeObject[] => some.map((object) => withRepository(object, this.#repository));
    await applyAll(this.#api, pointed(objects.filter((object) => !sets.includes(object))));
    await applyAll(this.#api, pointed(sets));
  }

  async #reconcile(objects: KubeObject[], tip: string): Promise<void> {
    if (!this.#begun) {
      const application = itself(objects)!;
      const { project } = application["spec"] as { project: string };
      await applyAll(this.#api, objects.filter(({ kind, metadata }) => kind === "AppProject" && metadata.name === project), ARGOCD_MANAGER);
      await applyAll(this.#api, [application], ARGOCD_MANAGER);
      this.#begun = true;
    } else {
      await refreshApplication(this.#api, PLATFORM_APPLICATION);
    }
    // An Application that comes before its project is refused, and looked at again much later.
    await waitFor({ what: `Argo CD to reconcile argocd/ at ${tip.slice(0, 12)}`, timeoutMs: SYNC_LIMIT_MS, everyMs: 300 }, () =>
      whilePassing(async () => {
        const state = await this.state();
        const done = state?.sync === "Synced" && state.revision === tip;
        return done ? { done: true } : { waiting: state === undefined ? "no Application yet" : `${state.sync} at ${state.revision.slice(0, 12) || "no revision"}${state.message === undefined ? "" : `: ${state.message}`}` };
      }),
    );
  }
}

/** The Application that reconciles the folder it lies in. */
function itself(objects: readonly KubeObject[]): KubeObject | undefined {
  return objects.find(({ kind, metadata }) => kind === "Application" && metadata.name === PLATFORM_APPLICATION);
}
