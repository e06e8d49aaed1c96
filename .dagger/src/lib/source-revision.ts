/** The source revision of one service: the last commit that touched its inputs. */
export interface SourceRevision {
  service: string;
  /** 40 hex digits, with `-dirty` behind them when the inputs differ from that commit. */
  revision: string;
  /** The commit's time, RFC 3339 in UTC. */
  time: string;
  dirty: boolean;
  /** Up to ten of the paths that make it dirty. */
  changed: string[];
  version: string;
}

/** RFC 3339 in UTC, to the second, from the seconds that Git keeps. */
export function commitTime(epochSeconds: number): string {
  return new Date(epochSeconds * 1000).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** `2026.11.22-ab12cd3`: for people and tags; machines use the digest. A dirty tree says so. */
export function versionOf(revision: string, time: string): string {
  const dirty = revision.endsWith("-dirty") ? "-dirty" : "";
  return `${time.slice(0, 10).replaceAll("-", ".")}-${revision.slice(0, 7)}${dirty}`;
}

/** Whether a path is the given input or lies under it; `.` is everything. */
export function isUnder(path: string, input: string): boolean {
  const folder = input.replace(/^\.\//, "").replace(/\/+$/, "");
  return folder === "" || folder === "." || path === folder || path.startsWith(`${folder}/`);
}

/** Puts together what git said about one service's inputs. */
export function sourceRevision(
  service: string,
  commit: { hash: string; epochSeconds: number },
  changed: readonly string[],
): SourceRevision {
  const dirty = changed.length > 0;
  const revision = dirty ? `${commit.hash}-dirty` : commit.hash;
  const time = commitTime(commit.epochSeconds);
  return { service, revision, time, dirty, changed: changed.slice(0, 10), version: versionOf(revision, time) };
}
