/** What a probe saw: either the awaited thing, or one line about what is there instead. */
export type Observation<T> = { done: T } | { waiting: string };

export interface Clock {
  now(): number;
  sleep(ms: number): Promise<void>;
}

export interface WaitOptions {
  /** Completes the sentence "waited for …". */
  what: string;
  timeoutMs: number;
  everyMs: number;
  clock?: Clock;
  /** Called when the observation differs from the one before it, for progress lines. */
  onChange?: (waiting: string) => void;
}

/** The limit of a wait was reached; says what for, for how long, and what was seen last. */
export class WaitTimeout extends Error {
  readonly what: string;
  readonly waitedMs: number;
  readonly last: string;

  constructor(what: string, waitedMs: number, last: string) {
    super(`waited ${(waitedMs / 1000).toFixed(1)} s for ${what}: ${last}`);
    this.name = "WaitTimeout";
    this.what = what;
    this.waitedMs = waitedMs;
    this.last = last;
  }
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/**
 * Asks `probe` until it is done or the limit is reached.
 *
 * An error of the probe ends the wait at once: what may pass by itself is for the probe to tell
 * (as `waiting`), everything else is either a fatal cause or a defect, and waiting hides both.
 * The probe is always asked at least once, and once more after the last pause.
 */
export async function waitFor<T>(options: WaitOptions, probe: () => Promise<Observation<T>>): Promise<T> {
  const clock = options.clock ?? systemClock;
  const start = clock.now();
  let last: string | undefined;
  for (;;) {
    const seen = await probe();
    if ("done" in seen) return seen.done;
    if (seen.waiting !== last) options.onChange?.(seen.waiting);
    last = seen.waiting;
    const waited = clock.now() - start;
    if (waited >= options.timeoutMs) throw new WaitTimeout(options.what, waited, last);
    await clock.sleep(Math.min(options.everyMs, options.timeoutMs - waited));
  }
}
