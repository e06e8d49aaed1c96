import { type Edit, planEdits, type Tree } from "./edits.ts";
import type { Environment } from "./environments.ts";
import { UserError, listOf } from "./errors.ts";
import { type Approval, DEFAULT_POLICY, GATES_FILE, judge, parseGates } from "./gates.ts";
import { heldSentence, holdOn, holdsIn } from "./holds.ts";
import { fileSums, type GateResult, recordPath, renderRecord } from "./record.ts";
import { type Release, releaseFiles, releaseFolder } from "./release.ts";
import { parseSource } from "./release-source.ts";
import { contentOf, environmentBefore, recordIn, releaseIn, servicesIn, type Standing, standingIn } from "./standing.ts";
import { didYouMean } from "./suggest.ts";
import { isSuperseded } from "./supersede.ts";

export interface PromotionAsk {
  to: Environment;
  /** All that the environment before has, where it is left out. */
  service?: string;
  run: string;
  by: string;
  /** Milliseconds; the time of the record and of the gates. */
  now: number;
  approvals: readonly Approval[];
  /** What was judged outside Git (that the image is there, its signature), for exactly this digest. */
  given?: Readonly<Record<string, { digest: string; gates: GateResult[] }>>;
  /** Files that a repository begins with, written where they are missing. */
  seed?: Tree;
}

export interface PlannedPromotion {
  service: string;
  action: "promote" | "none" | "refuse";
  /** One sentence: what will be done, or why not. */
  reason: string;
  version: string;
  digest: string;
  image: string;
  sourceRevision: string;
  /** What stands there now. */
  replaces?: { version: string; digest: string };
  gates: GateResult[];
}

export interface PromotionPlan {
  from: Environment;
  to: Environment;
  services: PlannedPromotion[];
  edits: Edit[];
  /** As they will stand in `to`. */
  releases: Release[];
}

/** What `promote --to` will do on this tree: pure, so that any order of writers can be tried without Git. */
export function planPromotion(tree: Tree, ask: PromotionAsk): PromotionPlan {
  const { to } = ask;
  const from = environmentBefore(to);
  if (from === undefined) throw new UserError(`promoting to ${to}: no environment comes before it; use ci --promote --env ${to}`);
  const there = servicesIn(tree, from);
  if (ask.service && !there.includes(ask.service)) {
    throw new UserError(`promoting to ${to}: ${from} has no release of "${ask.service}"${didYouMean(ask.service, there)}; ${there.length === 0 ? `release something to ${from} first` : `it has ${listOf(there)}`}`);
  }
  if (there.length === 0) throw new UserError(`promoting to ${to}: ${from} has no release yet; run ci --promote --env ${from}`);
  const desired: Tree = {};
  const releases: Release[] = [];
  const services = (ask.service ? [ask.service] : there).map((service): PlannedPromotion => {
    const { planned, files, release } = planOne(tree, from, service, ask);
    if (planned.action === "promote") {
      Object.assign(desired, files);
      releases.push(release);
    }
    return planned;
  });
  const seeds = Object.entries(ask.seed ?? {}).filter(([path]) => !Object.hasOwn(tree, path));
  const owned = [...releases.map((release) => releaseFolder(to, release.service)), ...seeds.map(([path]) => path)];
  const edits = releases.length === 0 ? [] : planEdits(tree, { ...desired, ...Object.fromEntries(seeds) }, owned);
  return { from, to, services, edits, releases };
}

/** Throws where any service is refused: an environment is not promoted by halves. */
export function refusePromotion(plan: PromotionPlan): void {
  const refused = plan.services.filter(({ action }) => action === "refuse");
  if (refused.length === 0) return;
  const others = plan.services.filter(({ action }) => action === "promote").map(({ service }) => service);
  const hint = others.length === 0 ? "" : `\nnothing was promoted; name --service to promote ${listOf(others, "or")} alone`;
  throw new UserError(refused.map(({ service, reason }) => `promoting ${service} from ${plan.from} to ${plan.to}: ${reason}`).join("\n") + hint);
}

function planOne(tree: Tree, from: Environment, service: string, ask: PromotionAsk): { planned: PlannedPromotion; files: Tree; release: Release } {
  const { to } = ask;
  const source = standingIn(tree, from, service)!;
  const current = releaseIn(tree, to, service);
  const release: Release = { ...source.release, env: to };
  const rendered = renderFor(tree, source, from, release);
  const gates = gatesOf(tree, from, source, ask);
  const { version, digest, image, sourceRevision } = release;
  const planned = (action: PlannedPromotion["action"], reason: string): PlannedPromotion => ({
    service, action, reason, version, digest, image, sourceRevision,
    ...(current === undefined ? {} : { replaces: { version: current.version, digest: current.digest } }), gates,
  });
  const done = (one: PlannedPromotion, files: Tree = {}): ReturnType<typeof planOne> => ({ planned: one, files, release });

  const earlier = recordIn(tree, to, service);
  if (sameTree(contentOf(tree, to, service), rendered)) return done(planned("none", `${to} has ${version} already`));
  const hold = holdOn(holdsIn(tree), { env: to, service, digest });
  if (hold !== undefined) return done(planned("refuse", heldSentence(hold)));
  if (current !== undefined && isSuperseded(release, current)) {
    return done(planned("refuse", `${to} has ${current.version}, whose source is newer than that of ${version}; use rollback to go back`));
  }
  const failed = gates.filter(({ passed }) => !passed);
  if (failed.length > 0) return done(planned("refuse", failed.map(({ gate, evidence }) => `gate ${gate}: ${evidence}`).join("; ")));

  const previous = current === undefined || current.digest === digest ? earlier?.previous : { version: current.version, digest: current.digest };
  const record = renderRecord({
    service, env: to, action: "promotion", run: ask.run, by: ask.by, at: new Date(ask.now).toISOString().replace(/\.\d+Z$/, "Z"),
    version, sourceRevision, digest, from, evidence: source.record?.evidence ?? {}, gates,
    ...(previous === undefined ? {} : { previous }), files: fileSums(rendered, releaseFolder(to, service)),
  });
  const what = current === undefined ? `${version} enters ${to}` : `${version} takes the place of ${current.version}`;
  return done(planned("promote", what), { ...rendered, [recordPath(to, service)]: record });
}

/** The folder as it will stand in the next environment: nothing is built, all is rendered from what is kept in this one. */
function renderFor(tree: Tree, { release: here }: Standing, from: Environment, release: Release): Tree {
  const path = `${releaseFolder(from, release.service)}/source.yaml`;
  const doing = `promoting ${release.service} from ${from} to ${release.env}`;
  if (!Object.hasOwn(tree, path)) {
    throw new UserError(`${doing}: ${path} is missing, it was released before there were any; run ci --promote --env ${from} once more`);
  }
  const { spec, base, sealed } = parseSource(tree[path]!, path);
  // What was proven is what stands here: were it rendered differently now, another thing than that would pass on.
  if (!sameTree(contentOf(tree, from, release.service), releaseFiles(spec, here, base, sealed))) {
    throw new UserError(`${doing}: ${from}'s manifests are not what this version of the pipeline renders; run ci --promote --env ${from}, so that what passes on was proven`);
  }
  return releaseFiles(spec, release, base, sealed);
}

function gatesOf(tree: Tree, from: Environment, { release, record }: Standing, ask: PromotionAsk): GateResult[] {
  const text = tree[GATES_FILE] ?? ask.seed?.[GATES_FILE];
  const policy = (text === undefined ? {} : parseGates(text))[ask.to] ?? DEFAULT_POLICY;
  const judged = judge(policy, { now: ask.now, from, to: ask.to, release, record, approvals: ask.approvals });
  if (ask.given === undefined) return judged;
  const given = ask.given[release.service];
  // The branch moved between the look and the commit: what was judged was another digest.
  if (given?.digest !== release.digest) {
    return [...judged, { gate: "image", passed: false, evidence: `${from} moved to ${release.version} meanwhile; run it again` }];
  }
  return [...given.gates, ...judged];
}

function sameTree(one: Tree, other: Tree): boolean {
  const paths = Object.keys(one);
  return paths.length === Object.keys(other).length && paths.every((path) => one[path] === other[path]);
}
