/** A GitOps repository through git's plumbing: no work tree, so nothing but the planned paths can change. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { listOf, UserError } from "../src/lib/errors.ts";
import type { Limits, Remote } from "../src/lib/gitops-io.ts";
import { checkRemote, Git, GitError, shown, type GitCall } from "./gitops-git.ts";

export const LIMITS: Limits = { fetchSeconds: 60, pushSeconds: 60, localSeconds: 60 };

export interface Entry {
  mode: string;
  type: string;
  object: string;
  size: number;
  path: string;
}

/** The branch as it was fetched. `commit` is null when the repository has no commit yet. */
export interface Tip {
  commit: string | null;
  entries: Map<string, Entry>;
}

export interface NewCommit {
  parent: string | null;
  message: string;
  author: { name: string; email: string };
  epochSeconds: number;
  edits: readonly { path: string; content: string | null }[];
}

/** Git knows this tree without having it. */
const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const TIP = "refs/golden/tip";
const NEXT = "refs/golden/next";

export class Repository {
  readonly git: Git;
  readonly #remote: Remote;
  readonly #limits: Limits;
  readonly #dir: string;

  private constructor(git: Git, remote: Remote, limits: Limits) {
    this.git = git;
    this.#remote = remote;
    this.#limits = limits;
    this.#dir = join(git.home, "copy.git");
  }

  static async open(remote: Remote, limits: Limits = LIMITS): Promise<Repository> {
    checkRemote(remote);
    const git = await Git.open(remote);
    const repository = new Repository(git, remote, limits);
    try {
      await repository.#init();
      return repository;
    } catch (error) {
      await git.close();
      throw error;
    }
  }

  /** What `git init --bare` would leave; twenty writers on two cores feel every process. */
  async #init(): Promise<void> {
    for (const folder of ["objects", "refs"]) await mkdir(join(this.#dir, folder), { recursive: true });
    await writeFile(join(this.#dir, "HEAD"), "ref: refs/heads/main\n");
    await writeFile(join(this.#dir, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n");
  }

  get name(): string {
    return shown(this.#remote.url);
  }

  /** The newest commit of the branch and the list of everything in it; with `history` all commits before it too. */
  async fetch({ history = false }: { history?: boolean } = {}): Promise<Tip> {
    const { url, branch } = this.#remote;
    const call = this.#far(`fetching branch ${branch} of the GitOps repository ${this.name}`, this.#limits.fetchSeconds);
    // A server may hold a shallow clone itself: what it has of the history is then all there is.
    const depth = history ? ["--update-shallow"] : ["--depth=1"];
    const args = ["fetch", "--quiet", "--no-tags", ...depth, "--no-write-fetch-head", "--", url, `+refs/heads/${branch}:${TIP}`];
    const result = await this.git.try(args, call);
    if (result.code !== 0) {
      if (!result.timedOut && /couldn't find remote ref/i.test(result.stderr)) return await this.#absentBranch(call);
      throw this.git.failure(result, call);
    }
    // Nobody else writes to this copy and nothing packs its refs: the file saves a process on every try.
    const commit = (await readFile(join(this.#dir, TIP), "utf8")).trim();
    return { commit, entries: await this.#list(commit) };
  }

  /** Contents of regular files, by path; entries whose bytes are not text are left out. */
  async read(entries: readonly Entry[]): Promise<Map<string, string>> {
    const files = entries.filter((entry) => isFile(entry));
    const contents = new Map<string, string>();
    if (files.length === 0) return contents;
    const input = files.map((entry) => `${entry.object}\n`).join("");
    const output = await this.#near(["cat-file", "--batch"], "reading files of the fetched commit", input);
    let at = 0;
    for (const entry of files) {
      const headerEnd = output.indexOf(10, at);
      const size = Number(output.subarray(at, headerEnd).toString("utf8").split(" ")[2]);
      const bytes = output.subarray(headerEnd + 1, headerEnd + 1 + size);
      at = headerEnd + 1 + size + 1;
      const text = bytes.toString("utf8");
      if (!text.includes("\0") && Buffer.from(text, "utf8").equals(bytes)) contents.set(entry.path, text);
    }
    return contents;
  }

  /** A commit on the given parent that changes the given paths and nothing else. It is not pushed. */
  async commit(next: NewCommit): Promise<string> {
    const who = `${plain(next.author.name)} <${plain(next.author.email)}> ${next.epochSeconds} +0000`;
    const parts = [`commit ${NEXT}`, "mark :1", `author ${who}`, `committer ${who}`, data(next.message)];
    if (next.parent !== null) parts.push(`from ${next.parent}`);
    for (const edit of next.edits) {
      if (edit.content === null) parts.push(`D ${quoted(edit.path)}`);
      else parts.push(`M 100644 inline ${quoted(edit.path)}`, data(edit.content));
    }
    parts.push("get-mark :1", "done", "");
    // fast-import makes blobs, trees and commit in one process; twenty writers on two cores feel the difference.
    const output = await this.#near(["fast-import", "--quiet", "--force", "--done"], "writing the release commit", parts.join("\n"));
    const commit = output.toString("utf8").trim();
    if (!/^[0-9a-f]{40,64}$/.test(commit)) {
      throw new UserError(`writing the release commit: git answered "${commit}" in place of a commit; report this with git's version`);
    }
    return commit;
  }

  /** Moves the branch from the observed commit to the new one; the server refuses when it has moved meanwhile. */
  async push(commit: string, observed: string | null): Promise<void> {
    const ref = `refs/heads/${this.#remote.branch}`;
    const lease = `--force-with-lease=${ref}:${observed ?? ""}`;
    const call = this.#far(`pushing to branch ${this.#remote.branch} of the GitOps repository ${this.name}`, this.#limits.pushSeconds);
    await this.git.run(["push", "--porcelain", "--no-verify", "--no-follow-tags", lease, "--", this.#remote.url, `${commit}:${ref}`], call);
  }

  /**
   * Puts the commit on a branch of its own. One that is there already with the same files on the same parent is left
   * as it is, so that what people have opened from it does not move.
   */
  async propose(commit: string, parent: string, branch: string): Promise<string> {
    const { url } = this.#remote;
    const ref = `refs/heads/${branch}`;
    const call = this.#far(`pushing branch ${branch} to the GitOps repository ${this.name}`, this.#limits.pushSeconds);
    const heads = (await this.git.run(["ls-remote", "--heads", "--", url, ref], call)).toString("utf8");
    const standing = /^([0-9a-f]{40,64})\t/.exec(heads)?.[1];
    if (standing !== undefined && (await this.#onSameParent(standing, parent, call))) return standing;
    const lease = `--force-with-lease=${ref}:${standing ?? ""}`;
    await this.git.run(["push", "--porcelain", "--no-verify", "--no-follow-tags", lease, "--", url, `${commit}:${ref}`], call);
    return commit;
  }

  async #onSameParent(standing: string, parent: string, call: GitCall): Promise<boolean> {
    const args = ["fetch", "--quiet", "--no-tags", "--depth=2", "--no-write-fetch-head", "--", this.#remote.url, standing];
    if ((await this.git.try(args, call)).code !== 0) return false;
    const parents = (await this.#near(["log", "-1", "--format=%P", standing], "reading the proposed commit")).toString("utf8").trim();
    return parents === parent;
  }

  /** What lies between two commits, as git shows it to people. */
  async diff(from: string | null, to: string): Promise<string> {
    const args = ["diff", "--no-color", "--no-ext-diff", "--no-renames", from ?? EMPTY_TREE, to];
    return (await this.#near(args, "comparing the tip with what would be committed")).toString("utf8");
  }

  /** Commits of the fetched history that touch the paths, newest first, each as its formatted text. */
  async log(format: string, paths: readonly string[], most?: number, settings: readonly string[] = []): Promise<string[]> {
    const limit = most === undefined ? [] : [`--max-count=${most}`];
    const args = [...settings, "log", "-z", `--format=${format}`, ...limit, TIP, "--", ...paths];
    const output = (await this.#near(args, "reading the branch's history")).toString("utf8");
    return output.split("\0").filter((one) => one !== "");
  }

  /** Texts below the given folders as they were in a commit of the fetched history. */
  async readAt(commit: string, places: readonly string[]): Promise<Map<string, string>> {
    const entries = await this.#list(commit, places);
    return await this.read([...entries.values()]);
  }

  /** One file in many commits; null where a commit does not have it. */
  async readEach(commits: readonly string[], path: string): Promise<(string | null)[]> {
    if (commits.length === 0) return [];
    const output = await this.#near(["cat-file", "--batch"], `reading ${path} in earlier commits`, commits.map((commit) => `${commit}:${path}\n`).join(""));
    const found: (string | null)[] = [];
    for (let at = 0; found.length < commits.length; ) {
      const headerEnd = output.indexOf(10, at);
      const header = output.subarray(at, headerEnd).toString("utf8");
      if (header.endsWith(" missing")) {
        found.push(null);
        at = headerEnd + 1;
        continue;
      }
      const size = Number(header.split(" ").at(-1));
      found.push(output.subarray(headerEnd + 1, headerEnd + 1 + size).toString("utf8"));
      at = headerEnd + 1 + size + 1;
    }
    return found;
  }

  async close(): Promise<void> {
    await this.git.close();
  }

  /** No such branch: fine in a repository without any, a likely slip of the pen in one that has others. */
  async #absentBranch(call: GitCall): Promise<Tip> {
    const heads = (await this.git.run(["ls-remote", "--heads", "--", this.#remote.url], call)).toString("utf8");
    const names = [...heads.matchAll(/refs\/heads\/(\S+)/g)].map((match) => match[1]!);
    // It may have been born between the two questions: the caller's push will then lose its race and look again.
    if (names.length === 0 || names.includes(this.#remote.branch)) return { commit: null, entries: new Map() };
    const some = listOf(names.slice(0, 5));
    throw new GitError("not-found", `${call.doing}: there is no such branch, only ${some}; name one of these or create it first`);
  }

  async #list(commit: string, places: readonly string[] = []): Promise<Map<string, Entry>> {
    const args = ["ls-tree", "-r", "-l", "-z", "--full-tree", commit, ...(places.length > 0 ? ["--", ...places] : [])];
    const output = (await this.#near(args, "listing the fetched commit")).toString("utf8");
    const entries = new Map<string, Entry>();
    for (const line of output.split("\0")) {
      const match = /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t([\s\S]+)$/.exec(line);
      if (match === null) continue;
      const [, mode, type, object, size, path] = match as unknown as [string, string, string, string, string, string];
      entries.set(path, { mode, type, object, size: Number(size) || 0, path });
    }
    return entries;
  }

  #near(args: string[], doing: string, input?: string): Promise<Buffer> {
    return this.git.run(args, { doing, seconds: this.#limits.localSeconds, gitDir: this.#dir, ...(input === undefined ? {} : { input }) });
  }

  #far(doing: string, seconds: number): GitCall {
    return { doing, seconds, gitDir: this.#dir };
  }
}

/** A plain file, not a link or a submodule. */
export function isFile(entry: Entry): boolean {
  return entry.mode === "100644" || entry.mode === "100755";
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text, "utf8")}\n${text}`;
}

/** A path as fast-import reads it. */
function quoted(path: string): string {
  return `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

/** Names and addresses cannot hold what separates them from each other. */
function plain(text: string): string {
  return text.replace(/[<>\n\r\0]/g, "").trim();
}
