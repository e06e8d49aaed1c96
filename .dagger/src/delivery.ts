import { newRunId } from "./evidence.ts";
import { callGitOps, type GitOpsRepository, readTip } from "./gitops.ts";
import { type History, renderHistory, renderStatus, type Status } from "./lib/audit.ts";
import { renderLift, renderPromotion, renderRollback } from "./lib/delivery-report.ts";
import type { Environment } from "./lib/environments.ts";
import { UserError } from "./lib/errors.ts";
import { GATES_FILE } from "./lib/gates.ts";
import type { AuditInput, LiftInput, LiftResult, PromoteInput, PromoteResult, RollbackInput, RollbackResult } from "./lib/gitops-io.ts";
import type { GateResult } from "./lib/record.ts";
import { Refusal } from "./refusal.ts";
import { type Presence, findImage } from "./registry.ts";
import type { Workshop } from "./settings.ts";
import { DEMANDED_KEY, POLICY_FOLDER } from "./lib/signing.ts";
import { signatureGate } from "./supply-chain.ts";

/** What is asked of a delivery; an empty text is as good as none. */
export interface PromotionOptions {
  to: Environment;
  service?: string;
  dryRun?: boolean;
}

/** Every gate of a promotion with its evidence, as JSON; nothing is written. */
export async function planOfPromotion(workshop: Workshop, options: PromotionOptions): Promise<string> {
  const { from, to, branch, commit, services } = await lookAtPromotion(workshop, options, true);
  return JSON.stringify({ apiVersion: "golden-path/v1", kind: "PromotionPlan", from, to, branch, commit, services }, null, 2) + "\n";
}

/** A refused signature is an answer to who only looks, and the end for who wants to write. */
async function lookAtPromotion(workshop: Workshop, { to, service }: PromotionOptions, onlyLook: boolean): Promise<PromoteResult & { demandedKey: string | null }> {
  const repository = needed(workshop, "planning the promotion");
  const seed = await seedOf(workshop);
  const ask = { to, ...(service ? { service } : {}), seed, look: true, runId: newRunId() };
  const tools = await workshop.tools();
  const [look, tip] = await Promise.all([
    callGitOps<PromoteResult>(tools, repository, "gitops-promote", ask satisfies Omit<PromoteInput, "remote" | "author">, "promoting in"),
    readTip(tools, repository, [POLICY_FOLDER]),
  ]);
  // The image is asked for only where it would be written.
  const services = await Promise.all(look.services.map(async (one) => {
    if (one.action === "none") return one;
    const image = await imageGate(workshop, one.image, ask.runId, "release it anew to the environment before (ci --promote), then promote that");
    const signature = image.passed ? await signatureGate(workshop, tip.files, one).catch((error: unknown) => refusedGate(error, onlyLook)) : undefined;
    const outside = [image, ...(signature ? [signature] : [])];
    const closed = outside.find(({ passed }) => !passed);
    const gates = [...outside, ...one.gates];
    return closed === undefined || one.action === "refuse" ? { ...one, gates } : { ...one, gates, action: "refuse" as const, reason: `gate ${closed.gate}: ${closed.evidence}` };
  }));
  return { ...look, services, demandedKey: tip.files[DEMANDED_KEY] ?? null };
}

/** Takes what the environment before runs: the same digest, rendered for the next one; nothing is built. */
export async function promoteTo(workshop: Workshop, options: PromotionOptions): Promise<string> {
  const repository = needed(workshop, `promoting to ${options.to}`);
  const { to, service, dryRun = false } = options;
  const look = await lookAtPromotion(workshop, options, false);
  const given: NonNullable<PromoteInput["given"]> = {};
  for (const { service: name, digest, gates } of look.services) given[name] = { digest, gates: gates.filter(({ gate }) => OUTSIDE.includes(gate)) };
  const input: Omit<PromoteInput, "remote" | "author"> = {
    to, ...(service ? { service } : {}), given, seed: await seedOf(workshop), dryRun, runId: newRunId(), by: workshop.by(), demandedKey: look.demandedKey,
  };
  return renderPromotion(await callGitOps<PromoteResult>(await workshop.tools(), repository, "gitops-promote", input, "promoting in"), where(repository));
}

/** Gates that are judged here, by what a registry holds; all others by Git alone. */
const OUTSIDE = ["image", "signature"];

function refusedGate(error: unknown, onlyLook: boolean): GateResult {
  if (onlyLook && error instanceof Refusal) return { gate: "signature", passed: false, evidence: error.message };
  throw error;
}

export interface RollbackOptions {
  env: Environment;
  service?: string;
  release?: string;
  reason?: string;
  dryRun?: boolean;
}

/** Takes an environment back and holds what goes. Of the earlier release is asked that it is not held, that its image is there, and that its signature holds. */
export async function rollBack(workshop: Workshop, options: RollbackOptions): Promise<string> {
  const { env, service, release, dryRun = false } = options;
  const repository = needed(workshop, `rolling back ${env}`);
  const tools = await workshop.tools();
  const runId = newRunId();
  const input: Omit<RollbackInput, "remote" | "author"> = {
    env, ...(service ? { service } : {}), ...(release ? { release } : {}), runId, by: workshop.by(), reason: options.reason || "rolled back",
  };
  const [look, tip] = await Promise.all([
    callGitOps<RollbackResult>(tools, repository, "gitops-rollback", { ...input, look: true }, "rolling back in"),
    readTip(tools, repository, [POLICY_FOLDER]),
  ]);
  const expected: NonNullable<RollbackInput["expected"]> = {};
  for (const one of look.services) {
    if (one.action === "none" || !one.bad || !one.to) continue;
    const gate = await imageGate(workshop, one.to.image, runId, "name another release with --release, or restore the image in the registry: a build of today's source is another release");
    if (!gate.passed) throw new UserError(`rolling back ${one.service} in ${env} to ${one.to.version}: ${gate.evidence}`);
    const signature = await signatureGate(workshop, tip.files, { service: one.service, ...one.to });
    expected[one.service] = { bad: one.bad.digest, to: one.to.digest, gates: [gate, ...(signature ? [signature] : [])] };
  }
  return renderRollback(await callGitOps<RollbackResult>(tools, repository, "gitops-rollback", { ...input, expected, dryRun, demandedKey: tip.files[DEMANDED_KEY] ?? null }, "rolling back in"), where(repository));
}

/** Lifts a hold; from then on its release may be written again. */
export async function liftHold(workshop: Workshop, options: Pick<LiftInput, "env" | "service" | "reason"> & { release?: string }): Promise<string> {
  const { env, service, release, reason } = options;
  const repository = needed(workshop, "lifting a hold");
  if (service === "") throw new UserError("lifting a hold: no service is named; give --service");
  if (reason.trim() === "") throw new UserError(`lifting a hold on ${service} in ${env}: no reason is given; say with --reason why the release may run after all`);
  const input: Omit<LiftInput, "remote" | "author"> = { env, service, ...(release ? { release } : {}), reason, runId: newRunId(), by: workshop.by() };
  return renderLift(await callGitOps<LiftResult>(await workshop.tools(), repository, "gitops-lift", input, "lifting a hold in"), { env, service }, where(repository));
}

/** What stands where, or how it came there; as a table, or as JSON. */
export async function auditOf(workshop: Workshop, options: Omit<AuditInput, "remote">, format: string): Promise<string> {
  if (format !== "table" && format !== "json") throw new UserError(`--format: "${format}" is not one; use table or json`);
  const repository = needed(workshop, "reading what runs where");
  const found = await callGitOps<Status | History>(await workshop.tools(), repository, "gitops-audit", options, "reading");
  if (format === "json") return JSON.stringify(found, null, 2) + "\n";
  return found.kind === "Status" ? renderStatus(found, Date.now()) : renderHistory(found);
}

async function imageGate(workshop: Workshop, image: string, nonce: string, advice: string): Promise<GateResult> {
  const presence: Presence = await findImage(workshop.context, await workshop.registry(), image, nonce);
  const evidence = {
    there: (): string => `the registry has ${image}`,
    gone: (): string => `the registry no longer has ${image}; ${advice}`,
    unknown: (): string => `the registry does not say whether it has ${image} (${presence.state === "unknown" ? presence.said : ""}); check that it can be reached`,
  }[presence.state]();
  return { gate: "image", passed: presence.state === "there", evidence };
}

async function seedOf(workshop: Workshop): Promise<Record<string, string>> {
  const { platform } = workshop.settings;
  const found = await platform.glob(GATES_FILE);
  return found.length === 0 ? {} : { [GATES_FILE]: await platform.file(GATES_FILE).contents() };
}

function needed(workshop: Workshop, doing: string): GitOpsRepository {
  const repository = workshop.gitops();
  if (repository) return repository;
  throw new UserError(`${doing}: no GitOps repository is named; give --gitops <url> before the function, or use ./daggerw, which brings one`);
}

function where(repository: GitOpsRepository): string {
  return repository.url ?? "the local GitOps repository";
}
