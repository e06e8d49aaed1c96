/**
 * What was found out about one service, kept for the next run that asks exactly the same: its stages before the proof
 * are then answered without one question to the engine for each of their steps.
 */
import { contentId } from "./canonical.ts";
import { STALE_AFTER_DAYS } from "./debian-sources.ts";
import type { Environment } from "./environments.ts";
import type { IntegrateVerdict } from "./integrate-plan.ts";
import { SERVICE_STAGES, type ServiceStage } from "./plan.ts";
import type { ImageReport, ScanReport, StageResult } from "./report.ts";
import type { ServiceSpec } from "./service-spec.ts";
import type { SourceRevision } from "./source-revision.ts";
import type { Threshold } from "./threshold.ts";

/** A passed service: its image, what the gate said, and the sentence of each stage. */
export interface ServiceAnswer {
  /** When it was found out, RFC 3339. */
  at: string;
  image: ImageReport;
  scan: ScanReport;
  details: Record<ServiceStage, string>;
}

/** Everything that could change the answer. What is left out here would be answered wrongly: when in doubt, it belongs in. */
export interface ServiceQuestion {
  /** The pipeline itself: a digest of the module's files. */
  module: string;
  /** By name, each with a digest. */
  images: Readonly<Record<string, string>>;
  registry: string;
  spec: ServiceSpec;
  /** The folder as it lies in the checkout, and what Git tells of it. */
  source: { content: string; revision: SourceRevision };
  base: Readonly<Record<string, string>>;
  env: Environment;
  failOn: Threshold;
  /** Whose security data the packages were compared with. */
  day: string;
}

/** A proof that passed on a cluster, with the key of its question. */
export interface KeptProof {
  key: string;
  env: Environment;
  /** The run that proved it. */
  runId: string;
  verdict: IntegrateVerdict;
}

/** What the program that looks for answers is asked. */
export interface AnswersWanted {
  /** Service name to the key of its question. */
  keys: Record<string, string>;
  /** The newest proofs of this environment are wanted too. */
  env: Environment;
  /** The pipeline's own registry, as in `http://registry:5000`; one of the user's is asked in its own way. */
  registry?: string;
}

/** What is known; the rest has to be found out. */
export interface AnswersFound {
  /** By service. */
  services: Record<string, ServiceAnswer>;
  proofs: KeptProof[];
}

/** The name under which the answer is kept. */
export function answerKey(question: ServiceQuestion): string {
  return contentId(question, 64);
}

/** The answer of a run, if it is one for later runs too: all of it passed, found out by this run, and no exception with an end in it. */
export function answerOf(at: string, stages: readonly StageResult[], image: ImageReport | undefined, scan: ScanReport | undefined): ServiceAnswer | undefined {
  if (image === undefined || scan === undefined || !scan.gate.passed) return undefined;
  if (scan.findings.some(({ exception }) => exception !== undefined)) return undefined;
  const own = SERVICE_STAGES.map((name) => stages.find((stage) => stage.name === name && stage.service === image.service));
  if (!own.every((stage) => stage?.status === "passed")) return undefined;
  const details = Object.fromEntries(own.map((stage) => [stage!.name, stage!.detail])) as Record<ServiceStage, string>;
  return { at, image, scan, details };
}

/** The folder that keeps a proof: those of an environment are found by the beginning of its name. */
export function proofFolder({ env, key }: Pick<KeptProof, "env" | "key">): string {
  return `proof-${env}-${key}`;
}

/** Whether the data that the answer rests on is still young enough to be compared with. */
export function stillGood({ scan }: ServiceAnswer, now: number): boolean {
  return now - Date.parse(scan.dataDate) < STALE_AFTER_DAYS * 86_400_000;
}
