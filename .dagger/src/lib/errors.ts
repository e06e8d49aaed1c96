/**
 * An error whose message is already the sentence for a person:
 * `what was being done: what was found; what to do`.
 * Whoever catches one shows the message and nothing else.
 */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** A UserError that ends the call with an exit code of its own. */
export class CodedError extends UserError {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Exit codes of the gate; those of signatures are in signing.ts. */
export const GATE_CODES = {
  findings: 30,
  "expired-exception": 31,
  /** Missing, stale or empty: nothing can be judged by it. */
  "unusable-data": 32,
  "scanner-failed": 33,
} as const;

/** `1 problem`, `3 problems`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listOf(items: readonly string[], last = "and"): string {
  if (items.length < 2) return items.join("");
  return `${items.slice(0, -1).join(", ")} ${last} ${items[items.length - 1]}`;
}

/** What a program should print about anything that was thrown. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
