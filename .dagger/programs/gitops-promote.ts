/** Takes what one environment runs to the next: judged, rendered and committed on one and the same tip. */
import { releaseCommitMessage } from "../src/lib/commit-message.ts";
import { APPROVERS_FILE, GATES_FILE, parseGates, type Approval } from "../src/lib/gates.ts";
import type { PromoteInput, PromoteResult } from "../src/lib/gitops-io.ts";
import { planPromotion, type PromotionPlan, refusePromotion } from "../src/lib/promotion.ts";
import { approvalsOf } from "./gitops-approvals.ts";
import { runProgram } from "./gitops-program.ts";
import { isProgram } from "./is-program.ts";
import { EFFECTS, type Effects, type View, writeChange } from "./gitops-writer.ts";

export async function promote(input: PromoteInput, effects: Effects = EFFECTS): Promise<PromoteResult> {
  const { to, service, runId, by = "golden-path", given, seed, remote } = input;
  const decide = async ({ repository, tree }: View): Promise<PromotionPlan & { message: string }> => {
    const approvals = await approvalsFor(tree, to, repository);
    const plan = planPromotion(tree, {
      to, run: runId, by, now: effects.now(), approvals,
      ...(service ? { service } : {}), ...(given === undefined ? {} : { given }), ...(seed === undefined ? {} : { seed }),
    });
    if (input.look) return { ...plan, edits: [], message: "" };
    refusePromotion(plan);
    return { ...plan, message: plan.edits.length === 0 ? "" : messageOf(plan, runId, by) };
  };
  // Approvals are commits, so whoever asks for them needs the history; fetching it is cheap for a repository of texts.
  const written = await writeChange({ ...input, places: ["env", "holds", GATES_FILE, APPROVERS_FILE], history: true }, decide, effects);
  const { change, committed, commit, attempts, proposal, diff } = written;
  return {
    committed, commit, branch: remote.branch, attempts, from: change.from, to, services: change.services,
    ...(proposal === undefined ? {} : { proposal }), ...(diff === undefined ? {} : { diff }),
  };
}

/** Looked for only where a gate asks for them. */
async function approvalsFor(tree: View["tree"], to: PromoteInput["to"], repository: View["repository"]): Promise<Approval[]> {
  const text = tree[GATES_FILE];
  const policy = text === undefined ? undefined : parseGates(text)[to];
  return policy === undefined || policy.approvals.count === 0 ? [] : await approvalsOf(repository, tree[APPROVERS_FILE]);
}

function messageOf(plan: PromotionPlan, runId: string, by: string): string {
  const promoted = plan.services.filter(({ action }) => action === "promote");
  return releaseCommitMessage({
    verb: "promote", env: plan.to, releases: plan.releases, runId, by, verdicts: {},
    trailers: [
      { key: "Promoted-From", value: plan.from },
      ...promoted.flatMap(({ service, gates }) => gates.map(({ gate }) => ({ key: "Gate", value: `${service}/${gate}=passed` }))),
    ],
  });
}

if (isProgram(import.meta.url)) await runProgram<PromoteInput, PromoteResult>((input) => promote(input));
