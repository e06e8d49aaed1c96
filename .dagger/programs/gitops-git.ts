/** Runs git: never a prompt, never the machine's own settings, never a secret in argv, and never without an end. */
import { spawn } from "node:child_process";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../src/lib/errors.ts";
import { classifyGitFailure, type GitFailureKind } from "../src/lib/git-rejection.ts";
import type { Remote } from "../src/lib/gitops-io.ts";

/** A failure of git itself, with the kind that decides whether another try makes sense. */
export class GitError extends UserError {
  readonly kind: GitFailureKind;

  constructor(kind: GitFailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface GitCall {
  /** What is being done, for the message when it fails: "fetching branch main of …". */
  doing: string;
  seconds: number;
  input?: string | Buffer;
  /** The bare repository to work in. */
  gitDir?: string;
}

interface GitResult {
  code: number | null;
  stdout: Buffer;
  stderr: string;
  timedOut: boolean;
}

const PASSED_ON = ["PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE"];
const PROXIES = ["http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"];
const MAX_OUTPUT = 256 * 1024 * 1024;

/** One private home for everything git needs: its settings, the askpass helper, the key with the right mode. */
export class Git {
  readonly home: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #secrets: string[];

  private constructor(home: string, env: NodeJS.ProcessEnv, secrets: string[]) {
    this.home = home;
    this.#env = env;
    this.#secrets = secrets;
  }

  static async open(remote: Partial<Remote> = {}): Promise<Git> {
    const home = await mkdtemp(join(tmpdir(), "golden-git-"));
    const config = join(home, "gitconfig");
    // A file rather than -c: git drops -c settings when it starts another git for a repository on the same disk.
    await writeFile(config, CONFIG);
    const env: NodeJS.ProcessEnv = {
      HOME: home,
      LC_ALL: "C",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: config,
      GIT_TERMINAL_PROMPT: "0",
      GIT_OPTIONAL_LOCKS: "0",
      GIT_LITERAL_PATHSPECS: "1",
      GIT_ALLOW_PROTOCOL: "file:git:http:https:ssh",
      GIT_ASKPASS: "true",
    };
    for (const name of [...PASSED_ON, ...PROXIES]) {
      if (process.env[name] !== undefined) env[name] = process.env[name];
    }
    const secrets: string[] = [];
    if (remote.tokenFile !== undefined) {
      const token = (await readSecret(remote.tokenFile, "token")).trim();
      secrets.push(token, encodeURIComponent(token), Buffer.from(token).toString("base64"));
      const tokenFile = join(home, "token");
      await writeFile(tokenFile, `${token}\n`, { mode: 0o600 });
      const askpass = join(home, "askpass");
      await writeFile(askpass, ASKPASS, { mode: 0o700 });
      env.GIT_ASKPASS = askpass;
      env.GOLDEN_GIT_TOKEN_FILE = tokenFile;
      env.GOLDEN_GIT_USERNAME = remote.username ?? "x-access-token";
    }
    if (remote.sshKeyFile !== undefined) env.GIT_SSH_COMMAND = await sshCommand(home, remote);
    return new Git(home, env, secrets);
  }

  /** Standard output of git; a GitError with a full sentence when it fails or takes too long. */
  async run(args: string[], call: GitCall): Promise<Buffer> {
    const result = await this.try(args, call);
    if (result.code === 0) return result.stdout;
    throw this.failure(result, call);
  }

  /** As `run`, but a failure is for the caller to judge. */
  try(args: string[], call: GitCall): Promise<GitResult> {
    const scoped = call.gitDir === undefined ? args : [`--git-dir=${call.gitDir}`, ...args];
    return new Promise((resolve, reject) => {
      // A group of its own, since git starts ssh and https helpers that would outlive it.
      const child = spawn("git", scoped, { env: this.#env, cwd: this.home, detached: true });
      const out: Buffer[] = [];
      const err: Buffer[] = [];
      let size = 0;
      let timedOut = false;
      const kill = (): void => {
        try {
          process.kill(-child.pid!, "SIGKILL");
        } catch {
          child.kill("SIGKILL");
        }
      };
      const timer = setTimeout(() => {
        timedOut = true;
        kill();
      }, call.seconds * 1000);
      const collect = (into: Buffer[]) => (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_OUTPUT) kill();
        else into.push(chunk);
      };
      child.stdout.on("data", collect(out));
      child.stderr.on("data", collect(err));
      child.on("error", (error) => {
        clearTimeout(timer);
        reject(new UserError(`${call.doing}: git could not be started (${error.message}); install git`));
      });
      child.on("close", (code) => {
        clearTimeout(timer);
        const stderr = this.#redact(Buffer.concat(err).toString("utf8"));
        resolve({ code, stdout: Buffer.concat(out), stderr, timedOut });
      });
      child.stdin.on("error", () => undefined); // git may end before it has read everything; its exit code tells
      child.stdin.end(call.input ?? "");
    });
  }

  failure(result: GitResult, call: GitCall): GitError {
    // `push --porcelain` reports the ref's status on stdout, the reasons on stderr.
    const said = `${this.#redact(result.stdout.toString("utf8").slice(0, 20_000))}\n${result.stderr}`;
    const { kind, found, advice } = classifyGitFailure(said, result.timedOut);
    const detail = kind === "timeout" ? `no answer within ${call.seconds} s` : found;
    return new GitError(kind, `${call.doing}: ${detail}; ${advice}`);
  }

  async close(): Promise<void> {
    await rm(this.home, { recursive: true, force: true });
  }

  #redact(text: string): string {
    let clean = text.replace(/(\w+:\/\/[^\s/:@]*):[^\s/@]+@/g, "$1:***@");
    for (const secret of this.#secrets) if (secret.length > 3) clean = clean.replaceAll(secret, "***");
    return clean;
  }
}

/** Refuses addresses that git would take for an option or a program to run, and those that carry a password. */
export function checkRemote(remote: Remote): void {
  const { url, branch } = remote;
  const doing = "reading the GitOps repository's address";
  if (!/^(https?|ssh|git|file):\/\/.+|^\/.+|^[\w.-]+@[\w.-]+:.+/.test(url)) {
    throw new UserError(`${doing}: "${shown(url)}" is not one; use https://, ssh://, git:// or user@host:path`);
  }
  if (/^\w+:\/\/[^/@]*:[^/@]+@/.test(url)) {
    throw new UserError(`${doing}: ${shown(url)} carries a password; take it out and hand it in as the token secret`);
  }
  if (!/^(?!.*(\.\.|\/\/|@\{|\.lock(\/|$)))[\w][\w./+-]*(?<![/.])$/.test(branch)) {
    throw new UserError(`reading the GitOps branch: "${branch}" is not a branch name; use a name such as main`);
  }
  const ssh = /^ssh:\/\//.test(url) || /^[\w.-]+@[\w.-]+:/.test(url);
  if (ssh && remote.sshKeyFile === undefined) {
    throw new UserError(`reaching ${shown(url)}: no ssh key was given; hand one in as a secret, or use https with a token`);
  }
  if (ssh && remote.knownHostsFile === undefined) {
    throw new UserError(
      `reaching ${shown(url)}: no known_hosts file was given, so the server cannot be told from an impostor; hand one in (ssh-keyscan HOST)`,
    );
  }
  if (remote.tokenFile !== undefined && !url.startsWith("https://") && !isLocalHttp(url)) {
    throw new UserError(`reaching ${shown(url)}: a token was given, but it would travel unencrypted or not at all; use https://`);
  }
}

/** The address as it may be printed. */
export function shown(url: string): string {
  return url.replace(/^(\w+:\/\/[^/:@]*):[^/@]+@/, "$1:***@");
}

function isLocalHttp(url: string): boolean {
  return /^http:\/\/(127\.0\.0\.1|localhost|\[::1\]|gitops)(:\d+)?\//.test(url);
}

async function readSecret(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new UserError(`reading the ${what} for the GitOps repository: ${(error as Error).message}; check that the secret is set`);
  }
}

async function sshCommand(home: string, remote: Partial<Remote>): Promise<string> {
  const folder = join(home, "ssh");
  await mkdir(folder, { mode: 0o700 });
  const key = join(folder, "key");
  // ssh insists on a private file and on a final line break, and a mounted secret has neither for sure.
  await writeFile(key, `${(await readSecret(remote.sshKeyFile!, "ssh key")).trimEnd()}\n`, { mode: 0o600 });
  const hosts = join(folder, "known_hosts");
  if (remote.knownHostsFile !== undefined) await copyFile(remote.knownHostsFile, hosts);
  else await writeFile(hosts, "");
  await chmod(hosts, 0o600);
  const options = ["IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=15", `UserKnownHostsFile=${hosts}`];
  return ["ssh", "-F", "/dev/null", "-i", key, ...options.flatMap((option) => ["-o", option])].join(" ");
}

const ASKPASS = `#!/bin/sh
case "$1" in
  Username*) printf '%s\\n' "$GOLDEN_GIT_USERNAME" ;;
  *) cat "$GOLDEN_GIT_TOKEN_FILE" ;;
esac
`;

// No core.hooksPath here: over a local path it would switch off the hooks of the very repository that is pushed to.
const CONFIG = `[safe]
	directory = *
[core]
	fsmonitor = false
	quotePath = false
[credential]
	helper =
[gc]
	auto = 0
[maintenance]
	auto = false
[advice]
	detachedHead = false
[http]
	lowSpeedLimit = 1
	lowSpeedTime = 30
`;
