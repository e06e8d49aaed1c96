import { UserError, listOf } from "./errors.ts";
import { didYouMean } from "./suggest.ts";

/** From the least to the gravest. `unknown` is what a source lists without rating it. */
export const SEVERITIES = ["unknown", "low", "medium", "high", "critical"] as const;

export type Severity = (typeof SEVERITIES)[number];

/** The gravity from which on a finding fails a run; `none` never fails one. */
export type Threshold = Severity | "none";

export const THRESHOLDS: readonly Threshold[] = ["none", ...SEVERITIES];

/** Reads the value of `--fail-on`. */
export function parseThreshold(text: string): Threshold {
  const known = THRESHOLDS.find((name) => name === text);
  if (known === undefined) {
    throw new UserError(
      `--fail-on: unknown threshold "${text}"${didYouMean(text, THRESHOLDS)}; use ${listOf(THRESHOLDS, "or")}`,
    );
  }
  return known;
}

/** Whether something of this severity is at or above the threshold. */
export function reaches(severity: Severity, threshold: Threshold): boolean {
  if (threshold === "none") return false;
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(threshold);
}
