import { dag, type File } from "@dagger.io/dagger";
import type { Tree } from "./lib/edits.ts";
import { plural } from "./lib/errors.ts";
import type { GateResult } from "./lib/record.ts";
import { isDirty } from "./lib/release.ts";
import type { SigningReport } from "./lib/report.ts";
import { ATTESTATIONS, DEMANDED_KEY, KEY_PAIR_NOTE, tagOf } from "./lib/signing.ts";
import type { SourceRevision } from "./lib/source-revision.ts";
import type { Service } from "./project.ts";
import type { Bills } from "./sbom.ts";
import type { Workshop } from "./settings.ts";
import { canSign, canVerify, expectedSource, type Signing, signImage, sourceUri, verifyImages, wantedOf } from "./sign.ts";
import { needed, type Stages } from "./stages.ts";

/** What of a published image is signed and verified. */
export interface Signable {
  service: Service;
  revision: SourceRevision;
  /** `<registry>/<name>@<digest>`. */
  reference: string;
  digest: string;
  bills: Bills;
}

export interface Journal {
  stages: Stages;
  runId: string;
  startedOn: string;
  report: SigningReport;
}

/** Whose signature counts: the key that the GitOps repository demands, else what the user gave. */
export function signingOf(workshop: Workshop, tip: Tree): { signing: Signing; demanded: boolean } {
  const signing = workshop.signing();
  const key = tip[DEMANDED_KEY];
  if (key === undefined) return { signing, demanded: false };
  const publicKey: File = dag.file("cosign.pub", key);
  return { signing: { ...signing, publicKey }, demanded: true };
}

/** Whose key that is, in words. */
export function whose(demanded: boolean): string {
  return demanded ? `the key that the GitOps repository demands (${DEMANDED_KEY})` : "the key that was given";
}

/** Signs every image that was published; without something to sign with nothing runs, and the report says so. */
export async function signAll(workshop: Workshop, images: readonly (Signable | undefined)[], journal: Journal): Promise<true | undefined> {
  const signing = workshop.signing();
  const { notes, images: reported } = journal.report;
  if (!canSign(signing)) {
    notes.push("Not signed: no --signing-key was given.");
    return true;
  }
  if (images.some((image) => image !== undefined && isDirty(image.revision.revision))) {
    notes.push("Not signed: the source has changes that no commit holds, so no provenance could name it.");
    return true;
  }
  notes.push(signing.key === undefined ? "Signed without a key, by an identity's certificate." : `Images are ${KEY_PAIR_NOTE}.`);
  const uri = await sourceUri(workshop.settings.source);
  const signed = await Promise.all(images.filter((image) => image !== undefined).map(async (image) => {
    const { service: { spec, folder, source }, revision, digest, bills } = image;
    return await journal.stages.run("sign", spec.name, async () => {
      const described = { spec, folder, source, revision, digest, ...bills };
      const run = { id: journal.runId, startedOn: journal.startedOn, ...(uri === undefined ? {} : { sourceUri: uri }) };
      const { checks, written } = await signImage(workshop.context, await workshop.registry(), signing, described, run);
      reported.push({ service: spec.name, digest, checks, written });
      return { value: true as const, detail: `${written ? "signed" : "was signed already"}, ${plural(checks.length, "check")} hold; ${ATTESTATIONS.join(", ")} attached` };
    });
  }));
  return signed.every((result) => result === true) ? true : undefined;
}

/**
 * Verifies exactly the digests that are about to be committed. Undefined: something
 * is not as it should be. Where nothing says whose signature counts and the GitOps
 * repository demands none, it passes and says so.
 */
export async function verifyAll(
  workshop: Workshop, images: readonly (Signable | undefined)[], signed: true | undefined, tip: Tree, journal: Journal,
): Promise<true | undefined> {
  const { signing, demanded } = signingOf(workshop, tip);
  if (!demanded && !canVerify(signing)) {
    journal.report.notes.push(`Not verified: no --verify-key was given, and the GitOps repository demands no signature (it has no ${DEMANDED_KEY}).`);
    return true;
  }
  return await journal.stages.run("verify", undefined, async () => {
    const all = needed<Signable[]>("a stage before it", ...images);
    needed<[true]>("sign", signed);
    const [registry, uri] = await Promise.all([workshop.registry(), sourceUri(workshop.settings.source)]);
    const wanted = all.map(({ service, revision, reference }) => ({
      ...wantedOf(registry, reference),
      tag: tagOf(revision.version),
      required: [...ATTESTATIONS],
      expected: expectedSource(service.spec.name, revision.revision, uri),
    }));
    const results = await verifyImages(workshop.context, registry, signing, wanted);
    return { value: true as const, detail: `${plural(results.length, "digest")} verified with ${whose(demanded)}: signature, provenance, both bills of materials` };
  });
}

/** The gate of a release that is already in Git; none where nothing says whose signature counts. Throws the refusal. */
export async function signatureGate(
  workshop: Workshop, tip: Tree, { service, image, sourceRevision }: { service: string; image: string; sourceRevision: string },
): Promise<GateResult | undefined> {
  const { signing, demanded } = signingOf(workshop, tip);
  if (!demanded && !canVerify(signing)) return undefined;
  const registry = await workshop.registry();
  const wanted = { ...wantedOf(registry, image), required: [...ATTESTATIONS], expected: expectedSource(service, sourceRevision) };
  await verifyImages(workshop.context, registry, signing, [wanted]);
  return { gate: "signature", passed: true, evidence: `${wanted.digest} verified with ${whose(demanded)}: signature, provenance, both bills of materials` };
}
