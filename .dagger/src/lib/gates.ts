import { ENVIRONMENTS, type Environment } from "./environments.ts";
import { type Freeze, readFreeze, frozen } from "./freeze.ts";
import type { GateResult, ReleaseRecord } from "./record.ts";
import type { Release } from "./release.ts";
import { THRESHOLDS, type Threshold, reaches } from "./threshold.ts";
import { Fields } from "./yaml-fields.ts";

/** What one environment asks of a release that wants in. */
export interface GatePolicy {
  integration: boolean;
  scan: Threshold;
  soakSeconds: number;
  approvals: { count: number; from: string[] };
  freeze: Freeze[];
}

export type Gates = Partial<Record<Environment, GatePolicy>>;

/** The file at the root of the GitOps repository. */
export const GATES_FILE = "gates.yaml";
/** Who may approve, as git and ssh-keygen read it. */
export const APPROVERS_FILE = "approvers";

/** What holds for an environment that the file does not name: proven, and nothing grave in it. */
export const DEFAULT_POLICY: GatePolicy = { integration: true, scan: "high", soakSeconds: 0, approvals: { count: 0, from: [] }, freeze: [] };

const API = "golden-path/v1";
const POLICY_FIELDS = ["integration", "scan", "soak", "approvals", "freeze"];

/** Reads `gates.yaml`; all that is wrong with it is said at once, with lines. */
export function parseGates(text: string, file = GATES_FILE): Gates {
  const fields = new Fields(text, file, { withLines: true });
  fields.onlyKnown(["apiVersion", "kind", ...ENVIRONMENTS]);
  if (fields.required("apiVersion", `apiVersion: ${API}`) && fields.text("apiVersion") !== API) fields.problem("apiVersion", `use ${API}`);
  if (fields.required("kind", "kind: Gates") && fields.text("kind") !== "Gates") fields.problem("kind", "use Gates");
  const gates: Gates = {};
  for (const env of ENVIRONMENTS) if (fields.has(env) && fields.keys(env) !== undefined) gates[env] = readPolicy(fields, env);
  fields.finish();
  return gates;
}

function readPolicy(fields: Fields, env: Environment): GatePolicy {
  fields.onlyKnown(POLICY_FIELDS, env);
  const at = (name: string): string => `${env}.${name}`;
  const policy: GatePolicy = { ...DEFAULT_POLICY, approvals: { count: 0, from: [] }, freeze: [] };
  if (fields.has(at("integration"))) policy.integration = fields.boolean(at("integration")) ?? true;
  if (fields.has(at("scan"))) {
    const text = fields.text(at("scan"));
    const known = THRESHOLDS.find((name) => name === text);
    if (known === undefined) fields.problem(at("scan"), `use ${THRESHOLDS.join(", ")}`);
    else policy.scan = known;
  }
  if (fields.has(at("soak"))) policy.soakSeconds = readDuration(fields, at("soak"));
  if (fields.has(at("approvals")) && fields.keys(at("approvals")) !== undefined) {
    fields.onlyKnown(["count", "from"], at("approvals"));
    const count = fields.required(at("approvals.count"), "count: 1") ? (fields.integer(at("approvals.count")) ?? 0) : 0;
    const from = fields.has(at("approvals.from")) ? (fields.texts(at("approvals.from")) ?? []) : [];
    if (count < 0 || (count > 0 && from.length < count)) fields.problem(at("approvals.count"), `${count} cannot be reached; name at least as many people under from`);
    policy.approvals = { count, from };
  }
  if (fields.has(at("freeze"))) {
    const count = fields.count(at("freeze")) ?? 0;
    for (let index = 0; index < count; index++) {
      const freeze = readFreeze(fields, `${at("freeze")}.${index}`);
      if (freeze !== undefined) policy.freeze.push(freeze);
    }
  }
  return policy;
}

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

function readDuration(fields: Fields, field: string): number {
  const match = /^(\d+)([smhd])$/.exec(fields.text(field) ?? "");
  if (match === null) {
    fields.problem(field, "use a whole number and s, m, h or d, as in 10m");
    return 0;
  }
  return Number(match[1]) * UNITS[match[2]!]!;
}

/** A person's signed word for one digest in one environment. */
export interface Approval {
  by: string;
  env: string;
  service: string;
  digest: string;
  commit: string;
}

export interface GateFacts {
  /** Milliseconds. */
  now: number;
  from: Environment;
  to: Environment;
  release: Release;
  /** How it came to stand in `from`; none where it was committed before there were records. */
  record: ReleaseRecord | undefined;
  approvals: readonly Approval[];
}

/** Every gate of the environment with its answer and what it judged by; pure, so that a plan shows what a promotion will do. */
export function judge(policy: GatePolicy, facts: GateFacts): GateResult[] {
  const { record, release, from, to, now } = facts;
  const gates: GateResult[] = [];
  const answer = (gate: string, passed: boolean, evidence: string): void => void gates.push({ gate, passed, evidence });
  if (policy.integration) {
    const run = record?.evidence.provenBy;
    if (run === undefined) answer("integration", false, `nothing says that ${release.digest.slice(0, 19)} was proven under Argo CD; run ci --promote --env ${from}`);
    else answer("integration", true, `proven under Argo CD by run ${run}`);
  }
  if (policy.scan !== "none") answer("scan", ...judgeScan(policy.scan, record));
  if (policy.soakSeconds > 0) answer("soak", ...judgeSoak(policy.soakSeconds, from, record, now));
  if (policy.approvals.count > 0) answer("approvals", ...judgeApprovals(policy, facts));
  const freeze = policy.freeze.find((window) => frozen(window, now) !== undefined);
  if (policy.freeze.length > 0) {
    const until = freeze === undefined ? undefined : frozen(freeze, now);
    answer("freeze", freeze === undefined, freeze === undefined ? "no freeze window is open" : `${to} is frozen until ${time(until!)} (${freeze.reason})`);
  }
  return gates;
}

function judgeScan(threshold: Threshold, record: ReleaseRecord | undefined): [boolean, string] {
  const { worstFinding: worst, scanData } = record?.evidence ?? {};
  if (worst === undefined) return [false, "nothing says that the image was scanned; run ci --promote again"];
  const data = scanData === undefined ? "" : `, data of ${scanData}`;
  if (worst === "none") return [true, `no finding${data}`];
  const reached = reaches(worst, threshold);
  return [!reached, `the gravest finding is ${worst}, ${reached ? "at or above" : "below"} ${threshold}${data}`];
}

function judgeSoak(seconds: number, from: Environment, record: ReleaseRecord | undefined, now: number): [boolean, string] {
  if (record === undefined) return [false, `nothing says since when it stands in ${from}; promote it there again`];
  const since = Date.parse(record.at);
  const stood = Math.floor((now - since) / 1000);
  // A clock that is behind must not open the gate, nor one that is ahead by years.
  if (stood < 0) return [false, `it stands in ${from} since ${record.at}, which is in the future; check this machine's clock`];
  if (stood >= seconds) return [true, `in ${from} for ${span(stood)} of ${span(seconds)}, since ${record.at}`];
  return [false, `in ${from} for ${span(stood)} of ${span(seconds)}; try again after ${time(since + seconds * 1000)}`];
}

function judgeApprovals(policy: GatePolicy, { approvals, release, to }: GateFacts): [boolean, string] {
  const valid = approvals.filter((one) => one.env === to && one.service === release.service && one.digest === release.digest && policy.approvals.from.includes(one.by));
  const people = [...new Set(valid.map(({ by }) => by))].sort();
  const by = people.map((person) => `${person} (${valid.find((one) => one.by === person)!.commit.slice(0, 7)})`).join(", ");
  if (people.length >= policy.approvals.count) return [true, `approved by ${by}`];
  const missing = `${people.length} of ${policy.approvals.count}${by === "" ? "" : `, by ${by}`}`;
  return [false, `${missing}; one of ${policy.approvals.from.join(", ")} signs a commit with the trailer "${approvalTrailer(to, release)}"`];
}

/** The line that a signed commit must end with to approve a release. */
export function approvalTrailer(env: string, release: Pick<Release, "service" | "digest">): string {
  return `Approved-Release: ${env}/${release.service}=${release.digest}`;
}

export function span(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

function time(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}
