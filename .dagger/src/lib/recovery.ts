/** Whether a release that has just come to an environment may stay. Pure; no cluster, no clock. */

export interface RecoveryLimits {
  /** So long a release may go without being Healthy. */
  healthySeconds: number;
  /** So long after it first was Healthy it is followed. */
  soakSeconds: number;
}

export const RECOVERY: RecoveryLimits = { healthySeconds: 45, soakSeconds: 90 };
/** A sign that does not pass by itself counts once it has stayed so long. */
const PATIENCE_SECONDS = 5;

/** One look at one Application. */
export interface Look {
  /** Milliseconds. */
  at: number;
  /** Of the release that Argo CD compares with; "" where it cannot be read. */
  digest: string;
  sync: string;
  health: string;
  /** What will not pass by waiting: a process that does not stay up, a sync that was refused. */
  trouble?: string | undefined;
  /** How often its processes were started again so far, and how one of them ended. */
  restarts: number;
  ended?: string | undefined;
  /** What is in the way otherwise. */
  detail?: string | undefined;
}

/** `standing`: it was there before anybody followed. `proven`: it was Healthy through its soak. */
export type RecoveryPhase = "standing" | "waiting" | "soaking" | "proven" | "failed";

export interface Followed {
  digest: string;
  phase: RecoveryPhase;
  /** When the release was first seen. */
  arrived: number;
  firstHealthy?: number;
  /** Its restarts when it first was Healthy: one at the start may be an accident, one after it is a sign. */
  restarts?: number;
  /** The first look since the last good one that found it not Healthy, and the first that found a sign of trouble. */
  unhealthySince?: number;
  troubledSince?: number;
  /** Why it failed, and when that was decided. */
  reason?: string;
  decided?: number;
}

/** What is known of a release after one more look at it. */
export function follow(known: Followed | undefined, look: Look, limits: RecoveryLimits = RECOVERY): Followed {
  const { at, digest } = look;
  if (known === undefined) return { digest, phase: "standing", arrived: at };
  // Nothing can be said of a release that cannot be read; the last one is not blamed for it.
  if (digest === "") return known;
  if (digest !== known.digest) return judge({ digest, phase: "waiting", arrived: at }, look, limits);
  if (known.phase !== "waiting" && known.phase !== "soaking") return known;
  return judge(known, look, limits);
}

function judge(known: Followed, look: Look, { healthySeconds, soakSeconds }: RecoveryLimits): Followed {
  const { at, sync, health, restarts, detail } = look;
  const trouble = look.trouble ?? (restarts > (known.restarts ?? Infinity) ? look.ended : undefined);
  if (sync === "Synced" && health === "Healthy" && trouble === undefined) {
    const firstHealthy = known.firstHealthy ?? at;
    const phase = at - firstHealthy >= soakSeconds * 1000 ? "proven" : "soaking";
    const { digest, arrived } = known;
    return { digest, arrived, phase, firstHealthy, restarts: known.restarts ?? restarts };
  }
  const sign = trouble ?? (health === "Degraded" ? (detail ?? "it is Degraded") : undefined);
  const troubledSince = sign === undefined ? undefined : (known.troubledSince ?? at);
  // Not since it last was Healthy: a machine that slept for a while has seen nothing.
  const unhealthySince = known.unhealthySince ?? at;
  const next: Followed = { ...known, unhealthySince };
  if (troubledSince === undefined) delete next.troubledSince;
  else next.troubledSince = troubledSince;
  const when = known.firstHealthy === undefined ? "" : `, ${seconds(at - known.firstHealthy)} after it was first Healthy`;
  const failed = (reason: string): Followed => ({ ...next, phase: "failed", reason, decided: at });
  if (troubledSince !== undefined && at - troubledSince >= PATIENCE_SECONDS * 1000) return failed(`${sign}${when}`);
  if (at - unhealthySince >= healthySeconds * 1000) {
    return failed(`not Healthy within ${healthySeconds} s${when}: ${sign ?? detail ?? `${sync}, ${health}`}`);
  }
  return next;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
