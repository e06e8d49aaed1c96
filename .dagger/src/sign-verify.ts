import { randomUUID } from "node:crypto";
import { newRunId } from "./evidence.ts";
import { readTip } from "./gitops.ts";
import type { BuiltImage } from "./image.ts";
import { parseEnvironment } from "./lib/environments.ts";
import { UserError } from "./lib/errors.ts";
import { isDirty, parseRelease, releasePath } from "./lib/release.ts";
import { ATTESTATIONS, type ExpectedSource, KEY_PAIR_NOTE, REFUSALS, tagOf, type VerifyResult } from "./lib/signing.ts";
import { buildImage, revisionsOf } from "./prepare.ts";
import { findServices } from "./project.ts";
import { coded, refuse, told } from "./refusal.ts";
import { publishImage } from "./registry.ts";
import { billsOfMaterials } from "./sbom.ts";
import { Workshop } from "./settings.ts";
import { canSign, expectedSource, placeAt, placeOf, signImage, sourceUri, verifyImages, type Wanted } from "./sign.ts";
import { POLICY_FOLDER } from "./lib/signing.ts";
import { signingOf, whose } from "./supply-chain.ts";

export interface VerifyQuestion {
  service: string;
  /** `<repository>@sha256:…` or `<repository>:<tag>`, or both at once. */
  image: string;
  /** Everything that this environment's releases name. */
  env: string;
  /** Build from the source again, with nothing reused, and compare the digests. */
  rebuild: boolean;
}

/** Verifies what is named, and says in lines what was checked. */
export async function verifyNamed(workshop: Workshop, question: VerifyQuestion): Promise<string> {
  const repository = workshop.gitops();
  const tip = repository ? (await readTip(await workshop.tools(), repository, ["env", POLICY_FOLDER])).files : {};
  const { signing, demanded } = signingOf(workshop, tip);
  const { wanted, notes } = await wantedBy(workshop, question, tip);
  const results = await verifyImages(workshop.context, await workshop.registry(), signing, wanted);
  return [...results.flatMap(lines), ...notes, `Verified with ${whose(demanded)}.`].join("\n") + "\n";
}

function lines({ name, checks }: VerifyResult): string[] {
  return [name, ...checks.map((check) => `  holds: ${check}`)];
}

async function wantedBy(workshop: Workshop, question: VerifyQuestion, tip: Record<string, string>): Promise<{ wanted: Wanted[]; notes: string[] }> {
  const registry = await workshop.registry();
  const required = [...ATTESTATIONS];
  if (question.image !== "") {
    const { repository, tag, digest } = parseImage(question.image);
    const expected = question.service === "" ? {} : { expected: await sourceOf(workshop, question.service) };
    return { wanted: [{ place: placeAt(registry, repository), required, ...expected, ...(digest === undefined ? {} : { digest }), ...(tag === undefined ? {} : { tag }) }], notes: [] };
  }
  const services = await findServices(workshop.context, workshop.settings.source, workshop.settings.services, question.service);
  if (question.env !== "") {
    const env = parseEnvironment(question.env);
    const records = services.map(({ spec }) => releasePath(env, spec.name)).filter((path) => tip[path] !== undefined);
    if (records.length === 0) throw new UserError(`verifying ${env}: the GitOps repository has no release there; name an environment that something was promoted to`);
    const wanted = records.map((path) => {
      const { service, image, digest, sourceRevision } = parseRelease(tip[path]!, path);
      return { place: placeAt(registry, image.split("@")[0]!), digest, required, expected: expectedSource(service, sourceRevision) };
    });
    return { wanted, notes: [] };
  }
  const [revisions, uri] = await Promise.all([revisionsOf(workshop, services), sourceUri(workshop.settings.source)]);
  const notes: string[] = [];
  const wanted = await Promise.all(services.map(async (service): Promise<Wanted> => {
    const revision = revisions.get(service.spec.name)!;
    const image = await buildImage(workshop, service, revision);
    if (question.rebuild) notes.push(await rebuilt(workshop, service.spec.name, image));
    return {
      place: placeOf(registry, service.spec.name), digest: image.digest, tag: tagOf(revision.version), required,
      expected: expectedSource(service.spec.name, revision.revision, uri),
    };
  }));
  return { wanted, notes };
}

/** What an image must have been built from to be this checkout's. */
async function sourceOf(workshop: Workshop, name: string): Promise<ExpectedSource> {
  const services = await findServices(workshop.context, workshop.settings.source, workshop.settings.services, name);
  const [revisions, uri] = await Promise.all([revisionsOf(workshop, services), sourceUri(workshop.settings.source)]);
  return expectedSource(name, revisions.get(name)!.revision, uri);
}

/** Every exec of a build takes part in a nonce, so that the engine finds none of them in its cache. */
async function rebuilt(workshop: Workshop, name: string, image: BuiltImage): Promise<string> {
  const anew = new Workshop(workshop.settings);
  anew.context.anew = randomUUID();
  const [service] = await findServices(anew.context, anew.settings.source, anew.settings.services, name);
  const revision = (await revisionsOf(workshop, [service!])).get(name)!;
  const again = await buildImage(anew, service!, revision);
  if (again.digest !== image.digest) {
    throw await refuse(workshop.context, REFUSALS["rebuild-differs"],
      `verifying ${name}: built again from ${revision.revision} it is ${again.digest}, where ${image.digest} was built before; something that is not pinned went in`);
  }
  return `  holds: built again with nothing reused, ${name} is ${again.digest}`;
}

function parseImage(text: string): { repository: string; tag?: string; digest?: string } {
  const match = /^([^@\s]+?)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(text);
  const [, repository, tag, digest] = match ?? [];
  if (repository === undefined || !repository.includes("/") || (tag === undefined && digest === undefined)) {
    throw new UserError(`--image: "${text}" names no image; write <registry>/<name>@sha256:<64 hex digits> or <registry>/<name>:<tag>`);
  }
  return { repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** Publishes and signs the image that the source builds; what `sign` answers. */
export async function signOne(workshop: Workshop, name: string): Promise<string> {
  const signing = workshop.signing();
  if (!canSign(signing)) throw new UserError("signing: nothing to sign with; give --signing-key before the function (make one: cosign generate-key-pair)");
  const { context, settings } = workshop;
  const [service] = await findServices(context, settings.source, settings.services, name);
  if (service === undefined) throw new UserError("--service: no name is given; name one service");
  const revision = (await revisionsOf(workshop, [service])).get(name)!;
  if (isDirty(revision.revision)) throw new UserError(`signing ${name}: the source has changes that no commit holds, so no provenance could name it; commit them and run again`);
  const image = await buildImage(workshop, service, revision);
  const registry = await workshop.registry();
  const bills = await told(coded(context, billsOfMaterials(context, image, name, revision.version)));
  const run = newRunId();
  await publishImage(context, registry, image, name, revision.version, run);
  const uri = await sourceUri(settings.source);
  const { written, name: reference, checks } = await told(signImage(
    context, registry, signing, { spec: service.spec, folder: service.folder, source: service.source, revision, digest: image.digest, ...bills },
    { id: run, startedOn: new Date().toISOString(), ...(uri === undefined ? {} : { sourceUri: uri }) },
  ));
  const how = signing.key === undefined ? "signed without a key" : KEY_PAIR_NOTE;
  return [`${reference}: ${written ? "signed" : "was signed already, nothing was written"}`, ...checks.map((check) => `  holds: ${check}`), `The image is ${how}.`].join("\n") + "\n";
}
