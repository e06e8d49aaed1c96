import type { Environment } from "./environments.ts";
import { UserError, listOf } from "./errors.ts";
import { isDirty } from "./release.ts";
import type { Language, ServiceSpec } from "./service-spec.ts";
import type { Threshold } from "./threshold.ts";

/** The stages of one service, in their order. */
export const SERVICE_STAGES = ["lint", "test", "build", "sbom", "scan", "publish"] as const;
/** The stages of all services together, after those. */
export const COMMON_STAGES = ["integrate", "promote"] as const;

export type ServiceStage = (typeof SERVICE_STAGES)[number];
export type CommonStage = (typeof COMMON_STAGES)[number];

/** What the plan needs to know about one service. */
export interface PlanInput {
  spec: ServiceSpec;
  /** The last commit that touched its inputs; `-dirty` behind it where files differ from every commit. */
  sourceRevision: string;
  /** Whether the environment runs another revision, or none, of it. */
  changed: boolean;
}

export interface PlanOptions {
  env: Environment;
  promote: boolean;
  failOn: Threshold;
  /** Take no earlier verdict. */
  fresh: boolean;
  dryRun: boolean;
}

/** One stage: whether it will run, and why. */
export interface PlannedStage<Name extends string = string> {
  stage: Name;
  action: "run" | "reuse-if-known" | "skip" | "refuse";
  reason: string;
  /** The stages that must pass before. */
  after: string[];
}

export interface PlannedService {
  name: string;
  owner: string;
  language: Language;
  sourceRevision: string;
  changed: boolean;
  stages: PlannedStage<ServiceStage>[];
}

/** What `plan` shows, as JSON. */
export interface Plan {
  apiVersion: "golden-path/v1";
  kind: "Plan";
  env: Environment;
  failOn: Threshold;
  services: PlannedService[];
  stages: PlannedStage<CommonStage>[];
}

/** What `ci` will do: a decision over data, with nothing looked up and nothing done. */
export function planRun(inputs: readonly PlanInput[], options: PlanOptions): Plan {
  if (inputs.length === 0) {
    throw new UserError("planning the run: no service was selected; add service/<name>/service.yaml or leave --service out");
  }
  const services = [...inputs].sort((one, other) => (one.spec.name < other.spec.name ? -1 : 1));
  return {
    apiVersion: "golden-path/v1",
    kind: "Plan",
    env: options.env,
    failOn: options.failOn,
    services: services.map((input) => planService(input, options)),
    stages: [planIntegrate(services, options), planPromote(services, options)],
  };
}

/** Throws where a stage of the plan is refused, before anything has run. */
export function refuseImpossible(plan: Plan): void {
  const refused = [...plan.services.flatMap((service) => service.stages), ...plan.stages].filter((stage) => stage.action === "refuse");
  if (refused.length > 0) throw new UserError(refused.map((stage) => `${stage.stage}: ${stage.reason}`).join("\n"));
}

/** The plan as the JSON text that `plan` prints. */
export function renderPlan(plan: Plan): string {
  return JSON.stringify(plan, null, 2) + "\n";
}

function planService(input: PlanInput, options: PlanOptions): PlannedService {
  const { spec, sourceRevision, changed } = input;
  const why = changed
    ? `${options.env} does not run ${short(sourceRevision)}`
    : `${options.env} runs ${short(sourceRevision)} already; ${options.fresh ? "asked again, the engine's cache knows what has not changed" : "an earlier answer to the same question counts"}`;
  const reasons: Record<ServiceStage, { reason: string; after: ServiceStage[] }> = {
    lint: { reason: why, after: [] },
    test: { reason: why, after: [] },
    build: { reason: why, after: [] },
    sbom: { reason: "lists what is in the image", after: ["build"] },
    scan: { reason: scanReason(options.failOn), after: ["sbom"] },
    publish: { reason: "the cluster pulls the image by digest", after: ["lint", "test", "scan"] },
  };
  return {
    name: spec.name,
    owner: spec.owner,
    language: spec.language,
    sourceRevision,
    changed,
    stages: SERVICE_STAGES.map((stage) => ({ stage, action: "run", ...reasons[stage] })),
  };
}

function scanReason(failOn: Threshold): string {
  return failOn === "none" ? "findings are listed, none fails the run" : `findings of ${failOn} and above fail the run`;
}

function planIntegrate(services: readonly PlanInput[], options: PlanOptions): PlannedStage<CommonStage> {
  const after = services.map((input) => `publish ${input.spec.name}`);
  if (options.fresh) {
    return { stage: "integrate", action: "run", reason: "--fresh takes no earlier verdict", after };
  }
  return {
    stage: "integrate",
    action: "reuse-if-known",
    reason: "an earlier verdict on the same digests, manifests and versions counts, and is shown as reused",
    after,
  };
}

function planPromote(services: readonly PlanInput[], options: PlanOptions): PlannedStage<CommonStage> {
  const decide = (action: PlannedStage["action"], reason: string): PlannedStage<CommonStage> =>
    ({ stage: "promote", action, reason, after: ["integrate"] });
  if (!options.promote) return decide("skip", "not asked for; add --promote");
  const dirty = services.filter((input) => isDirty(input.sourceRevision)).map((input) => input.spec.name);
  if (dirty.length > 0) {
    return decide("refuse", `the source of ${listOf(dirty)} has changes that no commit holds; commit them, or leave --promote out to verify only`);
  }
  if (options.dryRun) return decide("skip", "--dry-run shows the edits and commits nothing");
  const changed = services.filter((input) => input.changed).map((input) => input.spec.name);
  return decide("run", changed.length > 0
    ? `commits ${listOf(changed)} to ${options.env}`
    : `${options.env} runs these revisions already; a commit is made only where a file differs`);
}

function short(revision: string): string {
  return isDirty(revision) ? `${revision.slice(0, 7)}-dirty` : revision.slice(0, 7);
}
