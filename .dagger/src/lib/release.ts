import { Document } from "yaml";
import { ENVIRONMENTS } from "./environments.ts";
import type { Environment } from "./environments.ts";
import { UserError, listOf } from "./errors.ts";
import { DIGEST, parseDigestReference } from "./image-reference.ts";
import { renderManifests } from "./manifests.ts";
import { renderSource } from "./release-source.ts";
import { type Sealed, sealedFor } from "./sealed.ts";
import type { ManifestFiles } from "./manifests.ts";
import type { ServiceSpec } from "./service-spec.ts";
import { Fields } from "./yaml-fields.ts";

/**
 * What runs in one environment for one service. It holds nothing of the run
 * that made it: the same source gives the same record, so that a repeated
 * promotion changes nothing. Run and verdicts stand in the commit's trailers.
 */
export interface Release {
  service: string;
  owner: string;
  env: Environment;
  version: string;
  /** The commit that the image was built from; `<sha>-dirty` is never promoted. */
  sourceRevision: string;
  /** That commit's time. */
  sourceTime: string;
  /** By digest. */
  image: string;
  digest: string;
}

export const RELEASE_API = "golden-path/v1";

const FIELDS = [
  "apiVersion", "kind", "service", "owner", "env", "version", "sourceRevision", "sourceTime", "image", "digest",
] as const;

const REVISION = /^[0-9a-f]{40}(-dirty)?$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** The folder of one service in one environment; promotion owns it wholly. */
export function releaseFolder(env: Environment, service: string): string {
  return `env/${env}/${service}`;
}

/** The record's path in the GitOps repository. */
export function releasePath(env: Environment, service: string): string {
  return `${releaseFolder(env, service)}/release.yaml`;
}

/** Whether the source had changes that no commit holds: such a release can be verified, never promoted. */
export function isDirty(revision: string): boolean {
  return revision.endsWith("-dirty");
}

/** Writes the record, its fields always in the same order. */
export function renderRelease(release: Release): string {
  const record = {
    apiVersion: RELEASE_API,
    kind: "Release",
    service: release.service,
    owner: release.owner,
    env: release.env,
    version: release.version,
    sourceRevision: release.sourceRevision,
    sourceTime: release.sourceTime,
    image: release.image,
    digest: release.digest,
  };
  const text = new Document(record, { compat: "yaml-1.1" }).toString({ lineWidth: 0 });
  // A record that could not be read back must not be written either.
  parseRelease(text, releasePath(release.env, release.service));
  return text;
}

/** Reads and checks a record; an edited or damaged one is refused with file, line and reason. */
export function parseRelease(text: string, file: string): Release {
  const fields = new Fields(text, file, { withLines: true });
  fields.onlyKnown(FIELDS);
  expectText(fields, "apiVersion", (value) => value === RELEASE_API, `use ${RELEASE_API}`);
  expectText(fields, "kind", (value) => value === "Release", "use Release");
  const service = expectText(fields, "service", (value) => value !== "", "name the service");
  const owner = expectText(fields, "owner", (value) => value !== "", "name the owning team");
  const env = expectText(fields, "env", isEnvironment, `use ${listOf(ENVIRONMENTS, "or")}`);
  const version = expectText(fields, "version", (value) => value !== "", "name the version");
  const sourceRevision = expectText(fields, "sourceRevision", (value) => REVISION.test(value), "use a commit's 40 hex digits");
  const sourceTime = expectText(fields, "sourceTime", isTime, "use a UTC time as in 2026-11-22T02:00:00Z");
  const digest = expectText(fields, "digest", (value) => DIGEST.test(value), "use sha256: and 64 hex digits");
  const image = expectText(fields, "image", isDigestReference, "use <registry>/<name>@sha256:<64 hex digits>");
  if (image !== undefined && digest !== undefined && !image.endsWith(`@${digest}`)) {
    fields.problem("digest", `${digest} is not the image's; use the digest of ${image}`);
  }
  const place = /(?:^|\/)env\/([^/]+)\/([^/]+)\/release\.yaml$/.exec(file);
  if (place && env !== undefined && place[1] !== env) {
    fields.problem("env", `"${env}" differs from its folder "${place[1]}"; promote again instead of copying records`);
  }
  if (place && service !== undefined && place[2] !== service) {
    fields.problem("service", `"${service}" differs from its folder "${place[2]}"; promote again instead of copying records`);
  }
  fields.finish();
  // `finish` has thrown unless every field had a value.
  return { service, owner, env, version, sourceRevision, sourceTime, image, digest } as Release;
}

/** Everything under `env/<env>/<service>/`, by its path in the GitOps repository. */
export function releaseFiles(spec: ServiceSpec, release: Release, base: ManifestFiles, sealed: Sealed = {}): Record<string, string> {
  if (spec.name !== release.service) {
    throw new UserError(`rendering the release of ${release.service}: the service.yaml is that of ${spec.name}; give both of one service`);
  }
  const folder = releaseFolder(release.env, release.service);
  const manifests = Object.entries(renderManifests(spec, { ...release, sealed: sealedFor(sealed, release.env, spec.name) }, base));
  return Object.fromEntries([
    [`${folder}/release.yaml`, renderRelease(release)],
    [`${folder}/source.yaml`, renderSource({ spec, base, sealed }, `${folder}/source.yaml`)],
    ...manifests.map(([file, text]) => [`${folder}/manifests/${file}`, text] as const),
  ]);
}

function expectText(fields: Fields, field: string, holds: (value: string) => boolean, advice: string): string | undefined {
  if (!fields.required(field, `${field}: …`)) return undefined;
  const value = fields.text(field);
  if (value === undefined || holds(value)) return value;
  return fields.problem(field, `"${value}" is not right; ${advice}`);
}

function isEnvironment(value: string): boolean {
  return (ENVIRONMENTS as readonly string[]).includes(value);
}

function isTime(value: string): boolean {
  if (!TIME.test(value) || Number.isNaN(Date.parse(value))) return false;
  // A 31 February is taken for a day in March: only a real time comes back as it was.
  return new Date(value).toISOString() === value.replace("Z", ".000Z");
}

function isDigestReference(value: string): boolean {
  try {
    parseDigestReference(value, "");
    return true;
  } catch {
    return false;
  }
}
