/** What goes into the GitOps programs and what comes out, as JSON; shared by the module and the programs. */
import type { Backoff } from "./backoff.ts";
import type { Tree } from "./edits.ts";
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

export interface WriteInput {
  remote: Remote;
  /** Whole content of the owned places. Each release is read from its `env/<env>/<service>/release.yaml` here. */
  desired: Tree;
  /** Folders (or single files) that this writer owns wholly; nothing outside them is touched. */
  owned: string[];
  runId: string;
  /** Stage to result, for the commit's trailers. */
  verdicts: Record<string, string>;
  author: { name: string; email: string };
  limits?: Partial<Limits & { totalSeconds: number }>;
  backoff?: Partial<Backoff>;
}

export interface WriteResult {
  committed: boolean;
  /** The new commit, or the branch's tip when there was nothing to commit. */
  commit: string | null;
  branch: string;
  attempts: number;
  /** Paths that the commit writes or removes. */
  files: string[];
  /** Services whose release the commit changes. */
  released: string[];
  /** True when the branch already says all of this. */
  alreadyReleased: boolean;
  /** Releases that were dropped because the branch carries newer ones. */
  superseded: Superseded[];
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
  seconds?: number;
}

export interface RevisionResult {
  head: string;
  revisions: SourceRevision[];
}

/** What a program leaves behind when it fails; `kind` is a GitFailureKind, "user" or "defect". */
export interface Failure {
  error: { kind: string; message: string };
}
