/** Finds each service's source revision: the last commit that touched its inputs, and whether they differ from it. */
import { createHash } from "node:crypto";
import { lstat, readFile, readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { contentId } from "../src/lib/canonical.ts";
import { UserError } from "../src/lib/errors.ts";
import type { RevisionInput, RevisionResult } from "../src/lib/gitops-io.ts";
import { isUnder, sourceRevision, type SourceRevision } from "../src/lib/source-revision.ts";
import { Git } from "./gitops-git.ts";
import { runProgram } from "./gitops-program.ts";
import { isProgram } from "./is-program.ts";

const DOING = "finding the source revision";

export async function revisions(input: RevisionInput): Promise<RevisionResult> {
  await checkCheckout(input.source);
  const git = await Git.open();
  const seconds = input.seconds ?? 120;
  // Settings of the checked-out repository must not start programs, nor a filter of its own hide a change.
  const ask = (args: string[]): Promise<Buffer> =>
    git.run(["-C", input.source, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false", ...args], {
      doing: DOING,
      seconds,
    });
  try {
    const head = await git.try(["-C", input.source, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"], { doing: DOING, seconds });
    if (head.code !== 0) {
      throw new UserError(`${DOING}: the source has no commit yet${detail(head.stderr)}; commit it first (git add . && git commit)`);
    }
    const headCommit = head.stdout.toString("utf8").trim();
    const cutOff = await shallowCommits(input.source);
    const all = [...Object.values(input.services), ...input.shared];
    const changed = changedPaths(await ask(["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", ...all]));
    const found: SourceRevision[] = [];
    for (const [service, folder] of Object.entries(input.services)) {
      const inputs = [folder, ...input.shared];
      const dirty = changed.filter((path) => inputs.some((place) => isUnder(path, place)));
      const commit = await lastCommit(ask, inputs, headCommit);
      if (cutOff.has(commit.hash) && dirty.length === 0) {
        throw new UserError(
          `${DOING} of ${service}: the history is cut off at ${commit.hash.slice(0, 7)} (a shallow clone), so an older commit may be the right one; run git fetch --unshallow`,
        );
      }
      found.push(sourceRevision(service, commit, dirty));
    }
    const contents = Object.entries(input.services).map(async ([service, folder]) => {
      const places = [folder, ...(input.stated ?? [])].map((place) => join(input.source, place));
      return [service, contentId(await Promise.all(places.map(contentOf)), 64)] as const;
    });
    return { head: headCommit, revisions: found, contents: Object.fromEntries(await Promise.all(contents)) };
  } finally {
    await git.close();
  }
}

/** Names, modes and bytes of a folder, or of a file; nothing where there is none. */
async function contentOf(path: string): Promise<unknown> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return null;
  if (found.isSymbolicLink()) return { link: await readlink(path) };
  const mode = found.mode & 0o7777;
  if (!found.isDirectory()) return { mode, digest: createHash("sha256").update(await readFile(path)).digest("hex") };
  const entries = (await readdir(path)).map(async (name) => [name, await contentOf(join(path, name))] as const);
  return { mode, entries: Object.fromEntries(await Promise.all(entries)) };
}

/** Inputs that no commit ever touched are those of a new service: HEAD stands in, and it is dirty anyway. */
async function lastCommit(
  ask: (args: string[]) => Promise<Buffer>,
  inputs: string[],
  head: string,
): Promise<{ hash: string; epochSeconds: number }> {
  const log = async (args: string[]): Promise<string> =>
    (await ask(["log", "-1", "--no-show-signature", "--format=%H %ct", ...args])).toString("utf8").trim();
  const line = (await log(["HEAD", "--", ...inputs])) || (await log([head]));
  const [hash, seconds] = line.split(" ");
  return { hash: hash!, epochSeconds: Number(seconds) };
}

async function checkCheckout(source: string): Promise<void> {
  const git = join(source, ".git");
  const kind = await stat(git).catch(() => null);
  if (kind === null) {
    throw new UserError(`${DOING}: the source has no .git folder; run from a Git checkout (git clone, or git init and a first commit)`);
  }
  if (!kind.isDirectory()) {
    const target = (await readFile(git, "utf8")).replace(/^gitdir:\s*/, "").trim();
    throw new UserError(
      `${DOING}: .git is a pointer to ${target}, outside the source (a linked work tree or a submodule); run from a plain clone`,
    );
  }
}

async function shallowCommits(source: string): Promise<Set<string>> {
  const text = await readFile(join(source, ".git", "shallow"), "utf8").catch(() => "");
  return new Set(text.split("\n").filter((line) => line !== ""));
}

/** Paths of `git status --porcelain=v1 -z --no-renames`: two letters and a space before each. */
function changedPaths(output: Buffer): string[] {
  return output
    .toString("utf8")
    .split("\0")
    .filter((entry) => entry.length > 3)
    .map((entry) => entry.slice(3));
}

function detail(stderr: string): string {
  return stderr.trim() === "" ? "" : ` (${stderr.trim().split("\n")[0]})`;
}

if (isProgram(import.meta.url)) await runProgram<RevisionInput, RevisionResult>(revisions);
