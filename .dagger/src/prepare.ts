/** What is known before anything runs; bad input is refused here. */
import type { Directory } from "@dagger.io/dagger";
import { Answers } from "./answers.ts";
import { buildService } from "./build.ts";
import { readTip } from "./gitops.ts";
import type { BuiltImage } from "./image.ts";
import type { Tree } from "./lib/edits.ts";
import type { Environment } from "./lib/environments.ts";
import { UserError } from "./lib/errors.ts";
import { GATES_FILE } from "./lib/gates.ts";
import type { ReadResult } from "./lib/gitops-io.ts";
import type { IntegrateTimeouts } from "./lib/integrate-plan.ts";
import { type Plan, planRun, refuseImpossible } from "./lib/plan.ts";
import { parseRelease, releasePath } from "./lib/release.ts";
import { sealedFor } from "./lib/sealed.ts";
import type { SourceRevision } from "./lib/source-revision.ts";
import type { Threshold } from "./lib/threshold.ts";
import { type Service, findServices, readTree } from "./project.ts";
import { SHARED, sourceRevisions } from "./revision.ts";
import type { Workshop } from "./settings.ts";
import { POLICY_FOLDER } from "./lib/signing.ts";

export interface RunOptions {
  service?: string;
  env: Environment;
  failOn: Threshold;
  promote: boolean;
  fresh: boolean;
  dryRun: boolean;
  /** Limits of the proof that differ from the defaults. */
  limits?: Partial<IntegrateTimeouts>;
}

/** The services of the checkout. */
export interface Described {
  services: Service[];
  revisions: Map<string, SourceRevision>;
  /** Service name to a digest of its folder in the checkout. */
  contents: Record<string, string>;
}

/** What is known before anything runs: services, their revisions, the GitOps repository's tip. */
export interface Prepared extends Described {
  tip: ReadResult | undefined;
  /** When the tip was read, in milliseconds. */
  tipReadAt: number;
  plan: Plan;
  /** What earlier runs found out, where a run was named. */
  answers?: Answers;
}

/**
 * Reads what the run depends on and decides what it will do; refuses bad input before any work.
 * With a run's id it also looks for what need not be found out again.
 */
export async function prepare(workshop: Workshop, options: RunOptions, runId?: string): Promise<Prepared> {
  const { source, services: folder } = workshop.settings;
  const repository = workshop.gitops();
  if (options.promote && !repository) {
    throw new UserError("promoting: no GitOps repository is named; give --gitops <url> before the function, or use ./daggerw, which brings one");
  }
  const tools = await workshop.tools();
  if (runId !== undefined) startRegistry(workshop);
  const tipReadAt = Date.now();
  const describe = async (): Promise<Described & { answers?: Answers }> => {
    const services = await findServices(workshop.context, source, folder, options.service);
    const described = { services, ...(await sourcesOf(workshop, services)) };
    return runId === undefined ? described : { ...described, answers: await Answers.look(workshop, options, described, runId) };
  };
  const [{ services, revisions, contents, answers }, tip] = await Promise.all([
    describe(),
    repository ? readTip(tools, repository, ["argocd", "env", "holds", POLICY_FOLDER, GATES_FILE]) : undefined,
  ]);
  const inputs = services.map(({ spec, sealed }) => {
    // Refused here, and not after everything was built.
    sealedFor(sealed, options.env, spec.name);
    const { revision } = revisions.get(spec.name)!;
    const path = releasePath(options.env, spec.name);
    const record = tip?.files[path];
    const changed = record === undefined || parseRelease(record, path).sourceRevision !== revision;
    return { spec, sourceRevision: revision, changed };
  });
  const plan = planRun(inputs, options);
  refuseImpossible(plan);
  return { services, revisions, contents, tip, tipReadAt, plan, ...(answers ? { answers } : {}) };
}

/** It starts while the source is read; where it cannot, the stage that asks it says why. */
function startRegistry(workshop: Workshop): void {
  workshop.registry().then(async ({ service }) => await service?.start()).catch(() => undefined);
}

/** What a GitOps repository begins with. */
export async function seedTree(platform: Directory): Promise<Tree> {
  const [argocd, gates] = await Promise.all([readTree(platform, "argocd/*.yaml"), readTree(platform, GATES_FILE)]);
  return { ...argocd, ...gates };
}

/** Each service's source revision by its name. */
export async function revisionsOf(workshop: Workshop, services: Service[]): Promise<Map<string, SourceRevision>> {
  return (await sourcesOf(workshop, services)).revisions;
}

/** The same, and what each folder holds. */
async function sourcesOf(workshop: Workshop, services: Service[]): Promise<Omit<Described, "services">> {
  const folders = Object.fromEntries(services.map(({ spec, folder }) => [spec.name, folder]));
  const { revisions, contents } = await sourceRevisions(await workshop.tools(), { source: workshop.settings.source, services: folders, shared: SHARED });
  return { revisions: new Map(revisions.map((revision) => [revision.service, revision])), contents };
}

/** Builds one service's image from its folder and its source revision. */
export async function buildImage(workshop: Workshop, service: Service, revision: SourceRevision): Promise<BuiltImage> {
  return await buildService(workshop.context, service.spec, service.source, {
    version: revision.version,
    sourceRevision: revision.revision,
    sourceTime: revision.time,
  });
}
