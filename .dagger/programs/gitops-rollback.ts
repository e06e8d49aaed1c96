/**
 * Takes an environment back to an earlier release and holds the one that goes. Whoever follows a promotion calls this
 * too: with `service`, a `reason`, and in `expected` the digest that it saw fail.
 */
import { releaseCommitMessage } from "../src/lib/commit-message.ts";
import { applyEdits, type Edit } from "../src/lib/edits.ts";
import { UserError } from "../src/lib/errors.ts";
import type { RolledBack, RollbackInput, RollbackResult } from "../src/lib/gitops-io.ts";
import { parseRelease, type Release, releaseFolder, releasePath } from "../src/lib/release.ts";
import { chooseTarget, type PastRelease, planRollback, rolledBack, type Target } from "../src/lib/rollback.ts";
import { standingIn } from "../src/lib/standing.ts";
import { runProgram } from "./gitops-program.ts";
import { isProgram } from "./is-program.ts";
import type { Repository } from "./gitops-repo.ts";
import { EFFECTS, type Effects, type View, writeChange } from "./gitops-writer.ts";

interface Change {
  edits: Edit[];
  message: string;
  services: RolledBack[];
}

export async function rollback(input: RollbackInput, effects: Effects = EFFECTS): Promise<RollbackResult> {
  const { env, remote, runId, by = "golden-path", reason, expected } = input;
  const decide = async ({ repository, tree }: View): Promise<Change> => {
    const names = rolledBack(tree, env, input.service);
    if (input.release && names.length > 1) throw new UserError(`rolling back ${env} to "${input.release}": several services are meant (${names.join(", ")}); name one with --service`);
    const targets = await Promise.all(names.map(async (service) => chooseTarget(tree, env, service, await pastOf(repository, env, service), input.release)));
    const services = targets.map((target) => described(env, target));
    if (input.look) return { edits: [], message: "", services };
    const back = targets.filter((target) => target.action === "rollback").map((target) => checked(target, env, expected));
    let after = tree;
    const edits: Edit[] = [];
    for (const target of back) {
      const then = Object.fromEntries(await repository.readAt(target.to.commit, [releaseFolder(env, target.service)]));
      // What comes back is checked as strictly as what is promoted: release, record, every file.
      standingIn(then, env, target.service);
      const more = planRollback(after, target, then, { env, run: runId, by, now: effects.now(), reason, gates: expected?.[target.service]?.gates ?? [] });
      after = applyEdits(after, more);
      edits.push(...more);
    }
    return { edits, services, message: back.length === 0 ? "" : messageOf(input, back, by) };
  };
  const written = await writeChange({ ...input, places: ["env", "holds"], history: true }, decide, effects);
  const { change, committed, commit, attempts, proposal, diff } = written;
  return {
    committed, commit, branch: remote.branch, attempts, env, services: change.services,
    ...(proposal === undefined ? {} : { proposal }), ...(diff === undefined ? {} : { diff }),
  };
}

/** Every release that stood there, newest first. One that cannot be read is none to go back to. */
export async function pastOf(repository: Repository, env: RollbackInput["env"], service: string): Promise<PastRelease[]> {
  const path = releasePath(env, service);
  const commits = (await repository.log("%H %cI", [path])).map((line) => line.trim().split(" ") as [string, string]);
  const texts = await repository.readEach(commits.map(([commit]) => commit), path);
  return commits.flatMap(([commit, at], index) => {
    const release = readable(texts[index] ?? null, path);
    return release === undefined ? [] : [{ commit, at, release }];
  });
}

function readable(text: string | null, path: string): Release | undefined {
  try {
    return text === null ? undefined : parseRelease(text, path);
  } catch {
    return undefined;
  }
}

type Back = Extract<Target, { action: "rollback" }>;

function checked(target: Back, env: string, expected: RollbackInput["expected"]): Back {
  const seen = expected?.[target.service];
  if (expected === undefined || (seen?.bad === target.bad.digest && seen.to === target.to.release.digest)) return target;
  throw new UserError(`rolling back ${target.service} in ${env}: it moved to ${target.bad.version} meanwhile; look at it, and run again if that one must go too`);
}

function described(env: string, target: Target): RolledBack {
  if (target.action === "none") return target;
  const { service, bad, to: { commit, release: { version, digest, image, sourceRevision } } } = target;
  return {
    service, action: "rollback", reason: `${env} goes back from ${bad.version} to ${version}; ${bad.version} is held`,
    bad: { version: bad.version, digest: bad.digest }, to: { version, digest, image, sourceRevision, commit },
  };
}

function messageOf({ env, runId, reason }: RollbackInput, back: readonly Back[], by: string): string {
  return releaseCommitMessage({
    verb: "rollback", env, runId, by, reason, verdicts: {},
    releases: back.map(({ to }) => to.release),
    trailers: back.flatMap(({ service, bad, to }) => [
      { key: "Rolled-Back-To", value: `${service}=${to.commit}` },
      { key: "Hold", value: `${service}=${bad.digest}` },
    ]),
  });
}

if (isProgram(import.meta.url)) await runProgram<RollbackInput, RollbackResult>((input) => rollback(input));
