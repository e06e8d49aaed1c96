import { dag, type Directory, type File } from "@dagger.io/dagger";
import { availableParallelism } from "node:os";
import type { Answers, Known } from "./answers.ts";
import { lintService, testService } from "./build.ts";
import { ClusterAhead } from "./cluster-ahead.ts";
import { checkManifests } from "./conform.ts";
import { keepReport, newRunId } from "./evidence.ts";
import { gateError, inspectHistory, inspectImage } from "./gate.ts";
import { writeRelease } from "./gitops.ts";
import type { BuiltImage } from "./image.ts";
import { IntegrateFailure, type IntegrateResult, claimEvidence, integrate } from "./integrate.ts";
import type { ServiceChange } from "./lib/changes.ts";
import { clusterAheadAfterMs } from "./lib/cluster-ahead.ts";
import type { Tree } from "./lib/edits.ts";
import type { Environment } from "./lib/environments.ts";
import { UserError, plural } from "./lib/errors.ts";
import { gate } from "./lib/findings.ts";
import type { WriteResult } from "./lib/gitops-io.ts";
import { SERVICE_STAGES } from "./lib/plan.ts";
import { answeredBy } from "./lib/release-plan.ts";
import { isDirty, releaseFiles, releaseFolder } from "./lib/release.ts";
import type { Evidence } from "./lib/record.ts";
import { onlyOwned, provenTree, refuseByPolicy } from "./lib/rendered.ts";
import type { KeptProof } from "./lib/kept-answers.ts";
import { Lanes } from "./lib/lanes.ts";
import { type ImageReport, type PromotionReport, type RunReport, type ScanReport, verdictsOf } from "./lib/report.ts";
import { type SharedAsk, sharedFiles } from "./lib/shared-files.ts";
import type { SourceRevision } from "./lib/source-revision.ts";
import { DEMANDED_KEY } from "./lib/signing.ts";
import { SEVERITIES, type Threshold } from "./lib/threshold.ts";
import { type Prepared, type RunOptions, buildImage, seedTree } from "./prepare.ts";
import type { Service } from "./project.ts";
import { publishImage } from "./registry.ts";
import { type Bills, billsOfMaterials } from "./sbom.ts";
import { changesOf, historiesOf } from "./changes.ts";
import { takesArchives } from "./cluster.ts";
import type { Workshop } from "./settings.ts";
import { canSign } from "./sign.ts";
import { Stages, needed } from "./stages.ts";
import { type Journal, type Signable, signAll, verifyAll } from "./supply-chain.ts";
import { debian } from "./toolbox.ts";

interface Published {
  service: Service;
  revision: SourceRevision;
  image: ImageReport;
  bills: Bills;
}

/** What a proof allows to be committed. */
interface Proven {
  tree: Tree;
  /** The releases' folders. */
  owned: string[];
  /** What the services share is decided again on the tip that is written on. */
  shared: Omit<SharedAsk, "tip">;
}

/** Each service does several things at once, so that few of them keep a machine busy; more would only hold each other up. */
const SERVICES_AT_ONCE = 2;

/** One run of the golden path over some services. */
export class Run {
  readonly id = newRunId();
  readonly stages = new Stages();
  readonly images: ImageReport[] = [];
  readonly scans: ScanReport[] = [];
  private readonly files: Record<string, File> = {};
  private readonly takenOver: string[] = [];
  private readonly workshop: Workshop;
  private readonly options: RunOptions;
  private promotion: PromotionReport = { outcome: "not-asked" };
  private evidence: Directory = dag.directory();
  /** The GitOps tree that was rendered, as far as it came to that. */
  private rendered: Tree = {};
  private readonly journal: Journal;
  private proof?: KeptProof;
  /** What the cluster was to be asked. */
  private question?: { env: Environment; key: string };

  constructor(workshop: Workshop, options: RunOptions) {
    this.workshop = workshop;
    this.options = options;
    this.journal = { stages: this.stages, runId: this.id, startedOn: this.stages.startedAt(), report: { notes: [], images: [] } };
  }

  /** Runs everything that the plan asks for; the report tells how each stage ended. */
  async execute(prepared: Prepared): Promise<RunReport> {
    const histories = historiesOf(this.workshop, prepared, this.options.env);
    const lanes = new Lanes(Math.max(SERVICES_AT_ONCE, availableParallelism()));
    const demandedKey = this.demandedKey(prepared);
    const ahead = new ClusterAhead(this.workshop, this.options.env, clusterAheadAfterMs(prepared.plan), lanes, demandedKey !== undefined);
    const secrets = this.secrets();
    const prove = async () => {
      const published = await Promise.all(prepared.services.map((service) => {
        const revision = prepared.revisions.get(service.spec.name)!;
        const known = prepared.answers?.of(service.spec.name);
        return known === undefined ? lanes.run(() => this.service(service, revision)) : this.takeOver(service, revision, known);
      }));
      ahead.hold();
      const signable = published.map((one) => one && signableOf(one));
      const signing = signAll(this.workshop, signable, this.journal);
      let verifying: Promise<true | undefined> | undefined;
      const verify = async () => await (verifying ??= signing.then(async (signed) => await verifyAll(this.workshop, signable, signed, prepared.tip?.files ?? {}, this.journal)));
      // A cluster that asks for signatures admits nothing before they are there; of a wrong one it says less than this does.
      const ready = demandedKey === undefined ? true : await verify();
      const [proven] = await Promise.all([this.integrate(prepared, published, ahead, ready, demandedKey), signing]);
      return { proven, verify };
    };
    const { proven, verify } = await prove().finally(async () => await ahead.end());
    const clean = await secrets;
    if (this.options.promote) {
      const verified = await verify();
      await this.promote(verified && clean && proven, prepared);
    }
    const changes = changesOf(prepared, this.options.env, this.rendered, this.images, await histories);
    return await this.report(changes, prepared.answers);
  }

  /** The key whose signatures the proof's cluster demands: only where this run makes them, so that whoever cannot sign can still prove. */
  private demandedKey({ tip, revisions }: Prepared): string | undefined {
    const signs = canSign(this.workshop.signing()) && ![...revisions.values()].some(({ revision }) => isDirty(revision));
    return signs && takesArchives(this.workshop.context.images) ? tip?.files[DEMANDED_KEY] : undefined;
  }

  /** What was committed once is known to all who can read the history. */
  private async secrets(): Promise<true | undefined> {
    return await this.stages.run("secrets", undefined, async () => {
      const result = await inspectHistory(this.workshop);
      const verdict = gate(result, this.options.failOn);
      if (!verdict.passed) throw gateError(verdict);
      return { value: true as const, detail: verdict.sentence.replace("scan history: ", "") };
    });
  }

  /** What an earlier run found out by asking exactly the same. */
  private async takeOver(service: Service, revision: SourceRevision, { answer: { at, image, scan, details }, bills }: Known): Promise<Published> {
    const { name } = service.spec;
    await Promise.all(SERVICE_STAGES.map(async (stage) => await this.stages.run(stage, name, async () => ({ value: true, detail: details[stage], reused: { at } }))));
    this.images.push(image);
    this.scans.push(scan);
    this.takenOver.push(name);
    return { service, revision, image, bills };
  }

  /** Lint, test and build at once; then what is in the image, and the registry. */
  private async service(service: Service, revision: SourceRevision): Promise<Published | undefined> {
    const { context } = this.workshop;
    const { name } = service.spec;
    const lint = this.stages.run("lint", name, async () => {
      const base = await this.workshop.base();
      await Promise.all([
        lintService(context, service.spec, service.source).then((checked) => checked.sync()),
        checkManifests(context, service.spec, this.options.env, base),
      ]);
      return { value: true, detail: "style, types and manifests" };
    });
    const test = this.stages.run("test", name, async () => {
      await (await testService(context, service.spec, service.source)).sync();
      return { value: true, detail: "unit tests" };
    });
    const build = this.stages.run("build", name, async () => {
      const image = await buildImage(this.workshop, service, revision);
      return { value: image, detail: `${(image.size / 1e6).toFixed(1)} MB compressed, ${revision.version}` };
    });
    const scan = build.then((image) => this.describe(service, revision, image));
    const [linted, tested, image, scanned] = await Promise.all([lint, test, build, scan]);
    return await this.stages.run("publish", name, async () => {
      const [built, , , bills] = needed<[BuiltImage, boolean, boolean, Bills]>("a stage before it", image, linted, tested, scanned);
      const registry = await this.workshop.registry();
      const reference = await publishImage(context, registry, built, name, revision.version, this.id);
      const layers = built.layers.map(({ title, digest, size }) => ({ title, digest, bytes: size }));
      const report: ImageReport = { service: name, image: reference, digest: built.digest, sourceRevision: revision.revision, version: revision.version, bytes: built.size, layers };
      this.images.push(report);
      return { value: { service, revision, image: report, bills }, detail: reference };
    });
  }

  private async describe(service: Service, revision: SourceRevision, image: BuiltImage | undefined): Promise<Bills | undefined> {
    const { context } = this.workshop;
    const { name } = service.spec;
    const bom = await this.stages.run("sbom", name, async () => {
      const [built] = needed<[BuiltImage]>("build", image);
      const bills = await billsOfMaterials(context, built, name, revision.version);
      const { components } = JSON.parse(await bills.cyclonedx.contents()) as { components?: { purl?: string }[] };
      this.files[`${name}/sbom.cdx.json`] = bills.cyclonedx;
      this.files[`${name}/sbom.spdx.json`] = bills.spdx;
      return { value: bills, detail: `CycloneDX and SPDX, ${plural((components ?? []).filter(({ purl }) => purl).length, "package")}` };
    });
    return await this.stages.run("scan", name, async () => {
      const [bills, built] = needed<[Bills, BuiltImage]>("sbom", bom, image);
      const result = await inspectImage(this.workshop, service, built, bills.cyclonedx);
      const verdict = gate(result, this.options.failOn);
      this.scans.push({ ...result, gate: verdict });
      if (!verdict.passed) throw gateError(verdict);
      return { value: bills, detail: verdict.sentence.replace(`scan ${name}: `, "") };
    });
  }

  private async integrate(prepared: Prepared, published: (Published | undefined)[], ahead: ClusterAhead, verified: true | undefined, demandedKey: string | undefined): Promise<Proven | undefined> {
    const { env } = this.options;
    return await this.stages.run("integrate", undefined, async () => {
      const all = needed<Published[]>("a stage of a service", ...published);
      needed<[true]>("verify", verified);
      const proven = await this.render(prepared, all);
      const { tree } = proven;
      this.rendered = tree;
      refuseByPolicy(tree, env, all.map(({ service }) => service.spec.name));
      const { verdict, reused, out } = await this.prove(prepared, all, ahead, demandedKey);
      this.evidence = this.evidence.withDirectory("integrate", out);
      const slowest = Math.max(...verdict.services.flatMap(({ drift }) => drift.map(({ healedSeconds }) => healedSeconds)));
      const detail = `Synced and Healthy at ${verdict.gitopsRevision.slice(0, 7)} on Kubernetes ${verdict.kubernetes}, answering, drift healed in ${slowest.toFixed(1)} s at most`;
      return { value: proven, detail, ...(reused ? { reused: { at: verdict.verifiedAt } } : {}) };
    });
  }

  /** The GitOps tree with these releases in it, and what of it is this run's to write. */
  private async render({ tip }: Prepared, all: readonly Published[]): Promise<Proven> {
    const { env } = this.options;
    const [base, seed, registry] = await Promise.all([this.workshop.base(), seedTree(this.workshop.settings.platform), this.workshop.registry()]);
    const withSecrets = ownersOf(all.filter(({ service }) => Object.keys(service.sealed).length > 0));
    const shared = { seed, owners: ownersOf(all), base, withSecrets, registry: registry.name, address: this.workshop.gitops()?.url };
    const releases = all.map(({ service: { spec, sealed }, revision: { version, revision: sourceRevision, time: sourceTime }, image: { image, digest } }) =>
      releaseFiles(spec, { service: spec.name, owner: spec.owner, env, version, sourceRevision, sourceTime, image, digest }, base, sealed));
    return {
      tree: Object.assign({ ...sharedFiles({ ...shared, tip: tip?.files ?? {} }).tree }, ...releases) as Tree,
      owned: all.map(({ service }) => releaseFolder(env, service.spec.name)),
      shared,
    };
  }

  /** Asks the cluster, unless an earlier run asked it the very same. */
  private async prove({ answers }: Prepared, all: readonly Published[], ahead: ClusterAhead, demandedKey: string | undefined): Promise<IntegrateResult> {
    const { env, fresh, limits } = this.options;
    const services = all.map(({ service: { spec }, image }) => ({
      name: spec.name, digest: image.digest, sourceRevision: image.sourceRevision,
      health: spec.health, ready: spec.ready, version: spec.version,
    }));
    const tree = provenTree(this.rendered, ownersOf(all));
    const demanded = demandedKey === undefined ? {} : { demandedKey };
    const key = answers?.proofKey({ env, services, tree, limits, ...demanded });
    const known = answers?.proof(key);
    if (key !== undefined) this.question = { env, key };
    if (known !== undefined) {
      this.proof = known.proof;
      return { verdict: known.proof.verdict, out: known.out, reused: true };
    }
    const cluster = await ahead.get();
    try {
      const result = await integrate({ ...cluster, services, tree, git: cluster.node, ...(fresh ? { fresh: this.id } : {}), ...(limits ? { timeouts: limits } : {}), ...demanded });
      if (key !== undefined) this.proof = { key, env, runId: this.id, verdict: result.verdict };
      return result;
    } catch (error) {
      if (error instanceof IntegrateFailure) this.evidence = this.evidence.withDirectory("integrate", claimEvidence(debian(this.workshop.context), error.planId, this.id));
      throw error;
    }
  }

  private async promote(proven: Proven | undefined, { tip, tipReadAt }: Prepared): Promise<void> {
    const repository = this.workshop.gitops()!;
    const where = { branch: repository.branch ?? "main", repository: repository.url ?? "the local GitOps repository" };
    await this.stages.run("promote", undefined, async () => {
      const [{ tree, owned, shared }] = needed<[Proven]>("a stage before it", proven);
      if (this.images.some(({ sourceRevision }) => isDirty(sourceRevision))) throw new UserError("promoting: the source has changes that no commit holds; commit them and run again");
      const desired = onlyOwned(tree, owned);
      const demandedKey = tip?.files[DEMANDED_KEY] ?? null;
      const verdicts = verdictsOf(this.stages.results);
      const evidence = Object.fromEntries(this.scans.map((scan) => [scan.service, evidenceOf(scan, this.options.failOn)]));
      const wanted = { desired, owned, shared, runId: this.id, by: this.workshop.by(), verdicts, evidence, provenBy: this.proof?.runId ?? this.id };
      // Asked a moment ago, the repository need not be asked again for the answer that there is nothing to write.
      const answered = tip !== undefined && Date.now() - tipReadAt < TIP_HOLDS_MS ? answeredBy(tip, wanted) : undefined;
      const result = answered ?? await writeRelease(await this.workshop.tools(), repository, { ...wanted, demandedKey, dryRun: this.options.dryRun });
      if (this.options.dryRun) {
        return { value: result, detail: result.files.length === 0 ? "dry run: nothing would change" : `dry run: would change ${result.files.join(", ")}` };
      }
      this.promotion = { ...outcome(result), ...where } as PromotionReport;
      return { value: result, detail: sentence(result, this.options.env) };
    });
  }

  private async report(changes: readonly ServiceChange[], found: Answers | undefined): Promise<RunReport> {
    const byService = (one: { service?: string }, other: { service?: string }): number => ((one.service ?? "~") < (other.service ?? "~") ? -1 : 1);
    const report: RunReport = {
      runId: this.id,
      env: this.options.env,
      startedAt: this.stages.startedAt(),
      seconds: this.stages.seconds(),
      stages: this.stages.results,
      images: [...this.images].sort(byService),
      scans: [...this.scans].sort(byService),
      changes,
      promotion: this.promotion,
      signing: this.journal.report,
    };
    let folder = found && this.takenOver.length > 0 ? this.evidence.withDirectory(".", found.filesOf(this.takenOver)) : this.evidence;
    for (const [path, file] of Object.entries(this.files)) folder = folder.withFile(path, file);
    for (const [path, text] of Object.entries(this.stages.logs)) folder = folder.withNewFile(`logs/${path}`, text);
    const answers = found?.toKeep(this.stages, this.images, this.scans) ?? {};
    const withdrawn = found?.toWithdraw(this.stages, this.question) ?? [];
    await keepReport(await this.workshop.tools(), { report, rendered: this.rendered, answers, withdrawn, ...(this.proof ? { proof: this.proof } : {}) }, folder);
    return report;
  }
}

function ownersOf(all: readonly Published[]): string[] {
  return all.map(({ service: { spec } }) => spec.owner);
}

function signableOf({ service, revision, image, bills }: Published): Signable {
  return { service, revision, reference: image.image, digest: image.digest, bills };
}

/** A tip that was read longer ago is read again before anything is said of it. */
const TIP_HOLDS_MS = 20_000;

/** What later gates judge by: it is kept in the release's record. */
function evidenceOf(scan: ScanReport, failOn: Threshold): Evidence {
  const found = scan.findings.filter(({ exception }) => exception === undefined).map(({ severity }) => SEVERITIES.indexOf(severity));
  return { worstFinding: found.length === 0 ? "none" : SEVERITIES[Math.max(...found)]!, failOn, scanData: scan.dataDate };
}

function outcome(result: WriteResult): { outcome: PromotionReport["outcome"]; commit?: string; by?: string; advice?: string } {
  if (result.proposal) return { outcome: "proposed", commit: result.proposal.commit, advice: result.proposal.advice };
  if (result.committed) return { outcome: result.released.length === 0 ? "shared" : "committed", commit: result.commit! };
  const newer = result.superseded[0];
  if (newer) return { outcome: "superseded", by: newer.by.version };
  return { outcome: "unchanged", commit: result.commit ?? "" };
}

function sentence(result: WriteResult, env: Environment): string {
  if (result.committed && result.released.length === 0) return `commit ${result.commit!.slice(0, 7)} on ${result.branch} brings ${result.files.join(", ")}; ${env} already runs this release`;
  if (result.committed) return `commit ${result.commit!.slice(0, 7)} on ${result.branch} releases ${result.released.join(", ")} to ${env}`;
  if (result.proposal) return `${result.branch} takes no direct pushes: ${result.proposal.advice}`;
  if (result.superseded.length > 0) return `nothing committed: ${env} has a newer release`;
  return `nothing to commit: ${env} already runs this release`;
}
