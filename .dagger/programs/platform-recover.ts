import { randomUUID } from "node:crypto";
import type { Environment } from "../src/lib/environments.ts";
import { sentenceOf } from "../src/lib/errors.ts";
import type { RollbackResult } from "../src/lib/gitops-io.ts";
import type { Pod } from "../src/lib/kube.ts";
import { livePods, notReady, podTrouble, restartSince, restartsOf } from "../src/lib/kube.ts";
import type { PlatformPlan, ShownRecovery } from "../src/lib/local-platform.ts";
import { type Followed, type Look, follow } from "../src/lib/recovery.ts";
import { rollback } from "./gitops-rollback.ts";
import type { Api } from "./integrate-api.ts";
import { lastLines } from "./integrate-explain.ts";
import type { Progress } from "./integrate-progress.ts";

const AUTHOR = { name: "golden-path", email: "golden-path@localhost" };
/** A process that ended once may have met an accident of the start; one that is down after a restart has not. */
const RESTARTS = 1;

/** One Application as it was seen. */
export interface Sight extends Omit<Look, "at"> {
  env: string;
  service: string;
  version: string;
}

/** Follows what comes to the environments and takes back what does not run; the reason goes with the commit. */
export class Recovery {
  readonly shown = new Map<string, ShownRecovery>();
  readonly #plan: PlatformPlan;
  readonly #progress: Progress;
  readonly #known = new Map<string, Followed>();
  /** Digests that a recovery brought back. */
  readonly #brought = new Set<string>();

  constructor(plan: PlatformPlan, progress: Progress) {
    this.#plan = plan;
    this.#progress = progress;
  }

  async look(sights: readonly Sight[]): Promise<void> {
    for (const sight of sights) {
      const name = `${sight.env}-${sight.service}`;
      const before = this.#known.get(name);
      const now = follow(before, { ...sight, at: Date.now() }, this.#plan.recovery);
      this.#known.set(name, now);
      if (now.phase === before?.phase && now.digest === before.digest) continue;
      if (now.phase !== "standing") this.#progress.say(`${name}: ${sight.version} ${now.phase}${now.reason === undefined ? "" : `: ${now.reason}`}`);
      if (now.phase === "failed") await this.#takeBack(sight, now);
      else this.#show(sight, now);
    }
  }

  async #takeBack(sight: Sight, now: Followed): Promise<void> {
    const { env, service, version } = sight;
    const { digest, reason = "", decided, arrived } = now;
    const say = (outcome: string, to?: string): void => {
      this.#progress.say(`${env}-${service}: ${outcome}`);
      const first = firstSign(now);
      this.shown.set(`${env}-${service}`, {
        env, service, version, phase: "failed", since: iso(decided ?? arrived), firstSign: iso(first), reason, outcome, ...(to === undefined ? {} : { to }),
      });
    };
    if (this.#brought.has(digest)) return say("it was brought back by a recovery itself; look at it, nothing more is done here");
    try {
      const { url, branch } = this.#plan.gitops;
      const input = { env: env as Environment, service, reason, remote: { url, branch }, author: AUTHOR, by: "golden-path recovery", runId: `recovery-${randomUUID().slice(0, 8)}` };
      const [found] = (await rollback({ ...input, look: true })).services;
      if (found?.bad === undefined || found.to === undefined) return say(`nothing to go back to: ${found?.reason ?? "no release is there"}`);
      if (found.bad.digest !== digest) return say("another release came meanwhile; that one is followed");
      const done: RollbackResult = await rollback({ ...input, expected: { [service]: { bad: digest, to: found.to.digest } } });
      this.#brought.add(found.to.digest);
      say(`rolled back to ${found.to.version} and held, commit ${(done.commit ?? "").slice(0, 12)}`, found.to.version);
    } catch (error) {
      say(`it could not be taken back: ${sentenceOf(error)}`);
    }
  }

  #show({ env, service, version }: Sight, { phase, arrived }: Followed): void {
    const name = `${env}-${service}`;
    const last = this.shown.get(name);
    // The story of a recovery stands until the release that it brought is proven, and after.
    if (last?.to === version) this.shown.set(name, { ...last, ...(phase === "soaking" ? { healthyAt: iso(Date.now()) } : {}) });
    else this.shown.set(name, { env, service, version, phase, since: iso(arrived) });
  }
}

/** When somebody could have seen it: of a release that was Healthy before, when it no longer was. */
function firstSign({ firstHealthy, unhealthySince, troubledSince, arrived }: Followed): number {
  return (firstHealthy === undefined ? troubledSince : unhealthySince) ?? arrived;
}

/** What the pods of a release say: what will not pass by waiting, with the last words of the process, and restarts. */
export async function podSigns(api: Api, env: string, service: string, digest: string): Promise<Pick<Look, "trouble" | "restarts" | "ended" | "detail">> {
  const selector = encodeURIComponent(`app.kubernetes.io/name=${service}`);
  const pods = livePods(await api.list<Pod>(`/api/v1/namespaces/${env}/pods?labelSelector=${selector}`));
  // Pods of the release before may be in trouble too, which says nothing of this one.
  const own = pods.filter((pod) => digest !== "" && pod.spec?.containers?.some(({ image }) => image.endsWith(digest)));
  const restarts = own.reduce((sum, pod) => sum + restartsOf(pod), 0);
  const ended = own.map((pod) => restartSince(pod, 0)?.sentence).find((sentence) => sentence !== undefined);
  const detail = own.map(notReady).find((sentence) => sentence !== undefined);
  for (const pod of own) {
    const trouble = podTrouble(pod);
    if (trouble === undefined || !(trouble.fatal || restartsOf(pod) >= RESTARTS)) continue;
    const log = trouble.container === "" ? "" : await lastLines(api, env, trouble.pod, trouble.container);
    return { restarts, ended, detail, trouble: `${trouble.sentence}${log === "" ? "" : `; its last lines: ${log}`}` };
  }
  return { restarts, ended, detail };
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
