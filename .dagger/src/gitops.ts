import type { Container, Directory, File, Secret, Service } from "@dagger.io/dagger";
import { randomUUID } from "node:crypto";
import type { Tree } from "./lib/edits.ts";
import { UserError, sentenceOf } from "./lib/errors.ts";
import { type ExecFailure, execFailure } from "./lib/exec-error.ts";
import type { Failure, Limits, ReadInput, ReadResult, Remote, WriteInput, WriteResult } from "./lib/gitops-io.ts";
import type { Evidence } from "./lib/record.ts";
import type { SharedAsk } from "./lib/shared-files.ts";
import { POLICY_FOLDER } from "./lib/signing.ts";

/** The GitOps repository as the user names it: an address, or a Git server handed in as a service. */
export interface GitOpsRepository {
  /** https, ssh (or user@host:path), git or http. */
  url?: string;
  /** A server that speaks git:// and holds the repository at /gitops.git; in place of `url`. */
  service?: Service;
  /** `main` when left out. */
  branch?: string;
  /** For https. */
  token?: Secret;
  username?: string;
  /** For ssh; the known hosts are what tells the server from an impostor. */
  sshKey?: Secret;
  knownHosts?: File;
}

/** What the programs run in and on. */
export interface GitOpsTools {
  /** Has git, ssh, Node 24, and the package `yaml` in /golden-path/node_modules. */
  tools: Container;
  /** This module's source: `dag.currentModule().source()`. */
  module: Directory;
}

export interface ReleaseWrite {
  /** Whole content of the owned places, as `env/<env>/<service>/…` and what goes with it. */
  desired: Tree;
  owned: string[];
  /** What the services share, to be decided on the tip that is written on. */
  shared?: Omit<SharedAsk, "tip">;
  runId: string;
  /** Who ran it. */
  by?: string;
  verdicts: Record<string, string>;
  /** The run that proved it on a cluster, where that was an earlier one. */
  provenBy?: string;
  /** By service: what was found out about its image. */
  evidence?: Record<string, Evidence>;
  /** The key that the repository demanded when signatures were verified; null for none. */
  demandedKey?: string | null;
  dryRun?: boolean;
  limits?: Partial<Limits & { totalSeconds: number }>;
}

type Program =
  | "gitops-read" | "gitops-write" | "gitops-promote" | "gitops-rollback" | "gitops-lift" | "gitops-audit" | "source-history" | "source-revision";

const ALIAS = "gitops";
const GIT_PORT = 9418;
const ROOT = "/golden-path";
const AUTHOR = { name: "golden-path", email: "golden-path@localhost" };

/** Text files under the given folders at the branch's tip; `commit` is null in an empty repository. */
export async function readTip(
  tools: GitOpsTools,
  repository: GitOpsRepository,
  prefixes: string[],
  limits?: Partial<Limits>,
): Promise<ReadResult> {
  const { container, remote } = await reach(tools, repository);
  const input: ReadInput = { remote, prefixes, ...(limits === undefined ? {} : { limits }) };
  const doing = `reading the GitOps repository ${remote.url}`;
  const result = await runProgram<ReadResult>(never(container), "gitops-read", input, doing);
  const unread = result.skipped.find(({ path }) => path.startsWith(`${POLICY_FOLDER}/`));
  // What cannot be read may demand something: it must not pass for a repository that demands nothing.
  if (unread) throw new UserError(`${doing}: ${unread.path} is ${unread.reason}, so what the repository demands is not known; make it a small text file`);
  return result;
}

/** Commits releases on the branch's tip, or finds that there is nothing to commit. */
export async function writeRelease(tools: GitOpsTools, repository: GitOpsRepository, write: ReleaseWrite): Promise<WriteResult> {
  return await callGitOps(tools, repository, "gitops-write", { ...write, author: AUTHOR } satisfies Omit<WriteInput, "remote">, "writing to");
}

/** Runs one of the programs on the repository; `doing` begins the sentence that its failure is told with. */
export async function callGitOps<Result>(
  tools: GitOpsTools, repository: GitOpsRepository, program: Program, input: object, doing: string,
): Promise<Result> {
  const { container, remote } = await reach(tools, repository);
  return await runProgram(never(container), program, { author: AUTHOR, ...input, remote }, `${doing} the GitOps repository ${remote.url}`);
}

/** A container in which one of the programs can run. */
export function programContainer({ tools, module }: GitOpsTools): Container {
  return tools
    .withDirectory(ROOT, module, { include: ["programs/gitops*.ts", "programs/source-*.ts", "programs/is-program.ts", "src/lib/*.ts"] })
    .withNewFile(`${ROOT}/package.json`, `{"type": "module"}\n`);
}

/** Runs a program to its JSON result; what it says on failure becomes the error, in its own words. */
export async function runProgram<Result>(container: Container, program: Program, input: unknown, doing: string): Promise<Result> {
  const exec = container
    .withNewFile("/input.json", JSON.stringify(input))
    .withExec(["node", `${ROOT}/programs/${program}.ts`, "/input.json", "/out/result.json"]);
  try {
    return JSON.parse(await exec.stdout()) as Result;
  } catch (error) {
    const failed = execFailure(error);
    throw new UserError(failed ? saidBy(failed, doing) : `${doing}: ${sentenceOf(error)}; check the service and run again`);
  }
}

/** Mounts secrets as files and binds the server; neither is part of any cached layer. */
async function reach(tools: GitOpsTools, repository: GitOpsRepository): Promise<{ container: Container; remote: Remote }> {
  const { url, service, branch = "main", token, username, sshKey, knownHosts } = repository;
  if ((url === undefined) === (service === undefined)) {
    const found = url === undefined ? "none is named" : "both an address and a service are given";
    throw new UserError(`reaching the GitOps repository: ${found}; name one of them`);
  }
  const remote: Remote = { url: url ?? "", branch };
  // What the program copies (a key with the right mode) stays in memory, out of every layer.
  let container = programContainer(tools).withMountedTemp("/scratch").withEnvVariable("TMPDIR", "/scratch");
  if (service !== undefined) {
    remote.url = `git://${ALIAS}:${await portOf(service)}/gitops.git`;
    container = container.withServiceBinding(ALIAS, service);
  }
  if (token !== undefined) {
    remote.tokenFile = "/secrets/token";
    if (username !== undefined) remote.username = username;
    container = container.withMountedSecret(remote.tokenFile, token, { mode: 0o400 });
  }
  if (sshKey !== undefined) {
    remote.sshKeyFile = "/secrets/ssh-key";
    container = container.withMountedSecret(remote.sshKeyFile, sshKey, { mode: 0o400 });
  }
  if (knownHosts !== undefined) {
    remote.knownHostsFile = "/known_hosts";
    container = container.withMountedFile(remote.knownHostsFile, knownHosts);
  }
  return { container, remote };
}

/** Where a repository answers, for containers that read it by themselves and without credentials. */
export interface GitServerAddress {
  url: string;
  branch: string;
  /** To be bound under `alias`; left out where the address is the user's. */
  service?: Service;
  alias: string;
}

export async function serverOf({ url, service, branch = "main" }: GitOpsRepository): Promise<GitServerAddress> {
  if (service === undefined) return { url: url ?? "", branch, alias: ALIAS };
  return { url: `git://${ALIAS}:${await portOf(service)}/gitops.git`, branch, service, alias: ALIAS };
}

/**
 * A server in the engine's network listens where Git's protocol does; one on the user's machine where it found a
 * place. Only a running service knows its ports; it stays up, since the caller's next exec binds it.
 */
async function portOf(service: Service): Promise<number> {
  try {
    const running = await service.start();
    const ports = await Promise.all((await running.ports()).map((port) => port.port()));
    return ports.includes(GIT_PORT) ? GIT_PORT : (ports[0] ?? GIT_PORT);
  } catch (error) {
    throw new UserError(
      `reaching the GitOps repository: the Git server that was handed in does not start (${sentenceOf(error)}); check that it runs and listens`,
    );
  }
}

/** The state of a repository elsewhere is never a cached answer. */
function never(container: Container): Container {
  return container.withEnvVariable("GOLDEN_PATH_NONCE", randomUUID());
}

function saidBy(error: ExecFailure, doing: string): string {
  try {
    const { kind, message } = (JSON.parse(error.stdout) as Failure).error;
    // The engine's tunnel takes the connection even when nothing listens behind it, so git only sees it break.
    const broken = doing.includes(`//${ALIAS}:`) && (kind === "server-error" || kind === "unreachable");
    return broken ? `${message}; is the Git server that was handed in running, on the port that was given?` : message;
  } catch {
    // No program ends with -1: that is the engine's word for one that it could not start or had to end.
    if (error.exitCode < 0) return `${doing}: the engine could not run the program to its end; run it again, and look at the engine's log if it stays so`;
    const last = error.stderr.trim().split("\n").at(-1);
    return `${doing}: the program ended with exit code ${error.exitCode}${last ? ` (${last})` : ""}; this is a defect, please report it`;
  }
}
