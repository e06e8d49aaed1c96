import { createTwoFilesPatch } from "diff";
import { type Tree, planEdits } from "./edits.ts";
import type { Environment } from "./environments.ts";
import { recordPath } from "./record.ts";
import { parseRelease, releaseFolder, releasePath } from "./release.ts";

/** A commit of the source between two releases. */
export interface SourceCommit {
  hash: string;
  /** RFC 3339. */
  time: string;
  author: string;
  subject: string;
}

/** The commits that touched one service's inputs since its last release, the newest first. */
export interface SourceHistory {
  commits: SourceCommit[];
  /** How many there are in all; the list is cut. */
  total: number;
  /** Why the history cannot be told, where it cannot. */
  note?: string;
}

/** One file of the release that differs from what the environment has. */
export interface FileChange {
  path: string;
  kind: "added" | "changed" | "removed";
  /** Unified diff, without the lines that name the files. */
  diff: string;
}

interface ReleaseState {
  version: string;
  sourceRevision: string;
  /** Left out where nothing was built. */
  digest?: string;
}

/** What a run changes for one service in one environment. */
export interface ServiceChange extends SourceHistory {
  service: string;
  /** Left out for a first release. */
  from?: ReleaseState;
  to: ReleaseState;
  files: FileChange[];
}

/** What the environment holds of a service, or undefined before its first release. */
export function releasedState(tip: Tree, env: Environment, service: string): ReleaseState | undefined {
  const path = releasePath(env, service);
  const text = tip[path];
  if (text === undefined) return undefined;
  const { version, sourceRevision, digest } = parseRelease(text, path);
  return { version, sourceRevision, digest };
}

/** The files of a service's release that a commit would change, each with its diff. */
export function fileChanges(tip: Tree, desired: Tree, env: Environment, service: string): FileChange[] {
  const folder = releaseFolder(env, service);
  // The record of how a release came there belongs to the run that commits it.
  const record = recordPath(env, service);
  const inside = (tree: Tree): Tree => Object.fromEntries(Object.entries(tree).filter(([path]) => path.startsWith(`${folder}/`) && path !== record));
  const edits = planEdits(inside(tip), inside(desired), [folder]);
  return edits.map(({ path, content }): FileChange => ({
    path,
    kind: content === null ? "removed" : tip[path] === undefined ? "added" : "changed",
    diff: unified(tip[path] ?? "", content ?? ""),
  }));
}

function unified(before: string, after: string): string {
  const patch = createTwoFilesPatch("a", "b", before, after, "", "", { context: 3 });
  return patch.slice(patch.indexOf("\n@@") + 1);
}
