import { dag, type Directory, type File } from "@dagger.io/dagger";
import { randomUUID } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { EVIDENCE_VOLUME } from "./integrate.ts";
import { MODULE } from "./integrate-program.ts";
import { contentId } from "./lib/canonical.ts";
import type { Environment } from "./lib/environments.ts";
import { answerKey, answerOf, type AnswersFound, type AnswersWanted, type KeptProof, proofFolder, type ServiceAnswer, stillGood } from "./lib/kept-answers.ts";
import type { ImageReport, ScanReport } from "./lib/report.ts";
import { tagOf } from "./lib/signing.ts";
import type { Described, RunOptions } from "./prepare.ts";
import { findImage, type Registry, withRegistry } from "./registry.ts";
import type { Bills } from "./sbom.ts";
import type { Workshop } from "./settings.ts";
import type { Stages } from "./stages.ts";

/** What an earlier run found out about a service, with the files that belong to it. */
export interface Known {
  answer: ServiceAnswer;
  bills: Bills;
}

/** What an earlier run proved on a cluster, with the files of its evidence. */
export interface KnownProof {
  proof: KeptProof;
  out: Directory;
}

interface Found {
  services: Map<string, Known>;
  /** A folder for each of them. */
  files: Directory;
  proofs: Map<string, KnownProof>;
}

const nothing = (): Found => ({ services: new Map(), files: dag.directory(), proofs: new Map() });

/** What the keys of all questions have in common; undefined where nothing can be kept. */
interface Common {
  module: string;
  images: Readonly<Record<string, string>>;
  registry: string;
}

/** What a run need not find out again, and what it leaves to the next ones. */
export class Answers {
  private readonly common: Common | undefined;
  private readonly keys: Record<string, string>;
  private readonly found: Found;

  private constructor(common: Common | undefined, keys: Record<string, string>, found: Found) {
    this.common = common;
    this.keys = keys;
    this.found = found;
  }

  /** Asks for all services at once. What cannot be asked, or says nothing, is found out: no answer is no failure. */
  static async look(workshop: Workshop, options: RunOptions, described: Described, runId: string): Promise<Answers> {
    const common = await commonOf(workshop);
    const keys = common === undefined ? {} : await keysOf(workshop, options, described, common);
    const asked = !options.fresh && Object.keys(keys).length > 0;
    return new Answers(common, keys, asked ? await within(LOOK_MS, ask(workshop, keys, options.env, runId)).catch(nothing) : nothing());
  }

  of(service: string): Known | undefined {
    return this.found.services.get(service);
  }

  /** The bills of services that were taken over, as one folder: each file that is put in by itself takes its time. */
  filesOf(services: readonly string[]): Directory {
    return this.found.files.filter({ include: services.map((service) => `${service}/sbom.*`) });
  }

  /** The key of a question to the cluster; undefined where its answer cannot be kept. */
  proofKey(question: object): string | undefined {
    return this.common && contentId({ ...this.common, ...question }, 64);
  }

  proof(key: string | undefined): KnownProof | undefined {
    return key === undefined ? undefined : this.found.proofs.get(key);
  }

  /** What this run found out, for later ones. */
  toKeep(stages: Stages, images: readonly ImageReport[], scans: readonly ScanReport[]): Record<string, ServiceAnswer> {
    const kept = Object.entries(this.keys).map(([service, key]) => {
      const by = <T extends { service: string }>(list: readonly T[]): T | undefined => list.find((one) => one.service === service);
      return [key, answerOf(stages.startedAt(), stages.results, by(images), by(scans))] as const;
    });
    return Object.fromEntries(kept.filter((entry): entry is [string, ServiceAnswer] => entry[1] !== undefined));
  }

  /** Names of what an earlier run kept and this one, asking again, found to fail. */
  toWithdraw(stages: Stages, proof: { env: Environment; key: string } | undefined): string[] {
    const failed = stages.results.filter(({ status }) => status === "failed");
    const services = failed.flatMap(({ service }) => (service === undefined ? [] : this.keys[service] ?? []));
    return [...new Set(services), ...(proof !== undefined && failed.some(({ name }) => name === "integrate") ? [proofFolder(proof)] : [])];
  }
}

async function commonOf(workshop: Workshop): Promise<Common | undefined> {
  const { images } = workshop.context;
  const [module, { name: registry }] = await Promise.all([moduleDigest(), workshop.registry()]);
  // Only what is named by content is the same the next time.
  return module === undefined || !Object.values(images).every((image) => image.includes("@sha256:")) ? undefined : { module, images, registry };
}

async function keysOf(workshop: Workshop, { env, failOn }: RunOptions, { services, revisions, contents }: Described, common: Common): Promise<Record<string, string>> {
  const { advisories, advisoriesUrl } = workshop.settings;
  // Their age is judged by the hour, so they are looked at each time.
  if (advisories !== undefined || advisoriesUrl !== "") return {};
  const base = await workshop.base();
  const day = new Date().toISOString().slice(0, 10);
  const keys = services.map(({ spec }) => {
    const source = { content: contents[spec.name]!, revision: revisions.get(spec.name)! };
    return [spec.name, answerKey({ ...common, spec, source, base, env, failOn, day })] as const;
  });
  return Object.fromEntries(keys);
}

/** A registry that has to be built first, or that does not answer: finding out takes no longer than waiting would. */
const LOOK_MS = 20_000;

async function within<T>(milliseconds: number, asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => { timer = setTimeout(() => reject(new Error("no answer in time")), milliseconds); });
  return await Promise.race([asked, late]).finally(() => clearTimeout(timer));
}

const ANSWERS = "/evidence/answers";

async function ask(workshop: Workshop, keys: Record<string, string>, env: Environment, runId: string): Promise<Found> {
  const [registry, { tools, module }] = await Promise.all([workshop.registry(), workshop.tools()]);
  const wanted: AnswersWanted = { keys, env, ...(registry.service ? { registry: `http://${registry.pushTo}` } : {}) };
  const looked = withRegistry(tools, registry)
    .withDirectory("/golden-path", module, { include: ["programs/look-answers.ts", "programs/is-program.ts", "src/lib/*.ts"] })
    .withNewFile("/golden-path/package.json", MODULE)
    .withMountedCache("/evidence", dag.cacheVolume(EVIDENCE_VOLUME))
    // What a volume and a registry hold is no part of any cache key.
    .withEnvVariable("GOLDEN_PATH_NONCE", randomUUID())
    .withNewFile("/input.json", JSON.stringify(wanted))
    .withExec(["node", "/golden-path/programs/look-answers.ts", "/input.json", ANSWERS, "/out"]);
  const found = JSON.parse(await looked.stdout()) as AnswersFound;
  const answers = Object.entries(found.services).filter(([, answer]) => stillGood(answer, Date.now()));
  const published = await Promise.all(answers.map(async ([, answer]) => await isPublished(workshop, registry, answer, runId)));
  const services = new Map(answers.filter((_, at) => published[at]).map(([service, answer]) => {
    const file = (form: string): File => looked.file(`/out/services/${service}/sbom.${form}.json`);
    return [service, { answer, bills: { cyclonedx: file("cdx"), spdx: file("spdx") } }] as const;
  }));
  const proofs = new Map(found.proofs.map((proof) => [proof.key, { proof, out: looked.directory(`/out/proofs/${proofFolder(proof)}`).withoutFile("proof.json") }] as const));
  return { services, files: looked.directory("/out/services"), proofs };
}

/** The pipeline's own registry was asked by the program already. */
async function isPublished(workshop: Workshop, registry: Registry, { image }: ServiceAnswer, runId: string): Promise<boolean> {
  return registry.service !== undefined || (await findImage(workshop.context, registry, image.image, runId, tagOf(image.version))).state === "there";
}

/** Names the pipeline itself; undefined where its files do not lie beside its code. */
async function moduleDigest(): Promise<string | undefined> {
  const root = join(import.meta.dirname, "..");
  try {
    const listed = await Promise.all(["src", "programs", "recipes", "locks", "tools"].map(async (folder) =>
      (await readdir(join(root, folder), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))));
    const paths = [...listed.flat(), join(root, "package-lock.json")].sort();
    return contentId(await Promise.all(paths.map(async (path) => [relative(root, path), await readFile(path, "utf8")])), 64);
  } catch {
    return undefined;
  }
}
