import type { Release } from "./release.ts";

/** A release that was dropped because the branch already carries a newer one of that service. */
export interface Superseded {
  service: string;
  env: string;
  by: Pick<Release, "version" | "sourceRevision" | "sourceTime" | "digest">;
}

/**
 * Whether the release on the branch is newer than the one to be written, so that an older run that finishes late
 * does not take the environment back. Age is the source commit's time. At equal times (commits of one rebase share
 * theirs) the writer that comes last wins; the same digest is never in the way of itself.
 */
export function isSuperseded(candidate: Release, onTip: Release | null): boolean {
  if (onTip === null || onTip.digest === candidate.digest) return false;
  return time(onTip) > time(candidate);
}

/** Splits releases into those to write and those that the tip has overtaken. */
export function dropSuperseded(
  candidates: readonly Release[],
  onTip: (release: Release) => Release | null,
): { current: Release[]; superseded: Superseded[] } {
  const current: Release[] = [];
  const superseded: Superseded[] = [];
  for (const candidate of candidates) {
    const tip = onTip(candidate);
    if (tip === null || !isSuperseded(candidate, tip)) {
      current.push(candidate);
      continue;
    }
    const { version, sourceRevision, sourceTime, digest } = tip;
    superseded.push({ service: candidate.service, env: candidate.env, by: { version, sourceRevision, sourceTime, digest } });
  }
  return { current, superseded };
}

function time(release: Release): number {
  const at = Date.parse(release.sourceTime);
  if (Number.isNaN(at)) {
    throw new Error(
      `comparing releases of ${release.service}: sourceTime "${release.sourceTime}" is not a time; write it as 2026-11-22T02:00:00Z`,
    );
  }
  return at;
}
