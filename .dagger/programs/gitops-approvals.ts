/** People's signed approvals: commits of the branch whose signature is that of a person listed in `approvers`. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../src/lib/errors.ts";
import { APPROVERS_FILE, type Approval } from "../src/lib/gates.ts";
import { trailerValues } from "../src/lib/trailers.ts";
import type { Repository } from "./gitops-repo.ts";

const VALUE = /^(\w+)\/([a-z0-9-]+)=(sha256:[0-9a-f]{64})$/;
/** An approval older than so many commits was for something else by now. */
const LOOK_BACK = 1000;

export async function approvalsOf(repository: Repository, approvers: string | undefined): Promise<Approval[]> {
  if (approvers === undefined) {
    throw new UserError(`reading approvals: the GitOps repository has no file ${APPROVERS_FILE}; add it with a line for each person, "<principal> <key type> <public key>"`);
  }
  const file = join(repository.git.home, "approvers");
  await writeFile(file, approvers);
  const settings = ["-c", "gpg.format=ssh", "-c", `gpg.ssh.allowedSignersFile=${file}`];
  const commits = await repository.log("%H%x1f%G?%x1f%GS%x1f%B", [], LOOK_BACK, settings);
  return commits.flatMap((text) => {
    const [commit, verdict, by, message] = text.split("\x1f") as [string, string, string, string];
    // G: a good signature of a principal that the file lists.
    if (verdict !== "G") return [];
    return trailerValues(message, "Approved-Release").flatMap((value) => {
      const [, env, service, digest] = VALUE.exec(value) ?? [];
      return env === undefined ? [] : [{ by, env, service: service!, digest: digest!, commit }];
    });
  });
}
