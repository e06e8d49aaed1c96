import { dag, type Directory, type File } from "@dagger.io/dagger";
import { buildService, lintService, testService } from "./build.ts";
import { ClusterAhead } from "./cluster-ahead.ts";
import { checkManifests } from "./conform.ts";
import { keepReport, newRunId } from "./evidence.ts";
import { gateError, inspectHistory, inspectImage } from "./gate.ts";
import { readTip, writeRelease } from "./gitops.ts";
import type { BuiltImage } from "./image.ts";
import { IntegrateFailure, claimEvidence, integrate } from "./integrate.ts";
import type { ServiceChange } from "./lib/changes.ts";
import { clusterAheadAfterMs } from "./lib/cluster-ahead.ts";
import type { Tree } from "./lib/edits.ts";
import type { Environment } from "./lib/environments.ts";
import { CodedError, GATE_CODES, UserError, plural } from "./lib/errors.ts";
import { gate } from "./lib/findings.ts";
import { GATES_FILE } from "./lib/gates.ts";
import type { IntegrateTimeouts } from "./lib/integrate-plan.ts";
import type { ReadResult, WriteResult } from "./lib/gitops-io.ts";
import { type Plan, planRun, refuseImpossible } from "./lib/plan.ts";
import { manifestFindings, readPolicies } from "./lib/policy.ts";
import { answeredBy } from "./lib/release-plan.ts";
import { isDirty, parseRelease, releaseFiles, releaseFolder, releasePath } from "./lib/release.ts";
import type { Evidence } from "./lib/record.ts";
import { type ImageReport, type PromotionReport, type RunReport, type ScanReport, verdictsOf } from "./lib/report.ts";
import { PLATFORM_FILE, sharedFiles } from "./lib/shared-files.ts";
import type { SourceRevision } from "./lib/source-revision.ts";
import { PROJECT_FILES, projectPath } from "./lib/team-project.ts";
import { SEVERITIES, type Threshold } from "./lib/threshold.ts";
import { type Service, findServices, readTree } from "./project.ts";
import { publishImage } from "./registry.ts";
import { SHARED, sourceRevisions } from "./revision.ts";
import { type Bills, billsOfMaterials } from "./sbom.ts";
import { changesOf, historiesOf } from "./changes.ts";
import type { Workshop } from "./settings.ts";
import { Stages, needed } from "./stages.ts";
import { type Journal, POLICY_FOLDER, type Signable, signAll, verifyAll } from "./supply-chain.ts";
import { debian } from "./toolbox.ts";

export interface RunOptions {
  service?: string;
  env: Environment;
  failOn: Threshold;
  promote: boolean;
  fresh: boolean;
  dryRun: boolean;
  /** Limits of the proof that differ from the defaults. */
  limits?: Partial<IntegrateTimeouts>;
}

/** What is known before anything runs: services, their revisions, the GitOps repository's tip. */
export interface Prepared {
  services: Service[];
  revisions: Map<string, SourceRevision>;
  tip: ReadResult | undefined;
  /** When the tip was read, in milliseconds. */
  tipReadAt: number;
  plan: Plan;
}

/** Reads what the run depends on and decides what it will do; refuses bad input before any work. */
export async function prepare(workshop: Workshop, options: RunOptions): Promise<Prepared> {
  const { source, services: folder } = workshop.settings;
  const repository = workshop.gitops();
  if (options.promote && !repository) {
    throw new UserError("promoting: no GitOps repository is named; give --gitops <url> before the function, or use ./daggerw, which brings one");
  }
  const tools = await workshop.tools();
  const tipReadAt = Date.now();
  const describe = async (): Promise<Pick<Prepared, "services" | "revisions">> => {
    const services = await findServices(workshop.context, source, folder, options.service);
    return { services, revisions: await revisionsOf(workshop, services) };
  };
  const [{ services, revisions }, tip] = await Promise.all([
    describe(),
    repository ? readTip(tools, repository, ["argocd", "env", "holds", POLICY_FOLDER, GATES_FILE]) : undefined,
  ]);
  const inputs = services.map(({ spec }) => {
    const { revision } = revisions.get(spec.name)!;
    const path = releasePath(options.env, spec.name);
    const record = tip?.files[path];
    const changed = record === undefined || parseRelease(record, path).sourceRevision !== revision;
    return { spec, sourceRevision: revision, changed };
  });
  const plan = planRun(inputs, options);
  refuseImpossible(plan);
  return { services, revisions, tip, tipReadAt, plan };
}

/** What a GitOps repository begins with. */
async function seedTree(platform: Directory): Promise<Tree> {
  const [argocd, gates] = await Promise.all([readTree(platform, "argocd/*.yaml"), readTree(platform, GATES_FILE)]);
  return { ...argocd, ...gates };
}

/** Each service's source revision by its name. */
export async function revisionsOf(workshop: Workshop, services: Service[]): Promise<Map<string, SourceRevision>> {
  const folders = Object.fromEntries(services.map(({ spec, folder }) => [spec.name, folder]));
  const { revisions } = await sourceRevisions(await workshop.tools(), { source: workshop.settings.source, services: folders, shared: SHARED });
  return new Map(revisions.map((revision) => [revision.service, revision]));
}

/** Builds one service's image from its folder and its source revision. */
export async function buildImage(workshop: Workshop, service: Service, revision: SourceRevision): Promise<BuiltImage> {
  return await buildService(workshop.context, service.spec, service.source, {
    version: revision.version,
    sourceRevision: revision.revision,
    sourceTime: revision.time,
  });
}

interface Published {
  service: Service;
  revision: SourceRevision;
  image: ImageReport;
  bills: Bills;
}

/** What a proof allows to be committed. */
interface Proven {
  tree: Tree;
  owned: string[];
}

/** One run of the golden path over some services. */
export class Run {
  readonly id = newRunId();
  readonly stages = new Stages();
  readonly images: ImageReport[] = [];
  readonly scans: ScanReport[] = [];
  private readonly files: Record<string, File> = {};
  private readonly workshop: Workshop;
  private readonly options: RunOptions;
  private promotion: PromotionReport = { outcome: "not-asked" };
  private evidence: Directory = dag.directory();
  /** The GitOps tree that was rendered, as far as it came to that. */
  private rendered: Tree = {};
  private readonly journal: Journal;

  constructor(workshop: Workshop, options: RunOptions) {
    this.workshop = workshop;
    this.options = options;
    this.journal = { stages: this.stages, runId: this.id, startedOn: this.stages.startedAt(), report: { notes: [], images: [] } };
  }

  /** Runs everything that the plan asks for; the report tells how each stage ended. */
  async execute(prepared: Prepared): Promise<RunReport> {
    const histories = historiesOf(this.workshop, prepared, this.options.env);
    const ahead = new ClusterAhead(this.workshop, this.options.env, clusterAheadAfterMs(prepared.plan));
    const secrets = this.secrets();
    const prove = async () => {
      const published = await Promise.all(prepared.services.map((service) => this.service(service, prepared.revisions.get(service.spec.name)!)));
      ahead.hold();
      const signable = published.map((one) => one && signableOf(one));
      const [proven, signed] = await Promise.all([this.integrate(prepared, published, ahead), signAll(this.workshop, signable, this.journal)]);
      return { signable, proven, signed };
    };
    const { signable, proven, signed } = await prove().finally(async () => await ahead.end());
    const clean = await secrets;
    if (this.options.promote) {
      const verified = await verifyAll(this.workshop, signable, signed, prepared.tip?.files ?? {}, this.journal);
      await this.promote(verified && clean && proven, prepared);
    }
    const changes = changesOf(prepared, this.options.env, this.rendered, this.images, await histories);
    return await this.report(changes);
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

  private async integrate(prepared: Prepared, published: (Published | undefined)[], ahead: ClusterAhead): Promise<Proven | undefined> {
    const { env, fresh, limits } = this.options;
    return await this.stages.run("integrate", undefined, async () => {
      const all = needed<Published[]>("a stage of a service", ...published);
      const { context, settings } = this.workshop;
      const [base, platform, registry, cluster] = await Promise.all([
        this.workshop.base(),
        seedTree(settings.platform),
        this.workshop.registry(),
        ahead.get(),
      ]);
      const owners = all.map(({ service: { spec } }) => spec.owner);
      const shared = sharedFiles({ seed: platform, tip: prepared.tip?.files ?? {}, owners, base, registry: registry.name, address: this.workshop.gitops()?.url });
      const tree: Tree = { ...shared.tree };
      for (const { service, revision, image } of all) {
        const release = {
          service: service.spec.name, owner: service.spec.owner, env, version: revision.version,
          sourceRevision: revision.revision, sourceTime: revision.time, image: image.image, digest: image.digest,
        };
        Object.assign(tree, releaseFiles(service.spec, release, base));
      }
      this.rendered = tree;
      refuseByPolicy(tree, env, all.map(({ service }) => service.spec.name));
      try {
        const { verdict, reused, out } = await integrate({
          ...cluster,
          services: all.map(({ service: { spec }, image }) => ({
            name: spec.name, digest: image.digest, sourceRevision: image.sourceRevision,
            health: spec.health, ready: spec.ready, version: spec.version,
          })),
          tree: provenTree(tree, owners),
          git: cluster.node,
          ...(fresh ? { fresh: this.id } : {}),
          ...(limits ? { timeouts: limits } : {}),
        });
        this.evidence = this.evidence.withDirectory("integrate", out);
        const slowest = Math.max(...verdict.services.flatMap(({ drift }) => drift.map(({ healedSeconds }) => healedSeconds)));
        const detail = `Synced and Healthy at ${verdict.gitopsRevision.slice(0, 7)} on Kubernetes ${verdict.kubernetes}, answering, drift healed in ${slowest.toFixed(1)} s at most`;
        const owned = [...shared.owned, ...all.map(({ service }) => releaseFolder(env, service.spec.name))];
        return { value: { tree, owned }, detail, ...(reused ? { reused: { at: verdict.verifiedAt } } : {}) };
      } catch (error) {
        if (error instanceof IntegrateFailure) this.evidence = this.evidence.withDirectory("integrate", claimEvidence(debian(context), error.planId, this.id));
        throw error;
      }
    });
  }

  private async promote(proven: Proven | undefined, { tip, tipReadAt }: Prepared): Promise<void> {
    const repository = this.workshop.gitops()!;
    const where = { branch: repository.branch ?? "main", repository: repository.url ?? "the local GitOps repository" };
    await this.stages.run("promote", undefined, async () => {
      const [{ tree, owned }] = needed<[Proven]>("a stage before it", proven);
      if (this.images.some(({ sourceRevision }) => isDirty(sourceRevision))) throw new UserError("promoting: the source has changes that no commit holds; commit them and run again");
      const desired = onlyOwned(tree, owned);
      const verdicts = verdictsOf(this.stages.results);
      const evidence = Object.fromEntries(this.scans.map((scan) => [scan.service, evidenceOf(scan, this.options.failOn)]));
      const wanted = { desired, owned, runId: this.id, by: this.workshop.by(), verdicts, evidence };
      // Asked a moment ago, the repository need not be asked again for the answer that there is nothing to write.
      const answered = tip !== undefined && Date.now() - tipReadAt < TIP_HOLDS_MS ? answeredBy(tip, wanted) : undefined;
      const result = answered ?? await writeRelease(await this.workshop.tools(), repository, { ...wanted, dryRun: this.options.dryRun });
      if (this.options.dryRun) {
        return { value: result, detail: result.files.length === 0 ? "dry run: nothing would change" : `dry run: would change ${result.files.join(", ")}` };
      }
      this.promotion = { ...outcome(result), ...where } as PromotionReport;
      return { value: result, detail: sentence(result, this.options.env) };
    });
  }

  private async report(changes: readonly ServiceChange[]): Promise<RunReport> {
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
    let folder = this.evidence;
    for (const [path, file] of Object.entries(this.files)) folder = folder.withFile(path, file);
    for (const [path, text] of Object.entries(this.stages.logs)) folder = folder.withNewFile(`logs/${path}`, text);
    await keepReport(await this.workshop.tools(), { report, rendered: this.rendered }, folder);
    return report;
  }
}

function signableOf({ service, revision, image, bills }: Published): Signable {
  return { service, revision, reference: image.image, digest: image.digest, bills };
}

/** A tip that was read longer ago is read again before anything is said of it. */
const TIP_HOLDS_MS = 60_000;

/** Where the GitOps repository keeps what its clusters refuse. */
const POLICY_FILES = "argocd/policy-";

/** Without what says nothing of what runs: who may promote what, other teams' projects, who reconciles the folder. A change of them asks for no new proof. */
function provenTree(tree: Tree, owners: readonly string[]): Tree {
  const projects = owners.map(projectPath);
  const counts = (path: string): boolean => path !== GATES_FILE && path !== PLATFORM_FILE && (!path.startsWith(PROJECT_FILES) || projects.includes(path));
  return Object.fromEntries(Object.entries(tree).filter(([path]) => counts(path)));
}

/** The cluster's own policies, asked before a cluster is started. */
function refuseByPolicy(tree: Tree, env: Environment, services: readonly string[]): void {
  const policies = readPolicies(onlyOwned(tree, Object.keys(tree).filter((path) => path.startsWith(POLICY_FILES))));
  const findings = services.flatMap((name) => manifestFindings(policies, name, name, onlyOwned(tree, [`${releaseFolder(env, name)}/manifests`])));
  if (findings.length === 0) return;
  const named = findings.slice(0, 5).map(({ package: name, location, id }) => `${name}: ${location} (${id})`);
  throw new CodedError(GATE_CODES.findings, `policies: the cluster would refuse ${named.join("; ")}; correct k8s/base or the service, or the policies in ${POLICY_FILES}*.yaml of the GitOps repository`);
}

function onlyOwned(tree: Tree, owned: readonly string[]): Tree {
  return Object.fromEntries(Object.entries(tree).filter(([path]) => owned.some((place) => path === place || path.startsWith(`${place}/`))));
}

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
