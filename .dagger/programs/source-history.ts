/** Lists the commits that touched a service's inputs between two source revisions. */
import type { SourceCommit, SourceHistory } from "../src/lib/changes.ts";
import type { HistoryInput, HistoryRange, HistoryResult } from "../src/lib/gitops-io.ts";
import { Git } from "./gitops-git.ts";
import { runProgram } from "./gitops-program.ts";
import { isProgram } from "./is-program.ts";

const DOING = "listing the source's commits since the last release";
/** More is no reading matter; the whole number is said. */
const MOST = 30;

export async function histories(input: HistoryInput): Promise<HistoryResult> {
  const git = await Git.open();
  const call = { doing: DOING, seconds: input.seconds ?? 60 };
  // Settings of the checked-out repository must not start programs.
  const ask = (args: string[]) => git.try(["-C", input.source, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", ...args], call);
  try {
    const found: HistoryResult = {};
    for (const [service, range] of Object.entries(input.ranges)) found[service] = await history(ask, range);
    return found;
  } finally {
    await git.close();
  }
}

type Ask = (args: string[]) => Promise<{ code: number | null; stdout: Buffer }>;

async function history(ask: Ask, { from, to, paths }: HistoryRange): Promise<SourceHistory> {
  const nothing = (note: string): SourceHistory => ({ commits: [], total: 0, note });
  const known = await ask(["rev-parse", "--verify", "--quiet", `${from}^{commit}`]);
  if (known.code !== 0) return nothing(`this checkout's history does not have ${from.slice(0, 7)}, the revision of the last release`);
  const before = await ask(["merge-base", "--is-ancestor", from, to]);
  if (before.code !== 0) return nothing(`${to.slice(0, 7)} does not follow ${from.slice(0, 7)}, the revision of the last release`);
  const range = [`${from}..${to}`, "--", ...paths];
  const count = await ask(["rev-list", "--count", ...range]);
  const log = await ask(["log", `-${MOST}`, "--no-show-signature", "--no-color", "-z", "--format=%H%n%cI%n%an%n%s", ...range]);
  return { commits: parseLog(log.stdout.toString("utf8")), total: Number(count.stdout.toString("utf8")) };
}

function parseLog(text: string): SourceCommit[] {
  return text.split("\0").filter((entry) => entry.trim() !== "").map((entry) => {
    const [hash = "", time = "", author = "", ...subject] = entry.replace(/^\n/, "").split("\n");
    return { hash, time, author, subject: subject.join(" ").trim() };
  });
}

if (isProgram(import.meta.url)) await runProgram<HistoryInput, HistoryResult>(histories);
