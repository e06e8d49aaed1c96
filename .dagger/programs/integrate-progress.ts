import type { StepTime } from "../src/lib/integrate-plan.ts";

/** Why the answer is no, found with certainty; its message is the sentence for a person. */
export class Cause extends Error {
  override readonly name = "Cause";
}

/** Progress lines with elapsed time, and the durations that go into the verdict. */
export class Progress {
  readonly steps: StepTime[] = [];
  /** Everything that was said, for the evidence. */
  readonly lines: string[] = [];
  readonly #start = performance.now();

  /** Seconds since the start, with one decimal. */
  seconds(since = this.#start): number {
    return Math.round((performance.now() - since) / 100) / 10;
  }

  say(line: string): void {
    const timed = `${this.seconds().toFixed(1).padStart(6)} s  ${line}\n`;
    this.lines.push(timed);
    process.stdout.write(timed);
  }

  /** Runs one named step and keeps its duration, whether it succeeds or not. */
  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const at = this.seconds();
    this.say(name);
    try {
      return await work();
    } finally {
      this.steps.push({ name, seconds: this.seconds(start), at });
    }
  }
}
