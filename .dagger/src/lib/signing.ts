/** What `sign` and `verify` ask of the programs that run beside a registry, and how each refusal is told. */

/** Where a GitOps repository says what may be committed to it. */
export const POLICY_FOLDER = "policy";
/** The public key in a GitOps repository: with it there, nothing unsigned is ever committed to it. */
export const DEMANDED_KEY = `${POLICY_FOLDER}/cosign.pub`;

/** What is attached to an image besides its signature. */
export const ATTESTATIONS = ["provenance", "cyclonedx", "spdx"] as const;
export type AttestationName = (typeof ATTESTATIONS)[number];

/** cosign's name of each type, and the predicate's own. */
export const PREDICATES: Record<AttestationName, { cosign: string; type: string; noun: string }> = {
  provenance: { cosign: "slsaprovenance1", type: "https://slsa.dev/provenance/v1", noun: "SLSA provenance" },
  cyclonedx: { cosign: "cyclonedx", type: "https://cyclonedx.org/bom", noun: "CycloneDX bill of materials" },
  spdx: { cosign: "spdxjson", type: "https://spdx.dev/Document", noun: "SPDX bill of materials" },
};

/** Exit codes: one for each way in which an image is not what it should be. */
export const REFUSALS = {
  unsigned: 20,
  "another-key": 21,
  "another-digest": 22,
  "tag-moved": 23,
  "attestation-missing": 24,
  "sbom-of-another-digest": 25,
  "provenance-of-another-source": 26,
  "provenance-of-another-digest": 27,
  "rebuild-differs": 28,
  /** The registry does not answer, or cosign itself failed: nothing is known, so nothing passes. */
  unknown: 29,
} as const;
export type Refusal = keyof typeof REFUSALS;

/** Where the image is, for a program, and what people call it. */
export interface ImagePlace {
  /** As the program reaches it: `registry:5000/backend`. */
  repository: string;
  /** As manifests name it. */
  name: string;
  http: boolean;
}

/** Who must have signed: the holder of a key, or a certificate's identity. */
export type Trust = { publicKey: string } | { identity: string; issuer: string };

/** A private key's file; what is verified against is its public half. */
export interface KeyFiles {
  keyFile: string;
  passwordFile: string;
}

export interface VerifyInput extends ImagePlace {
  /** Exactly this digest; left out: what the tag points to. */
  digest?: string;
  /** Must point to the digest, and must be the one that was signed. */
  tag?: string;
  trust: Trust | KeyFiles;
  required: AttestationName[];
  /** What the provenance must say. */
  expected?: ExpectedSource;
}

export interface ExpectedSource {
  service?: string;
  sourceRevision?: string;
  /** Only compared when both sides know it. */
  sourceUri?: string;
}

export interface VerifyResult {
  name: string;
  digest: string;
  /** Sentences: what was checked and held. */
  checks: string[];
  /** What was attested, by name: the predicates, for reports. */
  sourceRevision?: string;
  builder?: string;
}

export interface SignInput extends ImagePlace {
  digest: string;
  tag: string;
  service: string;
  sourceRevision: string;
  /** File of each predicate. */
  predicates: Record<AttestationName, string>;
  expected: ExpectedSource;
  signer: KeyFiles | { tokenFile: string; identity: string; issuer: string };
}

export interface SignResult extends VerifyResult {
  /** False: all of it was there already, and nothing was written. */
  written: boolean;
  /** The key's public half, or whose certificate it is. */
  signedBy: string;
}

/** Written to stdout by a program that refuses. */
export interface RefusedResult {
  refused: { kind: Refusal; sentence: string };
}

/** What a provenance names as its source when only the machine of the checkout knows where that is. */
export const UNNAMED_SOURCE = "urn:golden-path:source:unnamed";

/** Annotations that are part of what is signed. */
export const TAG_ANNOTATION = "golden-path/tag";
export const REVISION_ANNOTATION = "golden-path/source-revision";

/** Tags are for people, and allow fewer characters than versions do. The same rule as in push-image.sh. */
export function tagOf(version: string): string {
  return version.replace(/[^A-Za-z0-9_.-]/g, "-").slice(0, 128);
}

/** What is switched off with a key pair, for every report that shows a signature. */
export const KEY_PAIR_NOTE =
  "signed with a key pair; transparency log and TUF are switched off, so that nothing outside the registry is asked";
