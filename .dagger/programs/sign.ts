/**
 * Signs one image by digest and attaches what is attested of it, then verifies all of it as everybody else will.
 * What is there already, signed by the same key and saying the same, is left alone: a second run writes nothing.
 */
import { readFile, writeFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { lasting } from "../src/lib/attestation.ts";
import { ATTESTATIONS, PREDICATES, REVISION_ANNOTATION, type SignInput, type SignResult, TAG_ANNOTATION, type Trust } from "../src/lib/signing.ts";
import { answering, byAddress, cosign, ensureAnswered, lastLine, passwordIn, publicHalf, Refused, type RunOptions } from "./cosign.ts";
import { told, type Verified, verify } from "./verify-image.ts";

const PUBLIC_KEY = "/tmp/cosign.pub";
const TOKEN = "/tmp/identity-token";

interface Signer {
  trust: Trust;
  args: string[];
  options: RunOptions & { keyless?: boolean };
  name: string;
}

async function signer(input: SignInput): Promise<Signer> {
  const { signer } = input;
  if ("tokenFile" in signer) {
    const { tokenFile, identity, issuer } = signer;
    // cosign sends the file as it is, and no header may have the end of line that most files end with.
    await writeFile(TOKEN, (await readFile(tokenFile, "utf8")).trim(), { mode: 0o600 });
    return { trust: { identity, issuer }, args: ["--identity-token", TOKEN], options: { keyless: true }, name: identity };
  }
  const name = await publicHalf(signer, PUBLIC_KEY, `signing ${input.name}`);
  const stdin = await passwordIn(signer.passwordFile);
  return { trust: { publicKey: PUBLIC_KEY }, args: ["--key", signer.keyFile, "--tlog-upload=false"], options: { stdin }, name };
}

export async function sign(input: SignInput): Promise<SignResult> {
  const who = await signer(input);
  const check = async (): Promise<Verified> => verify({ ...input, trust: who.trust, required: [...ATTESTATIONS] });
  const there = await check().catch((error: unknown) => {
    if (error instanceof Refused) return undefined;
    throw error;
  });
  if (there !== undefined && (await saysTheSame(there, input))) return { ...told(there), written: false, signedBy: who.name };
  const reference = `${input.repository}@${input.digest}`;
  await done(input, who, "sign", [
    "--sign-container-identity", input.name, "-a", `${TAG_ANNOTATION}=${input.tag}`, "-a", `${REVISION_ANNOTATION}=${input.sourceRevision}`, reference,
  ]);
  for (const name of ATTESTATIONS) {
    await done(input, who, "attest", ["--replace", "--type", PREDICATES[name].cosign, "--predicate", input.predicates[name], reference]);
  }
  return { ...told(await check()), written: true, signedBy: who.name };
}

async function done(input: SignInput, who: Signer, verb: string, args: string[]): Promise<void> {
  const ended = await cosign(input, [verb, "--yes", ...who.args, ...args], who.options);
  const doing = `${verb === "sign" ? "signing" : "attesting"} ${input.name}@${input.digest}`;
  ensureAnswered(ended, doing, who.options.keyless === true ? "sign" : undefined);
  if (ended.code !== 0) throw new Refused("unknown", `${doing}: cosign failed (${lastLine(ended.stderr)}); check the key and that the registry can be written to`);
}

/** Provenance of an earlier run on the same question holds; only who asked and when may differ. */
async function saysTheSame(there: Verified, input: SignInput): Promise<boolean> {
  for (const name of ATTESTATIONS) {
    const now = JSON.parse(await readFile(input.predicates[name], "utf8")) as Record<string, unknown>;
    const before = there.statements[name]?.predicate as Record<string, unknown> | undefined;
    const same = name === "provenance"
      ? isDeepStrictEqual(before?.["buildDefinition"], now["buildDefinition"])
      : isDeepStrictEqual(lasting(before), lasting(now));
    if (!same) return false;
  }
  return true;
}

await answering(async (file) => sign(await byAddress(JSON.parse(await readFile(file, "utf8")) as SignInput)));
