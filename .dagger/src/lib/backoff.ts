/** Waiting between tries: grows by a factor, is spread by jitter so that writers do not collide again, and is capped. */
export interface Backoff {
  attempts: number;
  firstSeconds: number;
  factor: number;
  /** Each wait is taken from ±this share around its nominal length. */
  jitter: number;
  capSeconds: number;
}

/**
 * For pushes to a GitOps repository. A lost race means that another writer was served, so waits start short and stay
 * short: twenty writers at once are all through in seconds, where long waits would leave the branch idle.
 */
export const PUSH_BACKOFF: Backoff = { attempts: 40, firstSeconds: 0.3, factor: 1.4, jitter: 0.7, capSeconds: 5 };

/** Seconds to wait after the given failed attempt (1 is the first). `random` is in [0, 1). */
export function backoffSeconds(backoff: Backoff, attempt: number, random: number): number {
  const nominal = Math.min(backoff.capSeconds, backoff.firstSeconds * backoff.factor ** (attempt - 1));
  return Math.min(backoff.capSeconds, nominal * (1 - backoff.jitter + 2 * backoff.jitter * random));
}
