import { CodedError, GATE_CODES } from "./errors.ts";

/**
 * What a scanner wrote to stdout, as JSON with these fields. Fails closed: one that ends well and says nothing, or
 * not what was asked, has looked at nothing.
 */
export function readAnswer<Answer>(text: string, doing: string, fields: readonly (keyof Answer & string)[]): Answer {
  const broken = (found: string): CodedError => new CodedError(GATE_CODES["scanner-failed"], `${doing}: the scanner ended well, but ${found}, so nothing is known; run again, and report it if it stays`);
  if (text.trim() === "") throw broken("wrote nothing");
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw broken("what it wrote is not JSON");
  }
  const missing = fields.filter((field) => typeof answer !== "object" || answer === null || !(field in answer));
  if (missing.length > 0) throw broken(`what it wrote has no ${missing.join(", ")}`);
  return answer as Answer;
}
