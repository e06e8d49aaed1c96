import { sentenceOf } from "../src/lib/errors.ts";
import type { KubeObject } from "../src/lib/kube.ts";
import type { PlatformPlan } from "../src/lib/local-platform.ts";
import { DEMANDED_KEY } from "../src/lib/signing.ts";
import type { Api } from "./integrate-api.ts";
import type { Progress } from "./integrate-progress.ts";
import { demandSignatures } from "./integrate-signatures.ts";

/** Has the cluster demand the signatures that the GitOps repository demands, as it does at each tip. */
export class Demand {
  readonly #api: Api;
  readonly #here: PlatformPlan["signatures"];
  /** What verifies; empty where nothing does. */
  readonly #objects: readonly KubeObject[];
  readonly #progress: Progress;
  #key: string | undefined;
  /** Whether a key could not be brought yet. */
  pending = false;

  constructor(api: Api, plan: PlatformPlan, objects: readonly KubeObject[], progress: Progress) {
    this.#api = api;
    this.#here = plan.signatures;
    this.#objects = objects;
    this.#progress = progress;
  }

  /** Follows the key at a tip, a new one for at most this long; returns what a person should know. */
  async follow(key: string | undefined, limitMs?: number): Promise<string | undefined> {
    if (this.#here === "never") return undefined;
    if (this.#here === "not-demanded") {
      return key === undefined ? undefined : `the GitOps repository demands signatures (${DEMANDED_KEY}) since the platform was started, and this cluster verifies none; start it anew: npm run platform -- down, and up`;
    }
    if (key === undefined) return `${DEMANDED_KEY} is gone from the GitOps repository; the cluster goes on to demand the signatures that it demanded`;
    if (key === this.#key) return undefined;
    this.pending = true;
    try {
      await demandSignatures(this.#api, this.#objects, key, this.#progress, limitMs);
    } catch (error) {
      // Whatever the cluster demanded before, it goes on to demand; before the first key it admits no release at all.
      return `${DEMANDED_KEY} of the GitOps repository is not in force: ${sentenceOf(error)}`;
    }
    this.pending = false;
    this.#key = key;
    return undefined;
  }
}
