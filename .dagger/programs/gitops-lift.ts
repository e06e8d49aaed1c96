/** Lifts a hold, with a reason. */
import { liftCommitMessage } from "../src/lib/commit-message.ts";
import { planEdits } from "../src/lib/edits.ts";
import type { LiftInput, LiftResult } from "../src/lib/gitops-io.ts";
import { holdPath } from "../src/lib/holds.ts";
import { chooseHold } from "../src/lib/rollback.ts";
import { runProgram } from "./gitops-program.ts";
import { isProgram } from "./is-program.ts";
import { EFFECTS, type Effects, writeChange } from "./gitops-writer.ts";

export async function lift(input: LiftInput, effects: Effects = EFFECTS): Promise<LiftResult> {
  const { env, service, runId, by = "golden-path", reason, remote } = input;
  const written = await writeChange({ ...input, places: ["holds"] }, ({ tree }) => {
    const hold = chooseHold(tree, input);
    if (hold === undefined) return { edits: [], message: "", hold };
    const { version, digest } = hold;
    return { edits: planEdits(tree, {}, [holdPath(hold)]), message: liftCommitMessage({ env, service, version, digest, runId, by, reason }), hold };
  }, effects);
  const { change: { hold }, committed, commit, attempts, proposal, diff } = written;
  return {
    committed, commit, branch: remote.branch, attempts,
    ...(hold === undefined ? {} : { lifted: { version: hold.version, digest: hold.digest, reason: hold.reason } }),
    ...(proposal === undefined ? {} : { proposal }), ...(diff === undefined ? {} : { diff }),
  };
}

if (isProgram(import.meta.url)) await runProgram<LiftInput, LiftResult>((input) => lift(input));
