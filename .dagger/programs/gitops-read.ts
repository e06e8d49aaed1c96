/** Reads text files of the GitOps repository's tip. */
import { UserError } from "../src/lib/errors.ts";
import type { ReadInput, ReadResult } from "../src/lib/gitops-io.ts";
import { runProgram } from "./gitops-program.ts";
import { isProgram } from "./is-program.ts";
import { isFile, LIMITS, Repository } from "./gitops-repo.ts";

const MAX_FILE = 1024 * 1024;
const MAX_TOTAL = 32 * 1024 * 1024;

export async function read(input: ReadInput): Promise<ReadResult> {
  const repository = await Repository.open(input.remote, { ...LIMITS, ...input.limits });
  try {
    const tip = await repository.fetch();
    const skipped: ReadResult["skipped"] = [];
    const maxFile = input.maxFileBytes ?? MAX_FILE;
    const asked = [...tip.entries.values()].filter((entry) => {
      if (!isAsked(entry.path, input.prefixes)) return false;
      if (!isFile(entry)) skipped.push({ path: entry.path, reason: "not a regular file" });
      else if (entry.size > maxFile) skipped.push({ path: entry.path, reason: `${entry.size} bytes, more than ${maxFile}` });
      else return true;
      return false;
    });
    const total = asked.reduce((sum, entry) => sum + entry.size, 0);
    const maxTotal = input.maxTotalBytes ?? MAX_TOTAL;
    if (total > maxTotal) {
      throw new UserError(
        `reading the GitOps repository ${repository.name}: ${asked.length} files with ${total} bytes, more than ${maxTotal}; ask for fewer folders`,
      );
    }
    const texts = await repository.read(asked);
    for (const entry of asked) if (!texts.has(entry.path)) skipped.push({ path: entry.path, reason: "not text" });
    return { commit: tip.commit, branch: input.remote.branch, files: Object.fromEntries(texts), skipped };
  } finally {
    await repository.close();
  }
}

function isAsked(path: string, prefixes: readonly string[]): boolean {
  return prefixes.length === 0 || prefixes.some((prefix) => path === prefix || path.startsWith(`${prefix.replace(/\/+$/, "")}/`));
}

if (isProgram(import.meta.url)) await runProgram<ReadInput, ReadResult>(read);
