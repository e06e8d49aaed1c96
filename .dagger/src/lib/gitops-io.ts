/** What goes into the GitOps programs and what comes out, as JSON; shared by the module and the programs. */
import type { SharedAsk } from "./shared-files.ts";
import type { Backoff } from "./backoff.ts";
import type { SourceHistory } from "./changes.ts";
import type { Tree } from "./edits.ts";
import type { Environment } from "./environments.ts";
import type { PlannedPromotion } from "./promotion.ts";
import type { Proposal } from "./proposal.ts";
import type { Evidence, GateResult } from "./record.ts";
import type { SourceRevision } from "./source-revision.ts";
import type { Superseded } from "./supersede.ts";

/** How to reach a repository. Secrets are files, so that neither argv nor the environment ever carries one. */
export interface Remote {
  url: string;
  branch: string;
  /** Over https: a file that holds a token or password. */
  tokenFile?: string;
  /** The name that goes with the token; most servers take anything. */
  username?: string;
  /** Over ssh: a file that holds the private key, and one with the server's host keys. */
  sshKeyFile?: string;
  knownHostsFile?: string;
}

/** Seconds that each step may take. */
export interface Limits {
  fetchSeconds: number;
  pushSeconds: number;
  /** For git's own work on the local copy. */
  localSeconds: number;
}

/** What every writer is told. */
export interface WriterInput {
  remote: Remote;
  runId: string;
  /** Who ran it. */
  by?: string;
  author: { name: string; email: string };
  /** The key that the repository demanded when signatures were verified, null for none: a change of it meanwhile is refused. */
  demandedKey?: string | null;
  dryRun?: boolean;
  limits?: Partial<Limits & { totalSeconds: number }>;
  backoff?: Partial<Backoff>;
}

/** What every writer answers. */
export interface WriterResult {
  committed: boolean;
  /** The new commit, or the branch's tip when nothing was committed. */
  commit: string | null;
  branch: string;
  attempts: number;
  /** Where the branch takes no direct pushes: what to open. */
  proposal?: Proposal;
  /** Dry run: what would change. */
  diff?: string;
}

export interface WriteInput extends WriterInput {
  /** Whole content of the owned places. Each release is read from its `env/<env>/<service>/release.yaml` here. */
  desired: Tree;
  /** Folders (or single files) that this writer owns wholly; nothing outside them is touched. */
  owned: string[];
  /** What the services share is decided on the very tip that is written on: others write it too. */
  shared?: Omit<SharedAsk, "tip">;
  /** Stage to result, for the commit's trailers. */
  verdicts: Record<string, string>;
  /** The run that proved it on a cluster, where that was an earlier one. */
  provenBy?: string;
  /** By service: what was found out about the image, for the record and later gates. */
  evidence?: Record<string, Evidence>;
}

export interface WriteResult extends WriterResult {
  /** Paths that the commit writes or removes. */
  files: string[];
  /** Services whose release the commit changes; none where it brings only what they share. */
  released: string[];
  /** True when the branch already says all of this. */
  alreadyReleased: boolean;
  /** Releases that were dropped because the branch carries newer ones. */
  superseded: Superseded[];
}

export interface PromoteInput extends WriterInput {
  to: Environment;
  /** All that the environment before has, where it is left out. */
  service?: string;
  /** Looks only: every gate with its evidence, nothing refused, nothing written. */
  look?: boolean;
  /** What was judged outside Git, by service, each for exactly one digest. */
  given?: Record<string, { digest: string; gates: GateResult[] }>;
  /** Files that a repository begins with, written where they are missing. */
  seed?: Tree;
}

export interface PromoteResult extends WriterResult {
  from: Environment;
  to: Environment;
  services: PlannedPromotion[];
}

export interface RollbackInput extends WriterInput {
  env: Environment;
  /** All services of the environment's last release, where it is left out. */
  service?: string;
  /** Version, digest or source revision to go back to; the release before, where it is left out. */
  release?: string;
  reason: string;
  /** Looks only. */
  look?: boolean;
  /**
   * By service the digest that must go and the one to go back to, as a look found them and the registry was asked for
   * them: an environment that has moved since is left alone.
   */
  expected?: Record<string, { bad: string; to: string; gates?: GateResult[] }>;
}

export interface RolledBack {
  service: string;
  action: "rollback" | "none";
  reason: string;
  bad?: { version: string; digest: string };
  to?: { version: string; digest: string; image: string; sourceRevision: string; commit: string };
}

export interface RollbackResult extends WriterResult {
  env: Environment;
  services: RolledBack[];
}

export interface LiftInput extends WriterInput {
  env: Environment;
  service: string;
  release?: string;
  reason: string;
}

export interface LiftResult extends WriterResult {
  /** What was held, or nothing where it was lifted before. */
  lifted?: { version: string; digest: string; reason: string };
}

export interface AuditInput {
  remote: Remote;
  /** All environments where it is left out. */
  env?: Environment;
  service?: string;
  /** With it: commits, newest first, at most so many. Without: what stands now. */
  last?: number;
  limits?: Partial<Limits>;
}

export interface ReadInput {
  remote: Remote;
  /** Folders or files to read; everything when empty. */
  prefixes: string[];
  maxFileBytes?: number;
  maxTotalBytes?: number;
  limits?: Partial<Limits>;
}

export interface ReadResult {
  /** Null when the repository has no commit yet. */
  commit: string | null;
  branch: string;
  files: Tree;
  /** What was asked for but is not handed out, and why. */
  skipped: { path: string; reason: string }[];
}

export interface RevisionInput {
  /** The repository's work tree, with `.git` in it. */
  source: string;
  /** Service name to its folder. */
  services: Record<string, string>;
  /** Inputs of every service: the platform's base, the pipeline. */
  shared: string[];
  /** Files beside them that no revision follows, but that a service's findings depend on. */
  stated?: string[];
  seconds?: number;
}

export interface RevisionResult {
  head: string;
  revisions: SourceRevision[];
  /** Service name to a digest of its folder, and of what the whole checkout states for it, as they lie in the checkout. */
  contents: Record<string, string>;
}

export interface HistoryRange {
  /** The last release's source revision; its own commit is left out. */
  from: string;
  to: string;
  /** The service's folder and the inputs that all services share. */
  paths: string[];
}

export interface HistoryInput {
  source: string;
  /** Service name to what is asked. */
  ranges: Record<string, HistoryRange>;
  seconds?: number;
}

export type HistoryResult = Record<string, SourceHistory>;

/** What a program leaves behind when it fails; `kind` is a GitFailureKind, "user" or "defect". */
export interface Failure {
  error: { kind: string; message: string };
}
