import { createHash } from "node:crypto";

/** One compressed layer, as the recipe that packed it reports it. */
export interface LayerFacts {
  /** Of the compressed blob. */
  digest: string;
  size: number;
  /** Of the uncompressed tar. */
  diffId: string;
  /** What is in it, for the image's history. */
  title: string;
}

/** What an image says about itself. */
export interface ImageFacts {
  name: string;
  version: string;
  sourceRevision: string;
  /** The source commit's time, RFC 3339: never the wall clock's. */
  sourceTime: string;
  /** Where the source is, when it is known. */
  sourceUrl?: string;
  vendor: string;
  architecture: string;
  port: number;
  env: Record<string, string>;
  command: string[];
}

/** A JSON document of an image with its digest. */
export interface Document {
  text: string;
  digest: string;
  size: number;
}

const USER = "65532:65532";

/** The image's configuration. Key order is fixed: the digest depends on every byte. */
export function imageConfig(image: ImageFacts, layers: readonly LayerFacts[]): Document {
  const created = rfc3339(image.sourceTime);
  const env = {
    ...image.env,
    PORT: String(image.port),
    VERSION: image.version,
    SOURCE_REVISION: image.sourceRevision,
    BUILD_TIME: created,
  };
  return document({
    created,
    architecture: image.architecture,
    os: "linux",
    config: {
      User: USER,
      ExposedPorts: { [`${image.port}/tcp`]: {} },
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      Entrypoint: image.command,
      WorkingDir: "/app",
      Labels: sorted({
        "org.opencontainers.image.title": image.name,
        "org.opencontainers.image.version": image.version,
        "org.opencontainers.image.revision": image.sourceRevision,
        "org.opencontainers.image.created": created,
        "org.opencontainers.image.vendor": image.vendor,
        ...(image.sourceUrl === undefined ? {} : { "org.opencontainers.image.source": image.sourceUrl }),
      }),
      StopSignal: "SIGTERM",
    },
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map((layer) => ({ created, created_by: layer.title })),
  });
}

/** The image's manifest: its digest is the image's name from here on. */
export function imageManifest(config: Document, layers: readonly LayerFacts[]): Document {
  return document({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config.digest, size: config.size },
    layers: layers.map(({ digest, size }) => ({
      mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest, size,
    })),
  });
}

/** The archive's index: one image, under one name. */
export function imageIndex(manifest: Document, image: ImageFacts): Document {
  return document({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [{
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: manifest.digest,
      size: manifest.size,
      annotations: { "org.opencontainers.image.ref.name": image.version },
      platform: { architecture: image.architecture, os: "linux" },
    }],
  });
}

/** Path of a blob in an image layout. */
export function blobPath(digest: string): string {
  return `blobs/${digest.replace(":", "/")}`;
}

function document(content: unknown): Document {
  const text = JSON.stringify(content);
  return { text, digest: `sha256:${createHash("sha256").update(text).digest("hex")}`, size: Buffer.byteLength(text) };
}

function sorted(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The same moment always in the same words: UTC, whole seconds. */
function rfc3339(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) throw new Error(`"${time}" is not a time`);
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}
