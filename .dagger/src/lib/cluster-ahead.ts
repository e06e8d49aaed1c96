import type { Plan } from "./plan.ts";

/** Stages that the engine's cache answers have ended by then; what still works is done anew. */
export const ANSWERED_WITHIN_MS = 4_000;

/**
 * How many milliseconds after the start of a run the proof's cluster is started, although there is
 * no image to deploy yet; undefined where it is not started ahead. A run whose proof is likely to
 * be answered by an earlier verdict must not pay for a cluster: only services that differ from
 * what the environment runs, and that the cache does not answer either, get one.
 */
export function clusterAheadAfterMs({ services, stages }: Plan): number | undefined {
  if (stages.some(({ stage, action }) => stage === "integrate" && action === "run")) return 0;
  return services.some(({ changed }) => changed) ? ANSWERED_WITHIN_MS : undefined;
}
