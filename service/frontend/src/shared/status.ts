/** The platform's status as the backend tells it. `null` means: not known. */

export interface Promotion {
  readonly commit: string;
  readonly time: string;
  readonly author: string;
  readonly runId: string | null;
}

export interface Hold {
  readonly digest: string;
  readonly reason: string;
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
  /** Empty: nothing is held. */
  readonly holds: readonly Hold[] | null;
}

export interface EnvironmentStatus {
  readonly name: string;
  readonly known: boolean;
  readonly services: readonly ServiceStatus[];
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
      services: records(environment.services).map(service),
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
    holds: Array.isArray(holds)
      ? records(holds).map((hold) => ({
          digest: text(hold.digest) ?? "unknown",
          reason: text(hold.reason) ?? "unknown",
        }))
      : null,
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
