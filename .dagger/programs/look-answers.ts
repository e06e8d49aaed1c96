/**
 * Looks for what earlier runs found out about services, and whether the registry still has their images:
 *
 *     look-answers.ts <input.json> <folder of answers> <folder to put the files in that belong to them>
 */
import { createHash } from "node:crypto";
import { cp, readdir, readFile, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../src/lib/environments.ts";
import { type AnswersFound, type AnswersWanted, type KeptProof, proofFolder, type ServiceAnswer } from "../src/lib/kept-answers.ts";
import { tagOf } from "../src/lib/signing.ts";
import { isProgram } from "./is-program.ts";

const REGISTRY_MS = 10_000;
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** A service goes back and forth between few states; older proofs are found by the engine's cache or made anew. */
const NEWEST_PROOFS = 4;

export async function lookAnswers({ keys, env, registry }: AnswersWanted, answers: string, out: string): Promise<AnswersFound> {
  const looked = Object.entries(keys).map(async ([service, key]) => {
    const answer = await readJson<ServiceAnswer>(join(answers, key, "answer.json"));
    if (answer === undefined || (registry !== undefined && !(await has(registry, answer)))) return [];
    await cp(join(answers, key), join(out, "services", service), { recursive: true });
    // What is asked for is kept longest.
    await utimes(join(answers, key), new Date(), new Date());
    return [[service, answer] as const];
  });
  const services = Object.fromEntries((await Promise.all(looked)).flat());
  const complete = Object.keys(services).length === Object.keys(keys).length;
  return { services, proofs: complete ? await newestProofs(env, answers, out) : [] };
}

async function newestProofs(env: Environment, answers: string, out: string): Promise<KeptProof[]> {
  const names = (await readdir(answers).catch(() => [])).filter((name) => name.startsWith(proofFolder({ env, key: "" })));
  const dated = await Promise.all(names.map(async (name) => ({ name, at: (await stat(join(answers, name)).catch(() => undefined))?.mtimeMs ?? 0 })));
  const newest = dated.sort((one, other) => other.at - one.at).slice(0, NEWEST_PROOFS);
  const proofs = newest.map(async ({ name }) => {
    const proof = await readJson<KeptProof>(join(answers, name, "proof.json"));
    if (proof === undefined) return [];
    await cp(join(answers, name), join(out, "proofs", name), { recursive: true });
    return [proof];
  });
  return (await Promise.all(proofs)).flat();
}

/** One that is not there, or that cannot be read, is found out again. */
async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as T;
  } catch {
    return undefined;
  }
}

/** Whether the registry has the whole image, under its tag: an answer says that it was published. */
async function has(registry: string, { image }: ServiceAnswer): Promise<boolean> {
  const signal = AbortSignal.timeout(REGISTRY_MS);
  const repository = `${registry}/v2/${image.service}`;
  try {
    const manifest = await (await fetch(`${repository}/manifests/${tagOf(image.version)}`, { headers: { accept: MANIFEST }, signal })).text();
    if (`sha256:${createHash("sha256").update(manifest).digest("hex")}` !== image.digest) return false;
    const { config, layers } = JSON.parse(manifest) as { config: { digest: string }; layers: { digest: string }[] };
    const blobs = await Promise.all([config, ...layers].map(async ({ digest }) => await fetch(`${repository}/blobs/${digest}`, { method: "HEAD", signal })));
    return blobs.every(({ ok }) => ok);
  } catch {
    return false;
  }
}

if (isProgram(import.meta.url)) {
  const [file = "", answers = "", out = ""] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await lookAnswers(JSON.parse(await readFile(file, "utf8")) as AnswersWanted, answers, out)));
}
