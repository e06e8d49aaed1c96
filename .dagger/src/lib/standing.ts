import type { Tree } from "./edits.ts";
import { ENVIRONMENTS, type Environment } from "./environments.ts";
import { checkRecord, parseRecord, recordPath, type ReleaseRecord } from "./record.ts";
import { parseRelease, type Release, releaseFolder, releasePath } from "./release.ts";

/** What stands in one environment for one service. */
export interface Standing {
  release: Release;
  /** None where it was committed before there were records. */
  record: ReleaseRecord | undefined;
}

/** What stands there, checked as a whole: release, record, and every file by its checksum; undefined where nothing does. */
export function standingIn(tree: Tree, env: Environment, service: string): Standing | undefined {
  const release = releaseIn(tree, env, service);
  if (release === undefined) return undefined;
  const record = recordIn(tree, env, service);
  if (record !== undefined) checkRecord(record, release, tree, tree[recordPath(env, service)]!);
  return { release, record };
}

/** The release alone, its own fields checked. */
export function releaseIn(tree: Tree, env: Environment, service: string): Release | undefined {
  const path = releasePath(env, service);
  return Object.hasOwn(tree, path) ? parseRelease(tree[path]!, path) : undefined;
}

/** The record alone, its own fields and checksum checked. */
export function recordIn(tree: Tree, env: Environment, service: string): ReleaseRecord | undefined {
  const path = recordPath(env, service);
  return Object.hasOwn(tree, path) ? parseRecord(tree[path]!, path) : undefined;
}

/** The services that have a release in an environment, by name. */
export function servicesIn(tree: Tree, env: Environment): string[] {
  const found = Object.keys(tree).flatMap((path) => new RegExp(`^env/${env}/([^/]+)/release\\.yaml$`).exec(path)?.[1] ?? []);
  return found.sort();
}

/** All files of one folder, by their path in the repository. */
export function filesOf(tree: Tree, env: Environment, service: string): Tree {
  const folder = `${releaseFolder(env, service)}/`;
  return Object.fromEntries(Object.entries(tree).filter(([path]) => path.startsWith(folder)));
}

/** The folder without its record: what a release is, apart from how it came there. */
export function contentOf(tree: Tree, env: Environment, service: string): Tree {
  return Object.fromEntries(Object.entries(filesOf(tree, env, service)).filter(([path]) => path !== recordPath(env, service)));
}

/** The environment that a release passes before this one; undefined for the first. */
export function environmentBefore(env: Environment): Environment | undefined {
  return ENVIRONMENTS[ENVIRONMENTS.indexOf(env) - 1];
}
