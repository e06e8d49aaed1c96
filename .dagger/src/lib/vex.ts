import { UserError } from "./errors.ts";
import type { Finding } from "./findings.ts";

/** Where a service's team, or the whole checkout, states exceptions. */
export const EXCEPTIONS = "openvex.json";

/** An exception to the gate: a statement of an OpenVEX document, with an end. */
export interface VexException {
  /** The finding's id. */
  id: string;
  /** Package URLs without version, or with the version that it holds for; empty: any package. */
  products: string[];
  status: "not_affected" | "affected";
  /** Why it does not apply, or what is done about it. */
  reason: string;
  /** The last day on which it holds, YYYY-MM-DD. */
  expires: string;
  file: string;
}

const CONTEXT = "https://openvex.dev/ns/";
/** The justifications that OpenVEX knows for `not_affected`. */
const JUSTIFICATIONS = [
  "component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
  "vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
];
/** OpenVEX knows no end; an exception without one would stay for ever. */
export const EXPIRES = "golden-path:expires";

/** Reads an OpenVEX document; anything that is not plainly an exception with reason and end is refused. */
export function parseVex(text: string, file: string): VexException[] {
  let document: { "@context"?: string; statements?: Record<string, unknown>[] };
  try {
    document = JSON.parse(text) as typeof document;
  } catch (error) {
    throw new UserError(`${file}: not JSON: ${(error as Error).message}; correct it`);
  }
  if (!(document["@context"] ?? "").startsWith(CONTEXT)) throw new UserError(`${file}: @context: not an OpenVEX document; use ${CONTEXT}v0.2.0`);
  if (!Array.isArray(document.statements)) throw new UserError(`${file}: statements: missing; list the exceptions`);
  return document.statements.flatMap((statement, index) => {
    const where = `${file}: statements[${index}]`;
    const vulnerability = statement["vulnerability"] as { name?: string } | undefined;
    const id = vulnerability?.name ?? "";
    if (id === "") throw new UserError(`${where}: vulnerability.name: missing; name the finding's id`);
    const status = statement["status"];
    // What is fixed or still looked at excuses nothing.
    if (status === "fixed" || status === "under_investigation") return [];
    if (status !== "not_affected" && status !== "affected") throw new UserError(`${where}: status: "${String(status)}" is none of OpenVEX; use not_affected, affected, fixed or under_investigation`);
    const products = ((statement["products"] as { "@id"?: string }[] | undefined) ?? []).map((product) => product["@id"] ?? "").filter((product) => product !== "");
    return [{ id, products, status, reason: reasonOf(statement, status, where), expires: expiryOf(statement, where), file }];
  });
}

function reasonOf(statement: Record<string, unknown>, status: "not_affected" | "affected", where: string): string {
  const text = (field: string): string => (typeof statement[field] === "string" ? statement[field] : "");
  if (status === "affected") {
    if (text("action_statement") === "") throw new UserError(`${where}: action_statement: missing; say what is done about it until it expires`);
    return text("action_statement");
  }
  const justification = text("justification");
  if (!JUSTIFICATIONS.includes(justification)) throw new UserError(`${where}: justification: "${justification}" is none of OpenVEX; use one of ${JUSTIFICATIONS.join(", ")}`);
  return [justification, text("impact_statement")].filter((part) => part !== "").join(": ");
}

function expiryOf(statement: Record<string, unknown>, where: string): string {
  const expires = statement[EXPIRES];
  if (typeof expires !== "string" || !/^\d{4}-\d\d-\d\d$/.test(expires) || Number.isNaN(Date.parse(expires))) {
    throw new UserError(`${where}: ${EXPIRES}: missing or no date; an exception ends, write the last day as in 2026-12-31`);
  }
  return expires;
}

export interface Excepted {
  findings: Finding[];
  /** Sentences: exceptions whose day has passed. One of them fails the gate, whatever was found. */
  expired: string[];
  /** Sentences: exceptions that no finding needed. */
  unused: string[];
}

/** Marks the findings that an exception covers today. */
export function applyVex(findings: readonly Finding[], exceptions: readonly VexException[], now: Date): Excepted {
  const today = now.toISOString().slice(0, 10);
  const current = exceptions.filter(({ expires }) => expires >= today);
  const used = new Set<VexException>();
  const marked = findings.map((finding) => {
    const exception = current.find((one) => covers(one, finding));
    if (exception === undefined) return finding;
    used.add(exception);
    const { status, reason, expires, file } = exception;
    return { ...finding, exception: { status, reason, expires, file } };
  });
  return {
    findings: marked,
    expired: exceptions.filter(({ expires }) => expires < today)
      .map(({ id, expires, file }) => `the exception for ${id} in ${file} expired on ${expires}`),
    unused: current.filter((one) => !used.has(one)).map(({ id, file }) => `the exception for ${id} in ${file} covers no finding`),
  };
}

function covers(exception: VexException, finding: Finding): boolean {
  if (exception.id !== finding.id) return false;
  if (exception.products.length === 0) return true;
  return exception.products.some((product) => {
    // What is no package is named by its file.
    if (product === finding.file) return true;
    const match = /^pkg:[a-z]+\/(?:.*\/)?([^/@?]+)(?:@([^?]+))?/.exec(product);
    return match !== null && decodeURIComponent(match[1]!) === finding.package && (match[2] === undefined || decodeURIComponent(match[2]) === finding.version);
  });
}
