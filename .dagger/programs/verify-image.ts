/**
 * Verifies one image by digest: its signature, what is attested of it, and what the attested provenance says.
 * Each way to fail has its own sentence and exit code.
 */
import { checkSource, explainAttestations, explainSignatures, parseEnvelope, parsePayload, type Problem, provenanceSource, type SignedPayload, type Statement } from "../src/lib/attestation.ts";
import { type AttestationName, PREDICATES, TAG_ANNOTATION, type Trust, type VerifyInput, type VerifyResult } from "../src/lib/signing.ts";
import { cosign, ensureAnswered, lastLine, lines, listTags, Refused, resolveTag, trustArguments } from "./cosign.ts";

/** What a verified image brings. */
export interface Verified extends VerifyResult {
  statements: Record<string, Statement>;
}

const ADVICE: Record<string, string> = {
  unsigned: "sign it with the pipeline, or deploy an image that was",
  "another-key": "give the public key of whoever signs for this environment, or have it signed by them",
  "another-digest": "a signature was copied from another image: sign this one",
  "tag-moved": "name the image by the digest that was signed",
  "attestation-missing": "run sign again, which attaches what is missing",
  "sbom-of-another-digest": "run sign again, which attaches this image's own",
  "provenance-of-another-digest": "run sign again, which attaches this image's own",
  "provenance-of-another-source": "promote what was built from the source that is meant",
};

/** An input whose trust is a file with a public key, or an identity. */
export type Ready = Omit<VerifyInput, "trust"> & { trust: Trust };

export async function verify(input: Ready): Promise<Verified> {
  const digest = await digestOf(input);
  const named = `${input.name}@${digest}`;
  const refuse = ({ kind, found }: Problem): never => {
    throw new Refused(kind, `verifying ${named}: ${found}; ${ADVICE[kind] ?? "look at it before anything else"}`);
  };
  const keyless = !("publicKey" in input.trust);
  const payloads = await verifiedSignatures(input, digest, keyless, refuse);
  const checks = [`signature of ${digest} by ${"publicKey" in input.trust ? "the key" : input.trust.identity}`];
  if (input.tag !== undefined) {
    const signedTags = payloads.map((payload) => payload.annotations[TAG_ANNOTATION]);
    if (!signedTags.includes(input.tag)) {
      refuse({ kind: "tag-moved", found: `the tag ${input.tag} points to it, but it was signed as ${signedTags[0] ?? "no tag"}` });
    }
    checks.push(`tag ${input.tag} is the one that was signed`);
  }
  const statements: Record<string, Statement> = {};
  for (const name of input.required) {
    statements[name] = await verifiedAttestation(input, digest, name, keyless, refuse);
    checks.push(`${PREDICATES[name].noun} of ${digest}`);
  }
  const source = provenanceSource(statements["provenance"]?.predicate);
  if (statements["provenance"] !== undefined && input.expected !== undefined) {
    const problem = checkSource(statements["provenance"].predicate, input.expected);
    if (problem !== undefined) refuse(problem);
    checks.push(`built from commit ${source.revision}`);
  }
  return { name: named, digest, checks, sourceRevision: source.revision, builder: source.builder, statements };
}

/** Exactly one digest is verified; a tag only names it when it points there and nowhere else. */
async function digestOf(input: Ready): Promise<string> {
  if (input.tag === undefined) {
    if (input.digest === undefined) throw new Refused("unknown", `verifying ${input.name}: neither a digest nor a tag is given; name the image by digest`);
    return input.digest;
  }
  const found = await resolveTag(input, input.tag);
  if (found === undefined) throw new Refused("unknown", `verifying ${input.name}:${input.tag}: the registry has no such tag; name an image that was published`);
  if (input.digest !== undefined && found !== input.digest) {
    throw new Refused("tag-moved", `verifying ${input.name}:${input.tag}: it points to ${found} now, where ${input.digest} was signed; ${ADVICE["tag-moved"]}`);
  }
  return found;
}

type Refuse = (problem: Problem) => never;

async function verifiedSignatures(input: Ready, digest: string, keyless: boolean, refuse: Refuse): Promise<SignedPayload[]> {
  const reference = `${input.repository}@${digest}`;
  const doing = `verifying ${input.name}@${digest}`;
  const ended = await cosign(input, ["verify", ...trustArguments(input.trust), "--output", "json", reference], { keyless });
  ensureAnswered(ended, doing, keyless ? "verify" : undefined);
  if (ended.code === 0) {
    const payloads = (JSON.parse(ended.stdout) as unknown[]).map((entry) => parsePayload(JSON.stringify(entry))).filter((payload) => payload !== undefined);
    // A verifier that says yes and shows nothing has verified nothing.
    if (payloads.length > 0 && payloads.every((payload) => payload.digest === digest)) return payloads;
    throw new Refused("unknown", `${doing}: cosign passed it without showing a signature for that digest; this is a defect, please report it`);
  }
  const there = await cosign(input, ["download", "signature", reference]);
  ensureAnswered(there, doing);
  const present = lines(there.stdout).map(parsePayload).filter((payload) => payload !== undefined);
  const problem = explainSignatures(digest, present);
  if (problem.kind === "unsigned" && input.tag !== undefined) {
    const signed = await signedAs(input, input.tag, digest);
    if (signed !== undefined) refuse({ kind: "tag-moved", found: `the tag ${input.tag} points to it now and it is not signed; ${signed} was signed under that tag` });
  }
  if (problem.kind === "unsigned" && !/no signatures found|no matching signatures|not found|MANIFEST_UNKNOWN/i.test(ended.stderr)) {
    throw new Refused("unknown", `${doing}: cosign did not verify it (${lastLine(ended.stderr)}); look at what the registry holds beside it`);
  }
  return refuse(problem);
}

/** The digest that was signed under a tag which now points elsewhere. */
async function signedAs(input: Ready, tag: string, not: string): Promise<string | undefined> {
  const signatures = (await listTags(input)).map((name) => /^sha256-([0-9a-f]{64})\.sig$/.exec(name)?.[1]).filter((hex) => hex !== undefined);
  for (const hex of signatures.slice(-50)) {
    const digest = `sha256:${hex}`;
    if (digest === not) continue;
    const there = await cosign(input, ["download", "signature", `${input.repository}@${digest}`]);
    const payloads = lines(there.stdout).map(parsePayload).filter((payload) => payload !== undefined);
    if (payloads.some((payload) => payload.digest === digest && payload.annotations[TAG_ANNOTATION] === tag)) return digest;
  }
  return undefined;
}

async function verifiedAttestation(input: Ready, digest: string, name: AttestationName, keyless: boolean, refuse: Refuse): Promise<Statement> {
  const reference = `${input.repository}@${digest}`;
  const { cosign: type, type: predicateType, noun } = PREDICATES[name];
  const doing = `verifying ${input.name}@${digest}`;
  const ended = await cosign(input, ["verify-attestation", ...trustArguments(input.trust), "--type", type, reference], { keyless });
  ensureAnswered(ended, doing, keyless ? "verify" : undefined);
  if (ended.code === 0) {
    const verified = lines(ended.stdout).map(parseEnvelope).filter((statement) => statement?.predicateType === predicateType);
    const own = verified.find((statement) => statement?.subjects.includes(digest));
    if (own !== undefined) return own;
    throw new Refused("unknown", `${doing}: cosign passed its ${noun} without showing one for that digest; this is a defect, please report it`);
  }
  const there = await cosign(input, ["download", "attestation", reference]);
  ensureAnswered(there, doing);
  return refuse(explainAttestations(name, digest, lines(there.stdout).map(parseEnvelope).filter((statement) => statement !== undefined)));
}

/** The verdict alone: the predicates are long, and in the registry. */
export function told({ name, digest, checks, sourceRevision, builder }: Verified): Omit<Verified, "statements"> {
  return { name, digest, checks, ...(sourceRevision === undefined ? {} : { sourceRevision }), ...(builder === undefined ? {} : { builder }) };
}
