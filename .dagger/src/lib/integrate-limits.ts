import { UserError } from "./errors.ts";
import type { IntegrateTimeouts } from "./integrate-plan.ts";

const LONGEST = 7200;

/**
 * Limits of the proof from what the user asked for: `--timeout` bounds each of its waits in place of
 * the wait's own limit, `--soak` is how long what was proven is watched; undefined where both are 0.
 */
export function proofLimits(timeout: number, soak: number): Partial<IntegrateTimeouts> | undefined {
  for (const [name, seconds] of [["--timeout", timeout], ["--soak", soak]] as const) {
    if (!Number.isInteger(seconds) || seconds < 0 || seconds > LONGEST) {
      throw new UserError(`${name}: ${seconds} is out of range; use whole seconds from 1 to ${LONGEST}, or leave it out`);
    }
  }
  const limits: Partial<IntegrateTimeouts> = soak > 0 ? { soak } : {};
  if (timeout === 0) return soak > 0 ? limits : undefined;
  const waits = { api: timeout, argocd: timeout, applications: timeout, sync: timeout, answer: timeout, drift: timeout };
  // A cause that lasts must be found before the wait around it ends.
  return { ...limits, ...waits, stable: Math.min(25, Math.ceil(timeout / 2)) };
}
