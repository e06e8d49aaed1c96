/**
 * When is an Argo CD Application trustworthy?
 *
 * "Synced" and "Healthy" alone are not: sync and health are computed in separate loops, so right
 * after a new commit both may still describe the revision before it. The verdict here needs the
 * expected revision, its finished operation, and a comparison made after that operation ended.
 */

/** The parts of an Application that the decision reads, as the API server shows them. */
export interface Application {
  metadata: { name: string };
  status?: {
    reconciledAt?: string;
    sync?: { status?: string; revision?: string };
    health?: { status?: string; message?: string };
    conditions?: { type: string; message?: string }[];
    operationState?: {
      phase?: string;
      message?: string;
      finishedAt?: string;
      retryCount?: number;
      operation?: { sync?: { revision?: string } };
      syncResult?: { revision?: string; resources?: ResourceResult[] };
    };
    resources?: {
      kind: string;
      name: string;
      status?: string;
      health?: { status?: string; message?: string };
    }[];
  };
}

export interface ResourceResult {
  kind: string;
  name: string;
  status?: string;
  hookPhase?: string;
  message?: string;
}

export type Reason =
  | "missing"
  | "invalid-spec"
  | "manifest-does-not-parse"
  | "git-unreachable"
  | "comparison-error"
  | "not-compared"
  | "other-revision"
  | "no-operation"
  | "operation-running"
  | "operation-failed"
  | "operation-of-other-revision"
  | "out-of-sync"
  | "not-reconciled-since"
  | "not-healthy";

export type Verdict =
  | { ok: true }
  | {
      ok: false;
      reason: Reason;
      detail: string;
      /** It will not pass by itself: waiting longer only costs time. */
      fatal: boolean;
      /** Argo CD decided on something old: ask it to look again. */
      refresh: boolean;
    };

/** Decides whether `app` is proven at `revision`; the first thing in the way is the reason. */
export function judgeApplication(app: Application | undefined, revision: string): Verdict {
  if (app === undefined) return no("missing", "the Application does not exist");
  const status = app.status ?? {};
  const condition = worstCondition(status.conditions ?? []);
  if (condition !== undefined) return condition;

  const seen = status.sync?.revision;
  if (seen === undefined || seen === "") return no("not-compared", "not compared with Git yet", { refresh: true });
  if (seen !== revision) {
    return no("other-revision", `compared with revision ${short(seen)}, expected ${short(revision)}`, { refresh: true });
  }

  const operation = status.operationState;
  if (operation?.phase === undefined) return no("no-operation", "no sync operation was started yet");
  // An operation that was refused before it began has no result, only what it was asked for.
  const synced = operation.syncResult?.revision ?? operation.operation?.sync?.revision;
  const ofThis = synced === revision;
  if (operation.phase === "Failed" || operation.phase === "Error") {
    // A failed operation of another revision says nothing about this one.
    return no("operation-failed", failureOf(operation.message, operation.syncResult?.resources), { fatal: ofThis });
  }
  if (operation.phase !== "Succeeded") {
    // Argo CD tries again, but the API server will not read it the next time either.
    if (ofThis && UNPARSABLE.test(operation.message ?? "")) {
      const message = oneLine(operation.message ?? "").replace(/\. Retrying attempt #.*$/, "");
      return no("manifest-does-not-parse", message, { fatal: true });
    }
    const retries = operation.retryCount ? ` (retry ${operation.retryCount})` : "";
    return no("operation-running", `sync is ${operation.phase}${retries}: ${operation.message ?? "no message"}`);
  }
  if (!ofThis) {
    return no("operation-of-other-revision", `last synced revision ${short(synced ?? "none")}, expected ${short(revision)}`);
  }
  if (status.sync?.status !== "Synced") {
    const drifted = (status.resources ?? []).filter((r) => r.status !== undefined && r.status !== "Synced");
    const names = drifted.map((r) => `${r.kind}/${r.name} ${r.status}`).join(", ");
    return no("out-of-sync", `sync status ${status.sync?.status ?? "Unknown"}${names ? ` (${names})` : ""}`);
  }
  if (!notBefore(status.reconciledAt, operation.finishedAt)) {
    return no(
      "not-reconciled-since",
      `compared at ${status.reconciledAt ?? "no time"}, before the sync ended at ${operation.finishedAt ?? "no time"}`,
      { refresh: true },
    );
  }
  if (status.health?.status !== "Healthy") {
    const unwell = (status.resources ?? []).filter((r) => r.health?.status !== undefined && r.health.status !== "Healthy");
    const names = unwell
      .map((r) => `${r.kind}/${r.name} ${r.health?.status}${r.health?.message ? `: ${r.health.message}` : ""}`)
      .join("; ");
    // The Deployment itself says that it gave up.
    const gaveUp = unwell.some((r) => r.health?.status === "Degraded" && /progress deadline/i.test(r.health.message ?? ""));
    return no("not-healthy", `health ${status.health?.status ?? "Unknown"}${names ? ` (${names})` : ""}`, { fatal: gaveUp });
  }
  return { ok: true };
}

/** What an ApplicationSet that made no Applications says about itself, if it says anything. */
export function judgeApplicationSet(conditions: { type: string; status?: string; message?: string }[]): string | undefined {
  const error = conditions.find((c) => c.type === "ErrorOccurred" && c.status === "True");
  return error === undefined ? undefined : oneLine(error.message ?? "an error without a message");
}

const UNPARSABLE = /unmarshal|converting YAML|manifest file .* is invalid|invalid manifest|cannot unmarshal|cannot be handled as a|yaml: /i;
const UNREACHABLE =
  /failed to list refs|dial tcp|unable to (connect|access|resolve)|no such host|connection refused|repository not (found|accessible)|not appear to be a git repository|failed to initialize repository|failed to fetch|unable to look up/i;

/** Whether a message of Argo CD says that Git itself could not be read. */
export function saysGitUnreachable(message: string): boolean {
  return UNREACHABLE.test(message);
}

function worstCondition(conditions: { type: string; message?: string }[]): Verdict | undefined {
  const invalid = conditions.find((c) => c.type === "InvalidSpecError");
  if (invalid !== undefined) return no("invalid-spec", oneLine(invalid.message ?? ""), { fatal: true });
  const comparison = conditions.find((c) => c.type === "ComparisonError" || c.type === "UnknownError");
  if (comparison === undefined) return undefined;
  const message = oneLine(comparison.message ?? "");
  if (UNPARSABLE.test(message)) return no("manifest-does-not-parse", message, { fatal: true });
  if (UNREACHABLE.test(message)) return no("git-unreachable", message, { refresh: true });
  return no("comparison-error", message, { refresh: true });
}

/** Why a sync failed: what Argo CD says of single objects, else of all. */
export function failureOf(message: string | undefined, resources: ResourceResult[] | undefined): string {
  const failed = (resources ?? [])
    .filter((r) => r.status === "SyncFailed" || r.hookPhase === "Failed" || r.hookPhase === "Error")
    .map((r) => `${r.kind}/${r.name}: ${oneLine(r.message ?? "")}`);
  return failed.length > 0 ? failed.join("; ") : oneLine(message ?? "the sync failed without a message");
}

function no(reason: Reason, detail: string, more: { fatal?: boolean; refresh?: boolean } = {}): Verdict {
  return { ok: false, reason, detail, fatal: more.fatal ?? false, refresh: more.refresh ?? false };
}

/** Kubernetes times have whole seconds, so "the same second" counts as after. */
function notBefore(later: string | undefined, earlier: string | undefined): boolean {
  if (later === undefined || earlier === undefined) return false;
  return Date.parse(later) >= Date.parse(earlier);
}

function short(revision: string): string {
  return /^[0-9a-f]{40}$/.test(revision) ? revision.slice(0, 12) : revision;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
