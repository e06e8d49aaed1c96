import type { Environment } from "./environments.ts";
import type { Release } from "./release.ts";
import { UserError } from "./errors.ts";
import { formatTrailers } from "./trailers.ts";
import type { Trailer } from "./trailers.ts";

/** What a commit of one or more releases must say about itself. */
export interface ReleaseCommit {
  env: Environment;
  releases: readonly Pick<Release, "service" | "version" | "sourceRevision" | "digest">[];
  runId: string;
  /** Stage to result, as in `{integrate: "passed", scan: "passed"}`. */
  verdicts: Readonly<Record<string, string>>;
}

/** Git's and every server's lists cut a subject off not far behind this. */
const SUBJECT_LIMIT = 72;

/**
 * The message of a release commit. Its last paragraph is Git trailers: they
 * are the record of the run, which the release files leave out.
 */
export function releaseCommitMessage(commit: ReleaseCommit): string {
  if (commit.releases.length === 0) {
    throw new UserError(`writing the release commit for ${commit.env}: there is no release; commit nothing instead`);
  }
  const releases = [...commit.releases].sort((one, other) => (one.service < other.service ? -1 : 1));
  const trailers: Trailer[] = [
    { key: "Golden-Path-Env", value: commit.env },
    ...releases.map(({ service }) => ({ key: "Golden-Path-Service", value: service })),
    ...releases.map(({ service, sourceRevision }) => ({ key: "Source-Revision", value: `${service}=${sourceRevision}` })),
    ...releases.map(({ service, digest }) => ({ key: "Image-Digest", value: `${service}=${digest}` })),
    { key: "Run-Id", value: commit.runId },
    ...Object.keys(commit.verdicts).sort().map((stage) => ({ key: "Verdict", value: `${stage}=${commit.verdicts[stage]!}` })),
  ];
  return [
    subject(commit.env, releases),
    releases.map((release) => `- ${release.service} ${oneLine(release.version)}`).join("\n"),
    formatTrailers(trailers),
  ].join("\n\n") + "\n";
}

function subject(env: Environment, releases: ReleaseCommit["releases"]): string {
  const named = `release(${env}): ${releases.map((release) => `${release.service} ${oneLine(release.version)}`).join(", ")}`;
  if (named.length <= SUBJECT_LIMIT) return named;
  const names = `release(${env}): ${releases.map((release) => release.service).join(", ")}`;
  return names.length <= SUBJECT_LIMIT ? names : `release(${env}): ${releases.length} services`;
}

/** A line break in a version would end the subject. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
