import type { Environment } from "./environments.ts";
import type { Release } from "./release.ts";
import { UserError } from "./errors.ts";
import { formatTrailers } from "./trailers.ts";
import type { Trailer } from "./trailers.ts";

/** What a commit of one or more releases must say about itself. */
export interface ReleaseCommit {
  /** `release` where it is left out: what a run of `ci` commits. */
  verb?: "release" | "promote" | "rollback";
  /** Who ran it. */
  by?: string;
  /** A paragraph of its own: why. */
  reason?: string;
  /** What else belongs to the record of this kind of commit, behind the trailers of all. */
  trailers?: readonly Trailer[];
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
    ...(commit.by === undefined ? [] : [{ key: "Run-By", value: commit.by }]),
    ...Object.keys(commit.verdicts).sort().map((stage) => ({ key: "Verdict", value: `${stage}=${commit.verdicts[stage]!}` })),
    ...(commit.trailers ?? []),
  ];
  return [
    subject(`${commit.verb ?? "release"}(${commit.env})`, releases),
    ...(commit.reason === undefined ? [] : [oneLine(commit.reason)]),
    releases.map((release) => `- ${release.service} ${oneLine(release.version)}`).join("\n"),
    formatTrailers(trailers),
  ].join("\n\n") + "\n";
}

function subject(what: string, releases: ReleaseCommit["releases"]): string {
  const named = `${what}: ${releases.map((release) => `${release.service} ${oneLine(release.version)}`).join(", ")}`;
  if (named.length <= SUBJECT_LIMIT) return named;
  const names = `${what}: ${releases.map((release) => release.service).join(", ")}`;
  return names.length <= SUBJECT_LIMIT ? names : `${what}: ${releases.length} services`;
}

/** A line break in a version would end the subject. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** The message of a commit that brings only what an environment's services share: no release changes. */
export function sharedCommitMessage(change: { env: Environment; files: readonly string[]; runId: string; by?: string }): string {
  const { env, files, runId, by } = change;
  return [
    `platform(${env}): ${files.length === 1 ? "a shared file" : `${files.length} shared files`}`,
    files.map((path) => `- ${path}`).join("\n"),
    formatTrailers([
      { key: "Golden-Path-Env", value: env },
      { key: "Run-Id", value: runId },
      ...(by === undefined ? [] : [{ key: "Run-By", value: by }]),
    ]),
  ].join("\n\n") + "\n";
}

/** The message of a commit that lifts a hold. */
export function liftCommitMessage(lift: { env: Environment; service: string; version: string; digest: string; runId: string; by: string; reason: string }): string {
  const { env, service, version, digest, runId, by, reason } = lift;
  return [
    subject(`lift(${env})`, [{ service, version, digest, sourceRevision: "" }]),
    oneLine(reason),
    formatTrailers([
      { key: "Golden-Path-Env", value: env },
      { key: "Golden-Path-Service", value: service },
      { key: "Lifted-Hold", value: `${service}=${digest}` },
      { key: "Run-Id", value: runId },
      { key: "Run-By", value: by },
    ]),
  ].join("\n\n") + "\n";
}
