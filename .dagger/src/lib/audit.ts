import type { Environment } from "./environments.ts";
import { span } from "./gates.ts";
import type { Action, GateResult } from "./record.ts";

/** What stands in one environment for one service, and how it came there: all of it from Git. */
export interface StatusEntry {
  env: Environment;
  service: string;
  owner?: string;
  version?: string;
  digest?: string;
  image?: string;
  sourceRevision?: string;
  action?: Action;
  since?: string;
  run?: string;
  by?: string;
  from?: string;
  reason?: string;
  gates: GateResult[];
  previous?: { version: string; digest: string };
  /** What is wrong with it, with file and line. */
  problem?: string;
}

export interface HeldEntry {
  env: Environment;
  service: string;
  version: string;
  digest: string;
  reason: string;
  by: string;
  since: string;
}

export interface Status {
  apiVersion: "golden-path/v1";
  kind: "Status";
  branch: string;
  commit: string | null;
  services: StatusEntry[];
  holds: HeldEntry[];
  problems: string[];
}

/** One commit that touched an environment. */
export interface HistoryEntry {
  commit: string;
  at: string;
  author: string;
  env: string;
  /** `changed by hand` where no writer of the pipeline made it. */
  action: "release" | "promote" | "rollback" | "lift" | "changed by hand";
  subject: string;
  services: { service: string; version?: string; digest?: string; sourceRevision?: string }[];
  run?: string;
  by?: string;
  from?: string;
  reason?: string;
  gates: string[];
  holds: string[];
}

export interface History {
  apiVersion: "golden-path/v1";
  kind: "History";
  branch: string;
  commit: string | null;
  entries: HistoryEntry[];
}

/** The status as aligned columns for a terminal. */
export function renderStatus(status: Status, now: number): string {
  const rows = status.services.map((one) => [
    one.env, one.service, one.version ?? "?", short(one.digest), one.sourceRevision?.slice(0, 7) ?? "?",
    one.since === undefined ? "not recorded" : `${one.since} (${span(Math.max(0, Math.floor((now - Date.parse(one.since)) / 1000)))})`,
    one.action === undefined ? "not recorded" : `${one.action}${one.from === undefined ? "" : ` from ${one.action === "rollback" ? one.from.slice(0, 7) : one.from}`}`,
    one.by ?? "?", gatesOf(one.gates),
  ]);
  const parts = [
    rows.length === 0 ? "nothing is released yet" : columns(["ENV", "SERVICE", "VERSION", "DIGEST", "SOURCE", "SINCE", "BY WAY OF", "BY", "GATES"], rows),
    ...(status.holds.length === 0 ? [] : ["held:\n" + columns(
      ["ENV", "SERVICE", "VERSION", "DIGEST", "SINCE", "BY", "REASON"],
      status.holds.map((hold) => [hold.env, hold.service, hold.version, short(hold.digest), hold.since, hold.by, hold.reason]),
    )]),
    ...(status.problems.length === 0 ? [] : [`problems:\n${status.problems.map((problem) => `- ${problem}`).join("\n")}`]),
    `branch ${status.branch} at ${status.commit?.slice(0, 7) ?? "no commit yet"}`,
  ];
  return parts.join("\n\n") + "\n";
}

export function renderHistory(history: History): string {
  if (history.entries.length === 0) return `no commit of ${history.branch} touches it\n`;
  return columns(["WHEN", "COMMIT", "ENV", "ACTION", "WHAT", "RUN", "BY", "WHY"], history.entries.map((one) => [
    one.at, one.commit.slice(0, 7), one.env, one.action,
    one.services.length === 0 ? one.subject : one.services.map(({ service, version, digest }) => `${service} ${version ?? short(digest)}`).join(", "),
    one.run ?? "-", one.by ?? one.author,
    one.reason ?? (one.from === undefined ? gateNames(one.gates) : `from ${one.from}; ${gateNames(one.gates)}`),
  ])) + "\n";
}

function gatesOf(gates: readonly GateResult[]): string {
  if (gates.length === 0) return "none";
  return gates.map(({ gate, passed }) => (passed ? gate : `${gate} FAILED`)).join(" ");
}

function gateNames(gates: readonly string[]): string {
  return gates.length === 0 ? "no gate" : [...new Set(gates.map((gate) => gate.replace(/^.*\//, "").replace(/=.*$/, "")))].join(" ");
}

function short(digest: string | undefined): string {
  return digest === undefined ? "?" : digest.slice(0, 19);
}

function columns(head: string[], rows: string[][]): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]!.length)));
  return [head, ...rows].map((row) => row.map((value, at) => value.padEnd(widths[at]!)).join("  ").trimEnd()).join("\n");
}
