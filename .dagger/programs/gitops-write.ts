/** Commits the releases of one run to the GitOps repository. */
import { releaseCommitMessage, sharedCommitMessage } from "../src/lib/commit-message.ts";
import { planEdits, type Edit, type Tree } from "../src/lib/edits.ts";
import type { Environment } from "../src/lib/environments.ts";
import { UserError } from "../src/lib/errors.ts";
import type { WriteInput, WriteResult } from "../src/lib/gitops-io.ts";
import { heldSentence, holdOn, holdsIn } from "../src/lib/holds.ts";
import { fileSums, recordPath, renderRecord } from "../src/lib/record.ts";
import { isDirty, parseRelease, releaseFolder, type Release } from "../src/lib/release.ts";
import { recordIn, releaseIn } from "../src/lib/standing.ts";
import { dropSuperseded, type Superseded } from "../src/lib/supersede.ts";
import { isProgram, runProgram } from "./gitops-program.ts";
import { EFFECTS, type Effects, isIn, writeChange } from "./gitops-writer.ts";

export interface Plan {
  edits: Edit[];
  /** The releases that the edits change; none where they bring only what the services share. */
  released: Release[];
  superseded: Superseded[];
}

export async function write(input: WriteInput, effects: Effects = EFFECTS): Promise<WriteResult> {
  const releases = releasesIn(input.desired);
  const { remote, author } = input;
  const written = await writeChange({ ...input, author, places: [...input.owned, "holds"] }, ({ tree }) => {
    const plan = planWrite(tree, releases, input, effects.now());
    return { ...plan, message: messageOf(plan, releases[0]!.env, input) };
  }, effects);
  const { change, committed, commit, attempts, proposal, diff } = written;
  const changes = committed || proposal !== undefined || diff !== undefined;
  return {
    committed, commit, branch: remote.branch, attempts,
    files: changes ? change.edits.map((edit) => edit.path) : [],
    released: changes ? change.released.map((release) => release.service) : [],
    alreadyReleased: !changes && change.superseded.length < releases.length,
    superseded: change.superseded,
    ...(proposal === undefined ? {} : { proposal }),
    ...(diff === undefined ? {} : { diff }),
  };
}

function messageOf({ edits, released }: Plan, env: Environment, { runId, verdicts, by }: WriteInput): string {
  // A run that was overtaken as a whole has nothing to say.
  if (edits.length === 0) return "";
  const run = { env, runId, ...(by === undefined ? {} : { by }) };
  return released.length === 0 ? sharedCommitMessage({ ...run, files: edits.map(({ path }) => path) }) : releaseCommitMessage({ ...run, releases: released, verdicts });
}

type Wanted = Pick<WriteInput, "desired" | "owned" | "runId" | "verdicts" | "by" | "evidence">;

/** What to change on this tip: pure, so that any order of writers can be tested without Git. */
export function planWrite(tip: Tree, releases: readonly Release[], input: Wanted, now = 0): Plan {
  const { current, superseded } = dropSuperseded(releases, (release) => releaseIn(tip, release.env, release.service) ?? null);
  const holds = holdsIn(tip);
  const held = current.flatMap((release) => holdOn(holds, release) ?? []);
  if (held.length > 0) throw new UserError(held.map((hold) => `releasing to ${releases[0]!.env}: ${heldSentence(hold)}`).join("\n"));
  // A run that was overtaken leaves what the services share to the newer run as well.
  const folders = current.map((release) => releaseFolder(release.env, release.service));
  const owned = superseded.length === 0 ? input.owned : input.owned.filter((place) => folders.includes(place.replace(/\/$/, "")));
  const desired = Object.fromEntries(Object.entries(input.desired).filter(([path]) => superseded.length === 0 || isIn(path, owned)));
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

/** A record tells of the run that changed its folder: the same release again, from whatever run, leaves it alone. */
function renewsRecord(tip: Tree, desired: Tree, release: Release, owned: readonly string[]): boolean {
  const folder = releaseFolder(release.env, release.service);
  const record = recordPath(release.env, release.service);
  if (!Object.hasOwn(tip, record)) return true;
  // Read in any case: one that was edited by hand is not written over, somebody has to look at it.
  recordIn(tip, release.env, release.service);
  const inFolder = Object.fromEntries(Object.entries(desired).filter(([path]) => isIn(path, [folder])));
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
    evidence: { ...(passed(input.verdicts.integrate) ? { provenBy: input.runId } : {}), ...input.evidence?.[service] },
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

if (isProgram(import.meta.url)) await runProgram<WriteInput, WriteResult>((input) => write(input));
