import type { AttestationName, ExpectedSource, Refusal } from "./signing.ts";
import { PREDICATES, UNNAMED_SOURCE } from "./signing.ts";

/** What cosign signs for an image: its digest, and annotations. */
export interface SignedPayload {
  digest: string;
  annotations: Record<string, string>;
}

/** An in-toto statement: something said about things named by digest. */
export interface Statement {
  predicateType: string;
  subjects: string[];
  predicate: unknown;
}

/** Why something is refused; the sentence is completed by who refuses. */
export interface Problem {
  kind: Refusal;
  found: string;
}

/** Reads one line of `cosign download signature`, or one entry of `cosign verify`. */
export function parsePayload(line: string): SignedPayload | undefined {
  const entry = json(line) as { Payload?: string; critical?: unknown; optional?: unknown } | undefined;
  const payload = (entry?.Payload === undefined ? entry : json(decode(entry.Payload))) as
    | { critical?: { image?: Record<string, string> }; optional?: Record<string, string> | null } | undefined;
  const digest = payload?.critical?.image?.["docker-manifest-digest"];
  return digest === undefined ? undefined : { digest, annotations: payload?.optional ?? {} };
}

/** Reads one line of `cosign download attestation`: a DSSE envelope around an in-toto statement. */
export function parseEnvelope(line: string): Statement | undefined {
  const envelope = json(line) as { payload?: string } | undefined;
  const statement = (envelope?.payload === undefined ? undefined : json(decode(envelope.payload))) as
    | { predicateType?: string; subject?: { digest?: Record<string, string> }[]; predicate?: unknown } | undefined;
  if (typeof statement?.predicateType !== "string") return undefined;
  const subjects = (statement.subject ?? []).map(({ digest }) => `sha256:${digest?.["sha256"] ?? ""}`);
  return { predicateType: statement.predicateType, subjects, predicate: statement.predicate };
}

/** Why cosign refused the signatures that the registry holds for a digest. */
export function explainSignatures(digest: string, present: readonly SignedPayload[]): Problem {
  if (present.length === 0) return { kind: "unsigned", found: "it carries no signature" };
  const others = present.filter((payload) => payload.digest !== digest);
  if (others.length === present.length) {
    return { kind: "another-digest", found: `its signature is for ${others[0]!.digest}` };
  }
  return { kind: "another-key", found: "its signature was made with another key than the one to verify with" };
}

/** Why cosign refused the attestations of one type that the registry holds for a digest. */
export function explainAttestations(name: AttestationName, digest: string, present: readonly Statement[]): Problem {
  const { type, noun } = PREDICATES[name];
  const ofType = present.filter((statement) => statement.predicateType === type);
  if (ofType.length === 0) return { kind: "attestation-missing", found: `it has no ${noun}` };
  const others = ofType.filter((statement) => !statement.subjects.includes(digest));
  if (others.length === ofType.length) {
    const kind = name === "provenance" ? "provenance-of-another-digest" : "sbom-of-another-digest";
    return { kind, found: `its ${noun} is about ${others[0]!.subjects[0] ?? "nothing"}` };
  }
  return { kind: "another-key", found: `its ${noun} was signed with another key than the one to verify with` };
}

/** What a provenance says of where the image comes from. */
export interface ProvenanceSource {
  service: string;
  uri: string;
  revision: string;
  builder: string;
}

export function provenanceSource(predicate: unknown): ProvenanceSource {
  const { buildDefinition, runDetails } = (predicate ?? {}) as {
    buildDefinition?: { externalParameters?: { service?: string; source?: { uri?: string; digest?: Record<string, string> } } };
    runDetails?: { builder?: { id?: string } };
  };
  const { service = "", source } = buildDefinition?.externalParameters ?? {};
  return { service, uri: source?.uri ?? "", revision: source?.digest?.["gitCommit"] ?? "", builder: runDetails?.builder?.id ?? "" };
}

/** Whether a signed provenance is about the source that is expected; the problem when it is not. */
export function checkSource(predicate: unknown, expected: ExpectedSource): Problem | undefined {
  const said = provenanceSource(predicate);
  const differs = (what: string, found: string, wanted: string): Problem => ({
    kind: "provenance-of-another-source",
    found: `its SLSA provenance says that it was built from ${what} ${found || "(none named)"}, where ${wanted} is expected`,
  });
  if (expected.service !== undefined && said.service !== expected.service) return differs("service", said.service, expected.service);
  if (expected.sourceRevision !== undefined && said.revision !== expected.sourceRevision) {
    return differs("commit", said.revision, expected.sourceRevision);
  }
  if (expected.sourceUri !== undefined && !["", UNNAMED_SOURCE].includes(said.uri) && said.uri !== expected.sourceUri) {
    return differs("repository", said.uri, expected.sourceUri);
  }
  return undefined;
}

/** A bill of materials without what differs each time it is written. */
export function lasting(predicate: unknown): unknown {
  const rest = without(predicate, "serialNumber", "documentNamespace", "creationInfo");
  return "metadata" in rest ? { ...rest, metadata: without(rest["metadata"], "timestamp") } : rest;
}

function without(value: unknown, ...keys: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([key]) => !keys.includes(key)));
}

function decode(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8");
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
