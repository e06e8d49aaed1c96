/** Commits the releases of one run to the GitOps repository. */
import { releaseCommitMessage, sharedCommitMessage } from "../src/lib/commit-message.ts";
import type { Environment } from "../src/lib/environments.ts";
import type { WriteInput, WriteResult } from "../src/lib/gitops-io.ts";
import { type Plan, planWrite, releasesIn } from "../src/lib/release-plan.ts";
import { runProgram } from "./gitops-program.ts";
import { isProgram } from "./is-program.ts";
import { EFFECTS, type Effects, writeChange } from "./gitops-writer.ts";

export async function write(input: WriteInput, effects: Effects = EFFECTS): Promise<WriteResult> {
  const releases = releasesIn(input.desired);
  const { remote, author } = input;
  const written = await writeChange({ ...input, author, places: [...input.owned, "holds", ...(input.shared ? ["argocd", "env", ...Object.keys(input.shared.seed)] : [])] }, ({ tree }) => {
    const plan = planWrite(tree, releases, input, effects.now());
    return { ...plan, message: messageOf(plan, releases[0]!.env, input) };
  }, effects);
  const { change, committed, commit, attempts, proposal, diff } = written;
  const changes = committed || proposal !== undefined || diff !== undefined;
  return {
    committed, commit, branch: remote.branch, attempts,
    files: changes ? change.edits.map((edit) => edit.path) : [],
    released: changes ? change.released.map((release) => release.service) : [],
    alreadyReleased: !changes && change.superseded.length < releases.length,
    superseded: change.superseded,
    ...(proposal === undefined ? {} : { proposal }),
    ...(diff === undefined ? {} : { diff }),
  };
}

function messageOf({ edits, released }: Plan, env: Environment, { runId, verdicts, by }: WriteInput): string {
  // A run that was overtaken as a whole has nothing to say.
  if (edits.length === 0) return "";
  const run = { env, runId, ...(by === undefined ? {} : { by }) };
  return released.length === 0 ? sharedCommitMessage({ ...run, files: edits.map(({ path }) => path) }) : releaseCommitMessage({ ...run, releases: released, verdicts });
}

if (isProgram(import.meta.url)) await runProgram<WriteInput, WriteResult>((input) => write(input));
