import { createHash } from "node:crypto";
import type { Lock } from "./lock.ts";
import { UNNAMED_SOURCE } from "./signing.ts";

/** One thing that went into an image, named by its digest. */
export interface Material {
  uri: string;
  digest: Record<string, string>;
  name?: string;
}

export interface BuildFacts {
  service: string;
  language: string;
  /** From the checkout's root. */
  folder: string;
  sourceRevision: string;
  /** Where the checkout came from, when it is known. */
  sourceUri?: string;
  materials: Material[];
  /** Digest of what the pipeline itself did: its recipes and locks. */
  recipe: Material[];
  runId: string;
  startedOn: string;
}

/** Names, not addresses: nothing has to answer there. What each means is in docs/security/signing.md. */
export const BUILDER_ID = "urn:golden-path:builder:dagger-module";
export const BUILD_TYPE = "urn:golden-path:build:distroless-image:v1";

/** The predicate of an in-toto statement, SLSA provenance v1. Its `buildDefinition` follows from the source alone. */
export function provenance(facts: BuildFacts): Record<string, unknown> {
  const source: Material = {
    uri: facts.sourceUri ?? UNNAMED_SOURCE,
    digest: { gitCommit: facts.sourceRevision },
  };
  return {
    buildDefinition: {
      buildType: BUILD_TYPE,
      externalParameters: { service: facts.service, source: { ...source, path: facts.folder } },
      internalParameters: { language: facts.language, platform: "linux/amd64" },
      resolvedDependencies: [source, ...[...facts.recipe, ...facts.materials].sort((a, b) => (a.uri < b.uri ? -1 : a.uri > b.uri ? 1 : 0))],
    },
    runDetails: {
      builder: { id: BUILDER_ID },
      metadata: { invocationId: facts.runId, startedOn: facts.startedOn },
    },
  };
}

/** The Debian packages of a runtime, as their lock pins them. */
export function debianMaterials(lock: Lock): Material[] {
  return lock.packages.map(({ name, version, architecture, sha256 }) => ({
    uri: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`,
    digest: { sha256 },
  }));
}

/** A text file that went in, as a lock file did. */
export function fileMaterial(path: string, text: string): Material {
  return { uri: `file:${path}`, digest: { sha256: createHash("sha256").update(text).digest("hex") } };
}

/** An image that work was done in: its digest, where its reference has one. */
export function imageMaterial(reference: string): Material[] {
  const [name = "", digest = ""] = reference.split("@");
  return digest.startsWith("sha256:") ? [{ uri: `pkg:docker/${name}`, digest: { sha256: digest.slice(7) } }] : [];
}

/** The address of `origin` in a Git configuration, without credentials; undefined for a path of this machine. */
export function originOf(config: string): string | undefined {
  const section = /\[remote "origin"\]([^[]*)/.exec(config)?.[1];
  const url = section === undefined ? undefined : /^\s*url\s*=\s*(\S+)\s*$/m.exec(section)?.[1];
  if (url === undefined) return undefined;
  const scp = /^(?:[^@/]+@)?([\w.-]+):(?!\/)(\S+)$/.exec(url);
  if (scp !== null) return `git+ssh://${scp[1]}/${scp[2]}`;
  const address = /^(https?|ssh|git):\/\/(?:[^@/]*@)?(\S+)$/.exec(url);
  return address === null ? undefined : `git+${address[1]}://${address[2]}`;
}
