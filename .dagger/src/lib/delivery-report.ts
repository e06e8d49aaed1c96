import type { LiftResult, PromoteResult, RollbackResult, WriterResult } from "./gitops-io.ts";
import { cell, code, list, table } from "./markdown.ts";

/** What became of a promotion, as Markdown for people. */
export function renderPromotion(result: PromoteResult, repository: string): string {
  const { from, to, services } = result;
  const rows = services.map(({ service, action, version, digest, reason }) => [service, action === "none" ? "unchanged" : action, version, code(digest.slice(0, 19)), cell(reason)]);
  const gates = services.filter(({ action }) => action === "promote").flatMap(({ service, gates: all }) => all.map(({ gate, passed, evidence }) => [service, gate, passed ? "passed" : "failed", cell(evidence)]));
  return sections([
    `# ${headline(result, `${to} takes what ${from} runs`, `nothing to promote: ${to} has what ${from} runs`)}`,
    table(["Service", "Action", "Version", "Digest", "Detail"], rows),
    ...(gates.length === 0 ? [] : ["## Gates", table(["Service", "Gate", "Answer", "Evidence"], gates)]),
    ...outcome(result, repository),
  ]);
}

/** What became of a rollback. */
export function renderRollback(result: RollbackResult, repository: string): string {
  const { env, services } = result;
  return sections([
    `# ${headline(result, `${env} goes back`, `nothing to roll back in ${env}`)}`,
    list(services.map(({ service, reason }) => `${service}: ${reason}`)),
    ...outcome(result, repository),
  ]);
}

/** What became of the wish to lift a hold. */
export function renderLift(result: LiftResult, { env, service }: { env: string; service: string }, repository: string): string {
  const { lifted } = result;
  if (lifted === undefined) return `# nothing to lift: no release of ${service} is held in ${env}\n`;
  return sections([
    `# ${headline(result, `${service} ${lifted.version} is no longer held in ${env}`, `nothing was lifted`)}`,
    list([`It was held because: ${lifted.reason}`, `Digest: ${code(lifted.digest)}`]),
    ...outcome(result, repository),
  ]);
}

function headline({ committed, proposal, diff }: WriterResult, done: string, nothing: string): string {
  if (committed) return done;
  if (proposal !== undefined) return `${done}, once ${proposal.branch} is merged`;
  return diff === undefined ? nothing : `dry run: ${done}`;
}

function outcome({ committed, commit, branch, proposal, diff }: WriterResult, repository: string): string[] {
  if (committed) return [`Commit ${code(commit ?? "")} on ${code(branch)} of ${repository}.`];
  if (proposal !== undefined) return [`${code(branch)} of ${repository} takes no direct pushes. Commit ${code(proposal.commit)} is on branch ${code(proposal.branch)}; ${proposal.advice}.`];
  if (diff !== undefined) return [`Nothing was committed to ${code(branch)} of ${repository}. This would be:`, "```diff\n" + diff.trimEnd() + "\n```"];
  return [`No commit: ${code(branch)} of ${repository} stays at ${code(commit ?? "no commit")}.`];
}

function sections(parts: string[]): string {
  return parts.join("\n\n") + "\n";
}
