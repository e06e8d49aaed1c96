import { type Edit, planEdits, type Tree } from "./edits.ts";
import type { Environment } from "./environments.ts";
import { UserError } from "./errors.ts";
import { type Hold, heldSentence, holdOn, holdPath, holdsIn, renderHold } from "./holds.ts";
import { fileSums, type GateResult, type ReleaseRecord, recordPath, renderRecord } from "./record.ts";
import { type Release, releaseFolder } from "./release.ts";
import { contentOf, recordIn, releaseIn, servicesIn } from "./standing.ts";
import { didYouMean } from "./suggest.ts";

/** A release that once stood in the environment, with the commit that put it there. */
export interface PastRelease {
  commit: string;
  at: string;
  release: Release;
}

/** Newest first, one for each commit that changed the service's release there. */
export type Past = Readonly<Record<string, readonly PastRelease[]>>;

export type Target =
  | { service: string; action: "none"; reason: string }
  | { service: string; action: "rollback"; bad: Release; to: PastRelease };

/**
 * The services that `rollback --env` means: the named one, or all that the environment's last release brought.
 * A record that cannot be read does not count, so that damage never stands in the way of going back.
 */
export function rolledBack(tree: Tree, env: Environment, service: string | undefined): string[] {
  const there = servicesIn(tree, env);
  if (service) {
    if (there.includes(service)) return [service];
    throw new UserError(`rolling back ${env}: it has no release of "${service}"${didYouMean(service, there)}; ${there.length === 0 ? "there is none at all" : `it has ${there.join(", ")}`}`);
  }
  const records = there.flatMap((name) => readable(tree, env, name) ?? []);
  const last = records.reduce<ReleaseRecord | undefined>((newest, one) => (newest === undefined || one.at > newest.at ? one : newest), undefined);
  if (last === undefined) throw new UserError(`rolling back ${env}: no record says what its last release was; name --service`);
  return records.filter((record) => record.run === last.run).map((record) => record.service);
}

/** Where one service goes back to. Nothing of the release that goes is asked: not its health, nor any gate. */
export function chooseTarget(tree: Tree, env: Environment, service: string, past: readonly PastRelease[], wanted: string | undefined): Target {
  const doing = `rolling back ${service} in ${env}`;
  const { bad, damage } = standingNow(tree, env, service, past);
  if (bad === undefined) throw new UserError(`${doing}: there is no release of it; nothing to go back from`);
  const none = (reason: string): Target => ({ service, action: "none", reason });
  const holds = holdsIn(tree);
  const distinct = past.filter((one, at) => one.release.digest !== bad.digest && past.findIndex(({ release }) => release.digest === one.release.digest) === at);
  if (wanted) {
    if (names(bad, wanted) && damage !== undefined) throw damage;
    if (names(bad, wanted)) return none(`${env} has ${bad.version} already`);
    const to = distinct.find(({ release }) => names(release, wanted));
    const known = distinct.slice(0, 5).map(({ release }) => release.version).join(", ");
    if (to === undefined) throw new UserError(`${doing}: ${env} never had "${wanted}"; ${known === "" ? "it had no other release" : `it had ${known}`}`);
    const hold = holdOn(holds, { env, service, digest: to.release.digest });
    if (hold !== undefined) throw new UserError(`${doing}: ${heldSentence(hold)}`);
    return { service, action: "rollback", bad, to };
  }
  const record = readable(tree, env, service);
  if (record?.action === "rollback") {
    // The same call once more must not go back once more: whoever lost the answer calls again.
    return none(`${env} went back to ${bad.version} at ${record.at} (run ${record.run}); name --release to go further back`);
  }
  const to = distinct.find(({ release }) => holdOn(holds, { env, service, digest: release.digest }) === undefined);
  if (to !== undefined) return { service, action: "rollback", bad, to };
  const why = distinct.length === 0 ? "there was no release before" : "every earlier release is held";
  throw new UserError(`${doing}: ${why}; release a corrected version, or lift a hold`);
}

/** What goes. Where its file was damaged by hand it is what was last released there, so that damage never holds up a way back. */
function standingNow(tree: Tree, env: Environment, service: string, past: readonly PastRelease[]): { bad: Release | undefined; damage?: unknown } {
  try {
    return { bad: releaseIn(tree, env, service) };
  } catch (damage) {
    if (past[0] === undefined) throw damage;
    return { bad: past[0].release, damage };
  }
}

export interface RollbackAsk {
  env: Environment;
  run: string;
  by: string;
  now: number;
  reason: string;
  /** What was asked of the release that comes back. */
  gates?: GateResult[];
}

/** The edits of a rollback: the folder as it stood then, byte for byte, a record that says so, and the hold. */
export function planRollback(tree: Tree, target: Extract<Target, { action: "rollback" }>, then: Tree, ask: RollbackAsk): Edit[] {
  const { service, bad, to } = target;
  const { env, run, by, reason } = ask;
  const at = new Date(ask.now).toISOString().replace(/\.\d+Z$/, "Z");
  const folder = releaseFolder(env, service);
  const files = contentOf(then, env, service);
  const { version, sourceRevision, digest } = to.release;
  const evidence = recordIn(then, env, service)?.evidence ?? {};
  const record = renderRecord({
    service, env, action: "rollback", run, by, at, version, sourceRevision, digest, from: to.commit, reason, evidence, gates: ask.gates ?? [],
    previous: { version: bad.version, digest: bad.digest }, files: fileSums(files, folder),
  });
  const hold: Hold = { service, env, digest: bad.digest, version: bad.version, reason, by, run, at };
  const place = holdPath(hold);
  const desired: Tree = { ...files, [recordPath(env, service)]: record };
  // A hold that is there already keeps its own reason.
  if (!Object.hasOwn(tree, place)) desired[place] = renderHold(hold);
  return planEdits(tree, desired, [folder, ...(Object.hasOwn(tree, place) ? [] : [place])]);
}

export interface LiftAsk {
  env: Environment;
  service: string;
  /** Version or digest; may be left out where there is one hold. */
  release?: string;
}

/** The hold that `lift` means, or none where it was lifted already. */
export function chooseHold(tree: Tree, { env, service, release }: LiftAsk): Hold | undefined {
  const holds = holdsIn(tree).filter((hold) => hold.env === env && hold.service === service);
  const found = release ? holds.filter((hold) => names({ ...hold, sourceRevision: "" }, release)) : holds;
  if (found.length > 1) {
    throw new UserError(`lifting a hold on ${service} in ${env}: there are ${found.length}; name one with --release: ${found.map(({ version }) => version).join(", ")}`);
  }
  if (found.length === 0 && release && holds.length > 0) {
    throw new UserError(`lifting a hold on ${service} in ${env}: "${release}" is not held; held are ${holds.map(({ version }) => version).join(", ")}`);
  }
  return found[0];
}

/** By version, digest, or the first seven or more digits of digest or source revision. */
function names(release: Pick<Release, "version" | "digest" | "sourceRevision">, wanted: string): boolean {
  if (release.version === wanted || release.digest === wanted) return true;
  const hex = wanted.replace(/^sha256:/, "");
  return /^[0-9a-f]{7,}$/.test(hex) && (release.digest.startsWith(`sha256:${hex}`) || release.sourceRevision.startsWith(hex));
}

function readable(tree: Tree, env: Environment, service: string): ReleaseRecord | undefined {
  try {
    return recordIn(tree, env, service);
  } catch {
    return undefined;
  }
}
