/** What a run's releases change in the GitOps repository: decided on one tip, with nothing looked up and nothing done. */
import { isInAny, planEdits, type Edit, type Tree } from "./edits.ts";
import { UserError } from "./errors.ts";
import type { ReadResult, WriteInput, WriteResult } from "./gitops-io.ts";
import { heldSentence, holdOn, holdsIn } from "./holds.ts";
import { fileSums, recordPath, renderRecord } from "./record.ts";
import { isDirty, parseRelease, releaseFolder, type Release } from "./release.ts";
import { sharedFiles } from "./shared-files.ts";
import { recordIn, releaseIn } from "./standing.ts";
import { dropSuperseded, type Superseded } from "./supersede.ts";

export interface Plan {
  edits: Edit[];
  /** The releases that the edits change; none where they bring only what the services share. */
  released: Release[];
  superseded: Superseded[];
}

export type Wanted = Pick<WriteInput, "desired" | "owned" | "runId" | "verdicts" | "by" | "evidence" | "provenBy" | "shared">;

/** What to change on this tip: pure, so that any order of writers can be tested without Git. */
export function planWrite(tip: Tree, releases: readonly Release[], input: Wanted, now = 0): Plan {
  const { current, superseded } = dropSuperseded(releases, (release) => releaseIn(tip, release.env, release.service) ?? null);
  const holds = holdsIn(tip);
  const held = current.flatMap((release) => holdOn(holds, release) ?? []);
  if (held.length > 0) throw new UserError(held.map((hold) => `releasing to ${releases[0]!.env}: ${heldSentence(hold)}`).join("\n"));
  // A run that was overtaken leaves what the services share to the newer run as well.
  const folders = current.map((release) => releaseFolder(release.env, release.service));
  const own = superseded.length === 0 ? input.owned : input.owned.filter((place) => folders.includes(place.replace(/\/$/, "")));
  const shared = superseded.length === 0 && input.shared !== undefined ? sharedFiles({ ...input.shared, tip }) : { tree: {}, owned: [] };
  const owned = [...own, ...shared.owned];
  const desired = {
    ...Object.fromEntries(Object.entries(input.desired).filter(([path]) => superseded.length === 0 || isInAny(path, own))),
    ...Object.fromEntries(Object.entries(shared.tree).filter(([path]) => shared.owned.includes(path))),
  };
  const changed = current.filter((release) => renewsRecord(tip, desired, release, owned));
  for (const release of current) {
    const path = recordPath(release.env, release.service);
    const kept = tip[path];
    if (changed.includes(release)) desired[path] = recordOf(tip, desired, release, input, now);
    else if (kept !== undefined) desired[path] = kept;
  }
  const edits = planEdits(tip, desired, owned);
  return { edits, released: changed, superseded };
}

/** What a writer would answer where this tip says all of it already; undefined where it has something to write, or to refuse. */
export function answeredBy(tip: ReadResult, wanted: Wanted): WriteResult | undefined {
  const unread = tip.skipped.some(({ path }) => isInAny(path, [...wanted.owned, "holds"]));
  if (tip.commit === null || unread) return undefined;
  try {
    const { edits, superseded } = planWrite(tip.files, releasesIn(wanted.desired), wanted);
    if (edits.length > 0 || superseded.length > 0) return undefined;
    return { committed: false, commit: tip.commit, branch: tip.branch, attempts: 0, files: [], released: [], alreadyReleased: true, superseded: [] };
  } catch (error) {
    // A hold may have been lifted since: the writer says it, of the tip as it is then.
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** A record tells of the run that changed its folder: the same release again, from whatever run, leaves it alone. */
function renewsRecord(tip: Tree, desired: Tree, release: Release, owned: readonly string[]): boolean {
  const folder = releaseFolder(release.env, release.service);
  const record = recordPath(release.env, release.service);
  if (!Object.hasOwn(tip, record)) return true;
  // Read in any case: one that was edited by hand is not written over, somebody has to look at it.
  recordIn(tip, release.env, release.service);
  const inFolder = Object.fromEntries(Object.entries(desired).filter(([path]) => isInAny(path, [folder])));
  return planEdits(tip, { ...inFolder, [record]: tip[record]! }, owned.filter((place) => place.replace(/\/$/, "") === folder)).length > 0;
}

function recordOf(tip: Tree, desired: Tree, release: Release, input: Wanted, now: number): string {
  const { service, env, version, sourceRevision, digest } = release;
  const before = releaseIn(tip, env, service);
  const previous = before === undefined || before.digest === digest ? recordIn(tip, env, service)?.previous : { version: before.version, digest: before.digest };
  const passed = (result: string | undefined): boolean => result === "passed" || result === "reused";
  return renderRecord({
    service, env, action: "release", run: input.runId, by: input.by ?? "golden-path", at: new Date(now).toISOString().replace(/\.\d+Z$/, "Z"),
    version, sourceRevision, digest,
    evidence: { ...(passed(input.verdicts.integrate) ? { provenBy: input.provenBy ?? input.runId } : {}), ...input.evidence?.[service] },
    gates: Object.entries(input.verdicts).filter(([stage]) => stage !== "promote").map(([gate, result]) => ({
      gate, passed: passed(result), evidence: result === "reused" ? "an earlier verdict on the same content" : `run ${input.runId}`,
    })),
    ...(previous === undefined ? {} : { previous }),
    files: fileSums(desired, releaseFolder(env, service)),
  });
}

/** The releases that the desired tree holds; one environment a commit, and no release of uncommitted source. */
export function releasesIn(desired: Tree): Release[] {
  const paths = Object.keys(desired).filter((path) => /^env\/[^/]+\/[^/]+\/release\.yaml$/.test(path));
  const releases = paths.sort().map((path) => parseRelease(desired[path]!, path));
  const doing = "writing the release commit";
  if (releases.length === 0) throw new UserError(`${doing}: no release was given; build at least one service first`);
  const environments = new Set(releases.map((release) => release.env));
  if (environments.size > 1) {
    throw new UserError(`${doing}: releases for ${[...environments].join(" and ")} at once; promote to one environment at a time`);
  }
  const dirty = releases.find((release) => isDirty(release.sourceRevision));
  if (dirty !== undefined) {
    throw new UserError(
      `${doing}: ${dirty.service} was built from uncommitted changes (${dirty.sourceRevision}); commit them and run again`,
    );
  }
  return releases;
}
