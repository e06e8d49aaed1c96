/**
 * One change to the GitOps repository, whatever it is: fetch the tip, decide against it, commit on it, push by
 * compare-and-swap; when another writer was faster, all of it again on the fresh tip. Deciding again (rather than
 * rebasing) is what keeps two writers of generated files from undoing each other.
 */
import { PUSH_BACKOFF, backoffSeconds, type Backoff } from "../src/lib/backoff.ts";
import { type Edit, isInAny, type Tree } from "../src/lib/edits.ts";
import { UserError } from "../src/lib/errors.ts";
import { retriesAllowed } from "../src/lib/git-rejection.ts";
import type { Limits, Remote } from "../src/lib/gitops-io.ts";
import { DEMANDED_KEY } from "../src/lib/signing.ts";
import { type Proposal, proposalBranch, proposalOf } from "../src/lib/proposal.ts";
import { GitError } from "./gitops-git.ts";
import { LIMITS, Repository, type Tip } from "./gitops-repo.ts";

/** Where a change can be cut off; nothing but the push itself is seen from outside. */
export const STEPS = ["opened", "fetched", "decided", "committed", "pushed"] as const;
export type Step = (typeof STEPS)[number];

/** Clock, chance and a look inside, for tests. */
export interface Effects {
  sleep(seconds: number): Promise<void>;
  random(): number;
  now(): number;
  log(line: string): void;
  beforePush?(attempt: number): Promise<void>;
  at?(step: Step, attempt: number): Promise<void> | void;
}

export const EFFECTS: Effects = {
  sleep: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
  random: Math.random,
  now: Date.now,
  log: (line) => console.error(line),
};

const TOTAL_SECONDS = 300;

export interface Change {
  /** None: nothing to commit. */
  edits: Edit[];
  message: string;
}

export interface WriterOptions {
  remote: Remote;
  author: { name: string; email: string };
  /** The folders and files whose texts are needed to decide. */
  places: readonly string[];
  /** The key that the repository demanded when signatures were verified, null for none; left out where none were. */
  demandedKey?: string | null;
  /** Asks for the whole history, for those who look back in it. */
  history?: boolean;
  /** Shows what would be committed, commits nothing. */
  dryRun?: boolean;
  limits?: Partial<Limits & { totalSeconds: number }>;
  backoff?: Partial<Backoff>;
}

export interface Written<C extends Change> {
  change: C;
  committed: boolean;
  /** The new commit, or the branch's tip when nothing was committed. */
  commit: string | null;
  attempts: number;
  /** Where the branch takes no direct pushes: what to open. */
  proposal?: Proposal;
  /** Dry run: what would change, as git shows it. */
  diff?: string;
}

/** Names everything at the tip; the texts of what lies in `places`. */
export interface View {
  repository: Repository;
  tip: Tip;
  tree: Tree;
}

/** What stands in a tree for something that is no text, so that it equals none. */
export const NOT_TEXT = "\0not text";

export async function writeChange<C extends Change>(
  options: WriterOptions, decide: (view: View) => C | Promise<C>, effects: Effects = EFFECTS,
): Promise<Written<C>> {
  const { remote, author } = options;
  const backoff = { ...PUSH_BACKOFF, ...options.backoff };
  const limit = options.limits?.totalSeconds ?? TOTAL_SECONDS;
  const started = effects.now();
  const repository = await Repository.open(remote, { ...LIMITS, ...options.limits });
  let pushed: { commit: string; change: C } | null = null;
  try {
    await effects.at?.("opened", 0);
    for (let attempt = 1; ; attempt++) {
      try {
        const tip = await repository.fetch({ history: options.history ?? false });
        await effects.at?.("fetched", attempt);
        effects.log(`attempt ${attempt}: branch ${remote.branch} is at ${tip.commit ?? "no commit yet"}`);
        // The push may have arrived although its answer did not.
        if (pushed !== null && tip.commit === pushed.commit) return { change: pushed.change, committed: true, commit: pushed.commit, attempts: attempt };
        const tree = await readPlaces(repository, tip, [...options.places, DEMANDED_KEY]);
        refuseOtherKey(tree, options);
        const change = await decide({ repository, tip, tree });
        await effects.at?.("decided", attempt);
        if (change.edits.length === 0) return { change, committed: false, commit: tip.commit, attempts: attempt };
        const commit = await repository.commit({
          parent: tip.commit, message: change.message, author, epochSeconds: Math.floor(effects.now() / 1000), edits: change.edits,
        });
        await effects.at?.("committed", attempt);
        if (options.dryRun) return { change, committed: false, commit: tip.commit, attempts: attempt, diff: await repository.diff(tip.commit, commit) };
        pushed = { commit, change };
        await effects.beforePush?.(attempt);
        try {
          await repository.push(commit, tip.commit);
        } catch (error) {
          if (!(error instanceof GitError) || error.kind !== "protected" || tip.commit === null) throw error;
          effects.log(`attempt ${attempt}: ${error.message}`);
          const branch = proposalBranch(change);
          const standing = await repository.propose(commit, tip.commit, branch);
          return { change, committed: false, commit: tip.commit, attempts: attempt, proposal: proposalOf(remote, branch, standing, change.message) };
        }
        await effects.at?.("pushed", attempt);
        return { change, committed: true, commit, attempts: attempt };
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

/** The tip as a decision sees it: what lies in the places with its text, all else by name only. */
export async function readPlaces(repository: Repository, tip: Pick<Tip, "entries">, places: readonly string[]): Promise<Tree> {
  const inside = [...tip.entries.values()].filter((entry) => isInAny(entry.path, places));
  const texts = await repository.read(inside);
  // Neither a link nor binary content equals any text, so that the planner replaces or removes it.
  return Object.fromEntries([...tip.entries.keys()].map((path) => [path, texts.get(path) ?? NOT_TEXT]));
}

/** Whoever demands signatures while a run is under way means that run too. */
function refuseOtherKey(tree: Tree, { remote, demandedKey }: WriterOptions): void {
  if (demandedKey === undefined || (tree[DEMANDED_KEY] ?? null) === demandedKey) return;
  throw new UserError(`writing to ${remote.branch}: ${DEMANDED_KEY} has changed since the signatures were verified; run again, so that they are verified with the key that stands there now`);
}

function ended(error: GitError, attempts: number, pushed: boolean): GitError {
  const notes = attempts === 1 ? [] : [`gave up after ${attempts} attempts`];
  if (pushed && error.kind === "timeout")
    notes.push("should the push have arrived after all, another run finds it and commits nothing twice");
  return notes.length === 0 ? error : new GitError(error.kind, `${error.message} (${notes.join("; ")})`);
}
