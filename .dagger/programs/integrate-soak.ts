import type { ExpectedService, IntegratePlan } from "../src/lib/integrate-plan.ts";
import { notReady, restartSince, restartsOf } from "../src/lib/kube.ts";
import { systemClock } from "../src/lib/wait.ts";
import { ApiError } from "./integrate-api.ts";
import type { Api } from "./integrate-api.ts";
import { lastLines, podsOf } from "./integrate-explain.ts";
import { Cause } from "./integrate-progress.ts";

const EVERY_MS = 1000;
/** A pod may miss a readiness probe now and then; so many looks in a row are no accident. */
const LOOKS_UNREADY = 15;

/** Watches a proven service for a while: some images start well and end a minute later. */
export async function checkSoak(api: Api, plan: IntegratePlan, service: ExpectedService): Promise<void> {
  const start = systemClock.now();
  const seconds = (): string => ((systemClock.now() - start) / 1000).toFixed(0);
  const before = new Map((await podsOf(api, plan, service.name)).map((pod) => [pod.metadata.name, restartsOf(pod)]));
  let unready = 0;
  while (systemClock.now() - start < plan.timeouts.soak * 1000) {
    await systemClock.sleep(EVERY_MS);
    try {
      const pods = await podsOf(api, plan, service.name);
      for (const pod of pods) {
        const restart = restartSince(pod, before.get(pod.metadata.name) ?? 0);
        if (restart === undefined) continue;
        const words = await lastLines(api, plan.env, pod.metadata.name, restart.container);
        throw new Cause(`${service.name}: ${restart.sentence}, ${seconds()} s into the soak${words === "" ? "" : `; its last lines: ${words}`}`);
      }
      const trouble = pods.map(notReady).find((line) => line !== undefined);
      unready = trouble === undefined ? 0 : unready + 1;
      if (unready >= LOOKS_UNREADY) throw new Cause(`${service.name}: proven, but not ready any more ${seconds()} s into the soak: ${trouble}`);
    } catch (error) {
      if (!(error instanceof ApiError && error.passing)) throw error;
    }
  }
}
