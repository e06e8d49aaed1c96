import type { Container, Directory, File, Secret } from "@dagger.io/dagger";
import { dag } from "@dagger.io/dagger";
import { randomUUID } from "node:crypto";
import { readLock } from "./debian.ts";
import { UserError } from "./lib/errors.ts";
import { parseDigestReference } from "./lib/image-reference.ts";
import { debianMaterials, fileMaterial, imageMaterial, type Material, originOf, provenance } from "./lib/provenance.ts";
import type { ServiceSpec } from "./lib/service-spec.ts";
import { type ExpectedSource, type ImagePlace, type SignInput, type SignResult, tagOf, type VerifyInput, type VerifyResult } from "./lib/signing.ts";
import type { SourceRevision } from "./lib/source-revision.ts";
import { type Context, moduleFile } from "./mirrors.ts";
import { refusalOf } from "./refusal.ts";
import type { Registry } from "./registry.ts";
import { runSigning, signingTools } from "./signing-tools.ts";

/** Who signs and whose signature counts, as the user gave it. */
export interface Signing {
  /** A key that cosign made, encrypted with the password. */
  key?: Secret;
  password?: Secret;
  /** The public half to verify with; left out: that of the signing key. */
  publicKey?: File;
  /** Keyless: an OIDC token, and whose certificate counts. */
  identityToken?: Secret;
  identity?: string;
  issuer?: string;
}

const KEY = "/run/secrets/signing-key";
const PASSWORD = "/run/secrets/signing-password";
const TOKEN = "/run/secrets/identity-token";
const PUBLIC = "/run/cosign.pub";

/** One published image with all that is said of it. */
export interface Described {
  spec: ServiceSpec;
  folder: string;
  source: Directory;
  revision: SourceRevision;
  digest: string;
  cyclonedx: File;
  spdx: File;
}

/** Signs an image by digest and attaches its bills of materials and its provenance. */
export async function signImage(
  context: Context, registry: Registry, signing: Signing, image: Described, run: { id: string; startedOn: string; sourceUri?: string },
): Promise<SignResult> {
  const { spec, revision, digest } = image;
  const expected = expectedSource(spec.name, revision.revision, run.sourceUri);
  const predicate = provenance({
    service: spec.name, language: spec.language, folder: image.folder, sourceRevision: revision.revision,
    ...(run.sourceUri === undefined ? {} : { sourceUri: run.sourceUri }),
    materials: await materialsOf(context, image), recipe: await recipeMaterials(), runId: run.id, startedOn: run.startedOn,
  });
  let tools = (await signingTools(context, registry))
    .withNewFile("/predicates/provenance.json", JSON.stringify(predicate))
    .withMountedFile("/predicates/bom.cdx.json", image.cyclonedx)
    .withMountedFile("/predicates/bom.spdx.json", image.spdx);
  const { container, signer } = withSigner(tools, signing);
  tools = container;
  const input: SignInput = {
    ...placeOf(registry, spec.name), digest, tag: tagOf(revision.version), service: spec.name, sourceRevision: revision.revision,
    predicates: { provenance: "/predicates/provenance.json", cyclonedx: "/predicates/bom.cdx.json", spdx: "/predicates/bom.spdx.json" },
    expected, signer,
  };
  return await answer<SignResult>(runSigning(tools, "sign", input, run.id));
}

/** What must be verified of one image: exactly this digest, or what a tag points to. */
export type Wanted = Pick<VerifyInput, "digest" | "tag" | "required" | "expected"> & { place: ImagePlace };

/** Verifies images by digest; the first that is not as it should be ends it with its own sentence. */
export async function verifyImages(context: Context, registry: Registry, signing: Signing, wanted: readonly Wanted[]): Promise<VerifyResult[]> {
  const { container, trust } = withTrust(await signingTools(context, registry), signing);
  const inputs: VerifyInput[] = wanted.map(({ place, ...rest }) => ({ ...place, ...rest, trust }));
  return await answer<VerifyResult[]>(runSigning(container, "verify", inputs, randomUUID()));
}

export function expectedSource(service: string, sourceRevision: string, sourceUri?: string): ExpectedSource {
  return { service, sourceRevision, ...(sourceUri === undefined ? {} : { sourceUri }) };
}

/** Where an image of the registry is, for programs and for people. */
export function placeOf(registry: Registry, name: string): ImagePlace {
  return { repository: `${registry.pushTo}/${name}`, name: `${registry.name}/${name}`, http: registry.service !== undefined };
}

/** The same for a reference as manifests carry it: `<registry>/<name>@sha256:…`. */
export function wantedOf(registry: Registry, reference: string): { place: ImagePlace; digest: string } {
  const { repository, digest } = parseDigestReference(reference, "verifying");
  return { place: placeAt(registry, repository), digest };
}

export function placeAt(registry: Registry, repository: string): ImagePlace {
  const own = repository.startsWith(`${registry.name}/`);
  return {
    repository: own ? `${registry.pushTo}${repository.slice(registry.name.length)}` : repository,
    name: repository,
    http: own && registry.service !== undefined,
  };
}

/** Where the checkout came from, without credentials; undefined when only this machine knows. */
export async function sourceUri(source: Directory): Promise<string | undefined> {
  try {
    return originOf(await source.file(".git/config").contents());
  } catch {
    return undefined;
  }
}

/** Whether anything can be signed. */
export function canSign(signing: Signing): boolean {
  return signing.key !== undefined || signing.identityToken !== undefined;
}

/** Whether it is known whose signature counts. */
export function canVerify(signing: Signing): boolean {
  return signing.publicKey !== undefined || signing.key !== undefined || (signing.identity ?? "") !== "";
}

function withSigner(tools: Container, signing: Signing): { container: Container; signer: SignInput["signer"] } {
  const { key, password, identityToken, identity = "", issuer = "" } = signing;
  if (key !== undefined) {
    let container = tools.withMountedSecret(KEY, key, { mode: 0o400 });
    if (password !== undefined) container = container.withMountedSecret(PASSWORD, password, { mode: 0o400 });
    return { container, signer: { keyFile: KEY, passwordFile: PASSWORD } };
  }
  if (identityToken === undefined) throw new UserError("signing: nothing to sign with; give --signing-key before the function");
  requireIdentity(identity, issuer);
  return { container: tools.withMountedSecret(TOKEN, identityToken, { mode: 0o400 }), signer: { tokenFile: TOKEN, identity, issuer } };
}

function withTrust(tools: Container, signing: Signing): { container: Container; trust: VerifyInput["trust"] } {
  const { key, password, publicKey, identity = "", issuer = "" } = signing;
  if (publicKey !== undefined) return { container: tools.withMountedFile(PUBLIC, publicKey), trust: { publicKey: PUBLIC } };
  if (key !== undefined) {
    let container = tools.withMountedSecret(KEY, key, { mode: 0o400 });
    if (password !== undefined) container = container.withMountedSecret(PASSWORD, password, { mode: 0o400 });
    return { container, trust: { keyFile: KEY, passwordFile: PASSWORD } };
  }
  if (identity === "") throw new UserError("verifying: nothing says whose signature counts; give --verify-key before the function");
  requireIdentity(identity, issuer);
  return { container: tools, trust: { identity, issuer } };
}

function requireIdentity(identity: string, issuer: string): void {
  if (identity === "" || issuer === "") {
    throw new UserError("signing without a key: whose certificate counts is not said; give --signing-identity and --signing-issuer before the function");
  }
}

async function answer<Result>(exec: Container): Promise<Result> {
  try {
    return JSON.parse(await exec.stdout()) as Result;
  } catch (error) {
    throw refusalOf(error) ?? error;
  }
}

const LOCKS: Record<ServiceSpec["language"], string> = { python: "requirements.txt", node: "package-lock.json" };

async function materialsOf(context: Context, { spec, source, folder }: Described): Promise<Material[]> {
  const file = LOCKS[spec.language];
  const [lock, text, pins] = await Promise.all([readLock(spec.language), source.file(file).contents(), moduleFile("tools/npm.json")]);
  return [
    ...debianMaterials(lock),
    fileMaterial(`${folder}/${file}`, text),
    ...(spec.language === "node" ? [fileMaterial(".dagger/tools/npm.json", pins)] : []),
    ...imageMaterial(context.images.debian),
  ];
}

/** What the pipeline does to an image stands in its recipes. */
async function recipeMaterials(): Promise<Material[]> {
  const folder = dag.currentModule().source().directory("recipes");
  const files = (await folder.entries()).sort();
  return await Promise.all(files.map(async (file) => fileMaterial(`.dagger/recipes/${file}`, await folder.file(file).contents())));
}
