/** The platform's status as the backend tells it. `null` means: not known. */

export interface Promotion {
  readonly commit: string;
  readonly time: string;
  readonly author: string;
  readonly runId: string | null;
}

export interface Hold {
  readonly digest: string;
  readonly version: string | null;
  /** Where it was found bad: here, or in an environment before this one. */
  readonly env: string | null;
  readonly reason: string;
  readonly by: string | null;
  readonly since: string | null;
}

/** How a release came to stand where it stands. */
export interface Provenance {
  readonly action: string;
  readonly since: string;
  readonly by: string;
  readonly from: string | null;
  readonly reason: string | null;
  readonly gates: readonly Gate[];
}

export interface Gate {
  readonly gate: string;
  readonly passed: boolean;
  readonly evidence: string;
}

/** One commit that touched an environment. */
export interface HistoryEntry {
  readonly commit: string;
  readonly at: string;
  readonly action: string;
  readonly subject: string;
  readonly services: readonly string[];
  readonly by: string;
  readonly reason: string | null;
}

/** What Argo CD says beside sync and health. */
export interface Live {
  /** The commit of the GitOps repository that was compared last. */
  readonly revision: string | null;
  readonly reconciledAt: string | null;
  /** Why it is not well, where it says so. */
  readonly message: string | null;
}

export interface ServiceStatus {
  readonly name: string;
  readonly reason: string | null;
  readonly owner: string | null;
  readonly version: string | null;
  readonly sourceRevision: string | null;
  readonly digest: string | null;
  readonly sync: string | null;
  readonly health: string | null;
  readonly live: Live | null;
  readonly lastPromotion: Promotion | null;
  /** `null`: it was released before there were records, or its record is damaged (then `reason` says so). */
  readonly record: Provenance | null;
  /** Empty: nothing is held. */
  readonly holds: readonly Hold[] | null;
}

export interface EnvironmentStatus {
  readonly name: string;
  readonly known: boolean;
  readonly reason: string | null;
  readonly services: readonly ServiceStatus[];
  /** Newest first. */
  readonly history: readonly HistoryEntry[];
}

export interface PlatformStatus {
  readonly status: "ok" | "unknown";
  readonly reason: string | null;
  readonly observedAt: string | null;
  readonly source: { readonly repository: string; readonly revision: string } | null;
  /** Whether Argo CD could be asked; `null`: nobody tried. */
  readonly live: { readonly known: boolean; readonly reason: string | null } | null;
  readonly environments: readonly EnvironmentStatus[];
}

/** The status when nobody could say it, and why. */
export function unknownStatus(reason: string): PlatformStatus {
  return { status: "unknown", reason, observedAt: null, source: null, live: null, environments: [] };
}

/** Reads an answer of the backend. Throws when it has not the form of a status. */
export function parseStatus(value: unknown): PlatformStatus {
  const body = record(value);
  const environments = body?.environments;
  if (body === null || !Array.isArray(environments)) throw new Error("it is not a platform status");
  const source = record(body.source);
  const live = record(body.live);
  return {
    status: body.status === "ok" ? "ok" : "unknown",
    reason: text(body.reason),
    observedAt: text(body.observedAt),
    source: source && {
      repository: text(source.repository) ?? "unknown",
      revision: text(source.revision) ?? "unknown",
    },
    live: live && { known: live.status === "ok", reason: text(live.reason) },
    environments: records(environments).map((environment) => ({
      name: text(environment.name) ?? "unknown",
      known: environment.status === "ok",
      reason: text(environment.reason),
      services: records(environment.services).map(service),
      history: records(environment.history).map(entry),
    })),
  };
}

function service(value: Readonly<Record<string, unknown>>): ServiceStatus {
  const promotion = record(value.lastPromotion);
  const holds = value.holds;
  const live = record(value.live);
  return {
    name: text(value.name) ?? "unknown",
    reason: text(value.reason),
    owner: text(value.owner),
    version: text(value.version),
    sourceRevision: text(value.sourceRevision),
    digest: text(value.digest),
    sync: text(value.sync),
    health: text(value.health),
    live: live && {
      revision: text(live.revision),
      reconciledAt: text(live.reconciledAt),
      message: text(live.message),
    },
    lastPromotion: promotion && {
      commit: text(promotion.commit) ?? "unknown",
      time: text(promotion.time) ?? "unknown",
      author: text(promotion.author) ?? "unknown",
      runId: text(promotion.runId),
    },
    record: provenance(record(value.record)),
    holds: Array.isArray(holds)
      ? records(holds).map((hold) => ({
          digest: text(hold.digest) ?? "unknown",
          version: text(hold.version),
          env: text(hold.env),
          reason: text(hold.reason) ?? "unknown",
          by: text(hold.by),
          since: text(hold.since),
        }))
      : null,
  };
}

function provenance(value: Readonly<Record<string, unknown>> | null): Provenance | null {
  return value && {
    action: text(value.action) ?? "unknown",
    since: text(value.since) ?? "unknown",
    by: text(value.by) ?? "unknown",
    from: text(value.from),
    reason: text(value.reason),
    gates: records(value.gates).map((gate) => ({
      gate: text(gate.gate) ?? "unknown",
      passed: gate.passed === true,
      evidence: text(gate.evidence) ?? "unknown",
    })),
  };
}

function entry(value: Readonly<Record<string, unknown>>): HistoryEntry {
  return {
    commit: text(value.commit) ?? "unknown",
    at: text(value.at) ?? "unknown",
    action: text(value.action) ?? "unknown",
    subject: text(value.subject) ?? "",
    services: records(value.services).map((one) => [text(one.service), text(one.version)].filter((part) => part !== null).join(" ")),
    by: text(value.by) ?? text(value.author) ?? "unknown",
    reason: text(value.reason),
  };
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" && value.toLowerCase() !== "unknown" ? value : null;
}

function record(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function records(value: unknown): Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(record).filter((entry) => entry !== null) : [];
}
