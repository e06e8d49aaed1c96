import { createHash } from "node:crypto";
import { Document } from "yaml";
import type { Environment } from "./environments.ts";
import { UserError } from "./errors.ts";
import { DIGEST } from "./image-reference.ts";
import { type Release, releaseFolder } from "./release.ts";
import { SEVERITIES, type Severity, THRESHOLDS, type Threshold } from "./threshold.ts";
import { Fields } from "./yaml-fields.ts";

/** How a release came to stand where it stands. */
export const ACTIONS = ["release", "promotion", "rollback"] as const;
export type Action = (typeof ACTIONS)[number];

/** One gate's answer, with what it judged by. */
export interface GateResult {
  gate: string;
  passed: boolean;
  evidence: string;
}

/** What was found out about the image when it was built and proven: what later gates judge by. It travels along. */
export interface Evidence {
  /** The run that proved the release under Argo CD; left out where none did. */
  provenBy?: string;
  /** The gravest finding, `none` where there was none; left out where nothing was scanned. */
  worstFinding?: Severity | "none";
  /** The threshold that the scan was held against, and the day of its data. */
  failOn?: Threshold;
  scanData?: string;
}

/** The audit record beside a release. It holds what belongs to the run, which `release.yaml` leaves out. */
export interface ReleaseRecord {
  service: string;
  env: Environment;
  action: Action;
  run: string;
  by: string;
  /** When it was written, UTC. */
  at: string;
  version: string;
  sourceRevision: string;
  digest: string;
  /** Promotion: the environment it came from. Rollback: the commit that had released it before. */
  from?: string;
  reason?: string;
  evidence: Evidence;
  gates: GateResult[];
  /** What stood here before; left out for a first release. */
  previous?: { version: string; digest: string };
  /** `<sha256>  <path in the folder>`, as sha256sum prints it, for every other file of the folder. */
  files: string[];
}

const API = "golden-path/v1";
const HEAD = "# Written by the pipeline and checked whenever it is read: edited by hand, it is refused.\n";
const FIELDS = [
  "apiVersion", "kind", "service", "env", "action", "run", "by", "at", "version", "sourceRevision", "digest",
  "from", "reason", "evidence", "gates", "previous", "files", "checksum",
] as const;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const REMEDY = "bring the file back with git revert, or promote again";

/** The record's path in the GitOps repository. */
export function recordPath(env: Environment, service: string): string {
  return `${releaseFolder(env, service)}/record.yaml`;
}

/** The `files` of a record: every file below the folder but the record itself. */
export function fileSums(files: Readonly<Record<string, string>>, folder: string): string[] {
  return Object.keys(files)
    .filter((path) => path.startsWith(`${folder}/`) && path !== `${folder}/record.yaml`)
    .sort()
    .map((path) => `${sha256(files[path]!)}  ${path.slice(folder.length + 1)}`);
}

/** Writes a record; its last line is the checksum of all before it. */
export function renderRecord(record: ReleaseRecord): string {
  const { service, env, action, run, by, at, version, sourceRevision, digest, from, reason, evidence, gates, previous, files } = record;
  const ordered = {
    apiVersion: API, kind: "Record", service, env, action, run, by: oneLine(by), at, version, sourceRevision, digest,
    ...(from === undefined ? {} : { from }),
    ...(reason === undefined ? {} : { reason: oneLine(reason) }),
    evidence, gates: gates.map((gate) => ({ ...gate, evidence: oneLine(gate.evidence) })),
    ...(previous === undefined ? {} : { previous }),
    files,
  };
  const above = HEAD + new Document(ordered, { compat: "yaml-1.1" }).toString({ lineWidth: 0 });
  const text = `${above}checksum: ${sha256(above)}\n`;
  parseRecord(text, recordPath(env, service));
  return text;
}

/** Reads and checks a record; one that somebody edited or damaged is refused with file, line and reason. */
export function parseRecord(text: string, file: string): ReleaseRecord {
  const fields = new Fields(text, file, { withLines: true });
  fields.onlyKnown(FIELDS);
  const one = (field: string, holds: (value: string) => boolean, advice: string): string => {
    if (!fields.required(field, `${field}: …`)) return "";
    const value = fields.text(field);
    if (value !== undefined && !holds(value)) fields.problem(field, `"${value}" is not right; ${advice}`);
    return value ?? "";
  };
  const maybe = (field: string, holds: (value: string) => boolean, advice: string): string | undefined =>
    fields.has(field) ? one(field, holds, advice) : undefined;
  const some = (value: string): boolean => value !== "";
  one("apiVersion", (value) => value === API, `use ${API}`);
  one("kind", (value) => value === "Record", "use Record");
  const [, folderEnv, folderService] = /(?:^|\/)env\/([^/]+)\/([^/]+)\/record\.yaml$/.exec(file) ?? [];
  const service = one("service", (value) => some(value) && (folderService ?? value) === value, `use the folder's name, ${folderService ?? "the service's"}`);
  const env = one("env", (value) => some(value) && (folderEnv ?? value) === value, `use the folder's, ${folderEnv ?? "an environment"}`);
  const action = one("action", (value) => (ACTIONS as readonly string[]).includes(value), `use ${ACTIONS.join(", ")}`);
  const run = one("run", some, "name the run");
  const by = one("by", some, "name who ran it");
  const at = one("at", (value) => TIME.test(value) && !Number.isNaN(Date.parse(value)), "use a UTC time as in 2026-11-22T02:00:00Z");
  const version = one("version", some, "name the version");
  const sourceRevision = one("sourceRevision", (value) => /^[0-9a-f]{40}$/.test(value), "use a commit's 40 hex digits");
  const digest = one("digest", isDigest, "use sha256: and 64 hex digits");
  const from = maybe("from", some, "name where it came from");
  const reason = maybe("reason", some, "say why");
  const evidence: Evidence = {};
  if (fields.required("evidence", "evidence: {}") && fields.keys("evidence") !== undefined) {
    fields.onlyKnown(["provenBy", "worstFinding", "failOn", "scanData"], "evidence");
    Object.assign(evidence, defined({
      provenBy: maybe("evidence.provenBy", some, "name the run"),
      worstFinding: maybe("evidence.worstFinding", (value) => ["none", ...SEVERITIES].includes(value), `use none, ${SEVERITIES.join(", ")}`),
      failOn: maybe("evidence.failOn", (value) => (THRESHOLDS as readonly string[]).includes(value), `use ${THRESHOLDS.join(", ")}`),
      scanData: maybe("evidence.scanData", some, "name the day"),
    }));
  }
  const gates: GateResult[] = [];
  const count = fields.required("gates", "gates: []") ? (fields.count("gates") ?? 0) : 0;
  for (let at = 0; at < count; at++) {
    if (fields.keys(`gates.${at}`) === undefined) continue;
    fields.onlyKnown(["gate", "passed", "evidence"], `gates.${at}`);
    const gate = one(`gates.${at}.gate`, some, "name the gate");
    const passed = fields.required(`gates.${at}.passed`, "passed: true") ? fields.boolean(`gates.${at}.passed`) : false;
    gates.push({ gate, passed: passed ?? false, evidence: one(`gates.${at}.evidence`, some, "say what it judged by") });
  }
  let previous: ReleaseRecord["previous"];
  if (fields.has("previous") && fields.keys("previous") !== undefined) {
    fields.onlyKnown(["version", "digest"], "previous");
    previous = { version: one("previous.version", some, "name the version"), digest: one("previous.digest", isDigest, "use sha256: and 64 hex digits") };
  }
  const files = fields.required("files", "files: []") ? (fields.texts("files") ?? []) : [];
  if (fields.required("checksum", "checksum: <64 hex digits>")) {
    const above = text.slice(0, text.lastIndexOf("checksum:"));
    if (fields.text("checksum") !== sha256(above)) fields.problem("checksum", `it does not fit what stands above it, so the record was edited by hand; ${REMEDY}`);
  }
  fields.finish();
  return {
    service, env, action, run, by, at, version, sourceRevision, digest,
    ...defined({ from, reason, previous }), evidence, gates, files,
  } as ReleaseRecord;
}

/** Throws unless record, release and the folder's files speak of the same release, byte for byte. */
export function checkRecord(record: ReleaseRecord, release: Release, tree: Readonly<Record<string, string>>, text: string): void {
  const folder = releaseFolder(record.env, record.service);
  const file = `${folder}/record.yaml`;
  const line = (needle: string): number => text.slice(0, Math.max(0, text.indexOf(needle))).split("\n").length;
  for (const field of ["version", "sourceRevision", "digest"] as const) {
    if (record[field] === release[field]) continue;
    throw new UserError(`${file}:${line(`\n${field}:`) + 1}: ${field}: ${record[field]} is not that of release.yaml, ${release[field]}; ${REMEDY}`);
  }
  const now = fileSums(tree, folder);
  const name = (sum: string): string => sum.slice(66);
  const changed = record.files.find((sum) => !now.includes(sum));
  if (changed !== undefined) {
    const gone = now.every((sum) => name(sum) !== name(changed));
    throw new UserError(`${folder}/${name(changed)}: ${gone ? "it is gone" : "its content is not what was released"} (${file}:${line(changed)}), so somebody edited it by hand; ${REMEDY}`);
  }
  const added = now.find((sum) => !record.files.includes(sum));
  if (added !== undefined) throw new UserError(`${folder}/${name(added)}: no release put it there (${file}:${line("\nfiles:") + 1}), so somebody added it by hand; remove it, or promote again`);
}

export function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

function isDigest(value: string): boolean {
  return DIGEST.test(value);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
