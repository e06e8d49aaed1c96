/** What runs where and how it came there, from the GitOps repository alone. */
import type { HistoryEntry, History, Status, StatusEntry } from "../src/lib/audit.ts";
import { ENVIRONMENTS, type Environment } from "../src/lib/environments.ts";
import { sentenceOf } from "../src/lib/errors.ts";
import type { AuditInput } from "../src/lib/gitops-io.ts";
import { parseHold } from "../src/lib/holds.ts";
import { parseRelease, releasePath } from "../src/lib/release.ts";
import { releaseIn, servicesIn, standingIn } from "../src/lib/standing.ts";
import { trailerMap, trailerValues } from "../src/lib/trailers.ts";
import { runProgram } from "./gitops-program.ts";
import { isProgram } from "./is-program.ts";
import { LIMITS, Repository } from "./gitops-repo.ts";
import { readPlaces } from "./gitops-writer.ts";

export async function audit(input: AuditInput): Promise<Status | History> {
  const repository = await Repository.open(input.remote, { ...LIMITS, ...input.limits });
  try {
    return input.last === undefined ? await status(repository, input) : await history(repository, input, input.last);
  } finally {
    await repository.close();
  }
}

async function status(repository: Repository, { env, service, remote }: AuditInput): Promise<Status> {
  const tip = await repository.fetch();
  const tree = await readPlaces(repository, tip, ["env", "holds"]);
  const services: StatusEntry[] = [];
  const problems: string[] = [];
  for (const name of env === undefined ? ENVIRONMENTS : [env]) {
    for (const each of servicesIn(tree, name)) if (service === undefined || each === service) services.push(entryOf(tree, name, each));
  }
  problems.push(...services.flatMap(({ problem }) => problem ?? []));
  const holds = Object.keys(tree).filter((path) => path.startsWith("holds/")).sort().flatMap((path) => {
    try {
      const { env: where, service: what, version, digest, reason, by, at } = parseHold(tree[path]!, path);
      const asked = (env === undefined || where === env) && (service === undefined || what === service);
      return asked ? [{ env: where, service: what, version, digest, reason, by, since: at }] : [];
    } catch (error) {
      problems.push(sentenceOf(error));
      return [];
    }
  });
  return { apiVersion: "golden-path/v1", kind: "Status", branch: remote.branch, commit: tip.commit, services, holds, problems };
}

/** A damaged release does not hide the others: it is shown with what is wrong with it. */
function entryOf(tree: Record<string, string>, env: Environment, service: string): StatusEntry {
  const known = (): Partial<StatusEntry> => {
    try {
      const { owner, version, digest, image, sourceRevision } = releaseIn(tree, env, service)!;
      return { owner, version, digest, image, sourceRevision };
    } catch {
      return {};
    }
  };
  try {
    const record = standingIn(tree, env, service)!.record;
    if (record === undefined) return { env, service, ...known(), gates: [], problem: `${releasePath(env, service)}: it has no record beside it; promote again` };
    const { action, at, run, by, from, reason, gates, previous } = record;
    return {
      env, service, ...known(), action, since: at, run, by, gates,
      ...(from === undefined ? {} : { from }), ...(reason === undefined ? {} : { reason }), ...(previous === undefined ? {} : { previous }),
    };
  } catch (error) {
    return { env, service, ...known(), gates: [], problem: sentenceOf(error) };
  }
}

const VERBS = ["release", "promote", "rollback", "lift"] as const;

async function history(repository: Repository, { env, service, remote }: AuditInput, last: number): Promise<History> {
  const tip = await repository.fetch({ history: true });
  const places = (env === undefined ? ENVIRONMENTS : [env]).flatMap((name) => ["env", "holds"].map((top) => `${top}/${name}${service === undefined ? "" : `/${service}`}`));
  const commits = tip.commit === null ? [] : await repository.log("%H%x1f%cI%x1f%an%x1f%B", places, last);
  const entries: HistoryEntry[] = [];
  for (const text of commits) entries.push(await historyEntry(repository, text.split("\x1f") as [string, string, string, string], env));
  return { apiVersion: "golden-path/v1", kind: "History", branch: remote.branch, commit: tip.commit, entries };
}

async function historyEntry(repository: Repository, [commit, at, author, message]: [string, string, string, string], asked: Environment | undefined): Promise<HistoryEntry> {
  const subject = message.split("\n", 1)[0]!;
  const one = (key: string): string | undefined => trailerValues(message, key)[0];
  const verb = VERBS.find((name) => subject.startsWith(`${name}(`));
  const env = one("Golden-Path-Env");
  if (verb === undefined || env === undefined) {
    return { commit, at, author, env: asked ?? "?", action: "changed by hand", subject, services: [], gates: [], holds: [] };
  }
  const [digests, revisions] = [trailerMap(message, "Image-Digest"), trailerMap(message, "Source-Revision")];
  const names = trailerValues(message, "Golden-Path-Service");
  const services = await Promise.all(names.map(async (service) => {
    const version = verb === "lift" ? undefined : await versionAt(repository, commit, env as Environment, service);
    const [digest, sourceRevision] = [digests[service] ?? trailerMap(message, "Lifted-Hold")[service], revisions[service]];
    return { service, ...(version === undefined ? {} : { version }), ...(digest === undefined ? {} : { digest }), ...(sourceRevision === undefined ? {} : { sourceRevision }) };
  }));
  const paragraphs = message.split(/\n\n+/);
  const reason = verb === "rollback" || verb === "lift" ? paragraphs[1] : undefined;
  const [run, by, from] = [one("Run-Id"), one("Run-By"), one("Promoted-From") ?? one("Rolled-Back-To")?.split("=")[1]?.slice(0, 7)];
  return {
    commit, at, author, env, action: verb, subject, services,
    ...(run === undefined ? {} : { run }), ...(by === undefined ? {} : { by }), ...(from === undefined ? {} : { from }), ...(reason === undefined ? {} : { reason }),
    gates: verb === "release" ? trailerValues(message, "Verdict") : trailerValues(message, "Gate"),
    holds: trailerValues(message, "Hold"),
  };
}

async function versionAt(repository: Repository, commit: string, env: Environment, service: string): Promise<string | undefined> {
  const path = releasePath(env, service);
  const [text] = await repository.readEach([commit], path);
  try {
    return text === null || text === undefined ? undefined : parseRelease(text, path).version;
  } catch {
    return undefined;
  }
}

if (isProgram(import.meta.url)) await runProgram<AuditInput, Status | History>((input) => audit(input));
