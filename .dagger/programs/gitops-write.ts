/**
 * Commits releases to the GitOps repository: fetch the tip, plan against it, commit on it, push by compare-and-swap;
 * when another writer was faster, all of it again on the fresh tip. Planning again (rather than rebasing) is what
 * keeps two writers of generated files from undoing each other.
 */
import { PUSH_BACKOFF, backoffSeconds } from "../src/lib/backoff.ts";
import { releaseCommitMessage } from "../src/lib/commit-message.ts";
import { planEdits, type Edit, type Tree } from "../src/lib/edits.ts";
import { UserError } from "../src/lib/errors.ts";
import type { WriteInput, WriteResult } from "../src/lib/gitops-io.ts";
import { retriesAllowed } from "../src/lib/git-rejection.ts";
import { isDirty, parseRelease, releaseFolder, releasePath, type Release } from "../src/lib/release.ts";
import { dropSuperseded, type Superseded } from "../src/lib/supersede.ts";
import { GitError } from "./gitops-git.ts";
import { isProgram, runProgram } from "./gitops-program.ts";
import { LIMITS, Repository, type Tip } from "./gitops-repo.ts";

/** Clock, chance and a look inside, for tests. */
export interface Effects {
  sleep(seconds: number): Promise<void>;
  random(): number;
  now(): number;
  log(line: string): void;
  beforePush?(attempt: number): Promise<void>;
}

const EFFECTS: Effects = {
  sleep: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
  random: Math.random,
  now: Date.now,
  log: (line) => console.error(line),
};

const TOTAL_SECONDS = 300;

export interface Plan {
  edits: Edit[];
  released: Release[];
  superseded: Superseded[];
}

export async function write(input: WriteInput, effects: Effects = EFFECTS): Promise<WriteResult> {
  const releases = releasesIn(input.desired);
  const backoff = { ...PUSH_BACKOFF, ...input.backoff };
  const limit = input.limits?.totalSeconds ?? TOTAL_SECONDS;
  const started = effects.now();
  const repository = await Repository.open(input.remote, { ...LIMITS, ...input.limits });
  let pushed: { commit: string; plan: Plan } | null = null;
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        const tip = await repository.fetch();
        effects.log(`attempt ${attempt}: branch ${input.remote.branch} is at ${tip.commit ?? "no commit yet"}`);
        const done = (plan: Plan, commit: string | null, committed: boolean): WriteResult => ({
          committed,
          commit,
          branch: input.remote.branch,
          attempts: attempt,
          files: committed ? plan.edits.map((edit) => edit.path) : [],
          released: committed ? plan.released.map((release) => release.service) : [],
          alreadyReleased: !committed && plan.superseded.length < releases.length,
          superseded: plan.superseded,
        });
        // The push may have arrived although its answer did not.
        if (pushed !== null && tip.commit === pushed.commit) return done(pushed.plan, pushed.commit, true);
        const plan = planWrite(await readPlanned(repository, tip, input.owned), releases, input);
        if (plan.edits.length === 0) return done(plan, tip.commit, false);
        const commit = await repository.commit({
          parent: tip.commit,
          message: releaseCommitMessage({ env: releases[0]!.env, releases: plan.released, runId: input.runId, verdicts: input.verdicts }),
          author: input.author,
          epochSeconds: Math.floor(effects.now() / 1000),
          edits: plan.edits,
        });
        pushed = { commit, plan };
        await effects.beforePush?.(attempt);
        await repository.push(commit, tip.commit);
        return done(plan, commit, true);
      } catch (error) {
        if (!(error instanceof GitError)) throw error;
        if (attempt >= retriesAllowed(error.kind, backoff.attempts)) throw ended(error, attempt, pushed !== null);
        const wait = backoffSeconds(backoff, attempt, effects.random());
        if ((effects.now() - started) / 1000 + wait > limit) throw ended(error, attempt, pushed !== null);
        effects.log(`attempt ${attempt}: ${error.message}; trying again on the fresh tip in ${wait.toFixed(1)} s`);
        await effects.sleep(wait);
      }
    }
  } finally {
    await repository.close();
  }
}

/** What to change on this tip: pure, so that any order of writers can be tested without Git. */
export function planWrite(tip: Tree, releases: readonly Release[], input: Pick<WriteInput, "desired" | "owned">): Plan {
  const { current, superseded } = dropSuperseded(releases, (release) => {
    const path = releasePath(release.env, release.service);
    return Object.hasOwn(tip, path) ? parseRelease(tip[path]!, path) : null;
  });
  // A run that was overtaken leaves what the services share to the newer run as well.
  const folders = current.map((release) => releaseFolder(release.env, release.service));
  const owned = superseded.length === 0 ? input.owned : input.owned.filter((place) => folders.includes(place.replace(/\/$/, "")));
  const desired = Object.fromEntries(Object.entries(input.desired).filter(([path]) => superseded.length === 0 || isIn(path, owned)));
  const edits = planEdits(tip, desired, owned);
  const changed = current.filter((release) => edits.some((edit) => isIn(edit.path, [releaseFolder(release.env, release.service)])));
  return { edits, released: changed.length > 0 ? changed : current, superseded };
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

/** The tip as the planner sees it: owned files with their text, all others by name only. */
async function readPlanned(repository: Repository, tip: Tip, owned: readonly string[]): Promise<Tree> {
  const inside = [...tip.entries.values()].filter((entry) => isIn(entry.path, owned));
  const texts = await repository.read(inside);
  // Neither a link nor binary content equals any text, so that the planner replaces or removes it.
  return Object.fromEntries([...tip.entries.keys()].map((path) => [path, texts.get(path) ?? "\0not text"]));
}

function isIn(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || path.startsWith(`${place.replace(/\/$/, "")}/`));
}

function ended(error: GitError, attempts: number, pushed: boolean): GitError {
  const notes = attempts === 1 ? [] : [`gave up after ${attempts} attempts`];
  if (pushed && error.kind === "timeout")
    notes.push("should the push have arrived after all, another run finds it and commits nothing twice");
  return notes.length === 0 ? error : new GitError(error.kind, `${error.message} (${notes.join("; ")})`);
}

if (isProgram(import.meta.url)) await runProgram<WriteInput, WriteResult>((input) => write(input));
