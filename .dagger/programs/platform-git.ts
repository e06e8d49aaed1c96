import { execFile } from "node:child_process";
import { parseAllDocuments } from "yaml";
import type { Environment } from "../src/lib/environments.ts";
import type { KubeObject } from "../src/lib/kube.ts";
import { parseRelease, releasePath } from "../src/lib/release.ts";
import { DEMANDED_KEY } from "../src/lib/signing.ts";

const LIMIT_MS = 20_000;
const CLONE = "/tmp/gitops.git";
const HISTORY = "200";

/** The GitOps repository, as far as the platform reads it by itself. */
export class Repository {
  readonly #url: string;
  readonly #ref: string;
  readonly #releases = new Map<string, { version: string; digest: string }>();
  /** The newest commit that was fetched; "" before the first. */
  tip = "";

  constructor(url: string, branch: string) {
    this.#url = url;
    this.#ref = `refs/heads/${branch}`;
  }

  async open(): Promise<void> {
    await git(["init", "--quiet", "--bare", CLONE]);
  }

  /** Looks for a newer tip; true when there is one, with its history fetched. */
  async follow(): Promise<boolean> {
    const line = await git(["ls-remote", this.#url, this.#ref]);
    const tip = line.split("\t")[0]?.trim() ?? "";
    if (tip === "" || tip === this.tip) return false;
    await git(["-C", CLONE, "fetch", "--quiet", `--depth=${HISTORY}`, this.#url, `+${this.#ref}:${this.#ref}`]);
    this.tip = (await git(["-C", CLONE, "rev-parse", this.#ref])).trim();
    return true;
  }

  /** The platform's own objects at the tip; none in a repository without a commit. */
  async platformObjects(): Promise<KubeObject[]> {
    if (this.tip === "") return [];
    const names = (await git(["-C", CLONE, "ls-tree", "--name-only", this.tip, "argocd/"])).split("\n").filter((name) => /\.ya?ml$/.test(name));
    const texts = await Promise.all(names.map((name) => git(["-C", CLONE, "show", `${this.tip}:${name}`])));
    return texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as KubeObject | null)).filter((object) => object !== null);
  }

  /** The key whose signatures the tip demands; undefined where it demands none. */
  async demandedKey(): Promise<string | undefined> {
    if (this.tip === "" || (await git(["-C", CLONE, "ls-tree", "--name-only", this.tip, DEMANDED_KEY])).trim() === "") return undefined;
    return await git(["-C", CLONE, "show", `${this.tip}:${DEMANDED_KEY}`]);
  }

  /** What a release record names at a commit; empty where it cannot be read. */
  async release(commit: string, env: string, service: string): Promise<{ version: string; digest: string }> {
    const path = releasePath(env as Environment, service);
    const name = `${commit || this.tip}:${path}`;
    const known = this.#releases.get(name);
    if (known !== undefined) return known;
    try {
      const { version, digest } = parseRelease(await git(["-C", CLONE, "show", name]), path);
      this.#releases.set(name, { version, digest });
      return { version, digest };
    } catch {
      return { version: "", digest: "" };
    }
  }
}

function git(args: string[]): Promise<string> {
  const env = { ...process.env, LC_ALL: "C", GIT_TERMINAL_PROMPT: "0" };
  return new Promise((resolve, reject) => {
    execFile("git", args, { env, timeout: LIMIT_MS, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(error.killed ? `git ${args[0]}: no end within ${LIMIT_MS / 1000} s` : (/^(?:fatal|error): (.*)$/m.exec(stderr)?.[1] ?? error.message)));
    });
  });
}
