/**
 * The golden path: from a service's source to a proven release in Git.
 *
 * Tests the services, builds them as distroless images, lists what is in them and
 * checks it, deploys those very images with Argo CD on an ephemeral Kubernetes,
 * and commits the release to a GitOps repository.
 */
import { argument, func, object } from "@dagger.io/dagger";
import type { Container, Directory, File, Secret, Service } from "@dagger.io/dagger";
import { lintService, testService } from "./build.ts";
import { checkManifests } from "./conform.ts";
import { relock } from "./debian.ts";
import { auditOf, liftHold, planOfPromotion, promoteTo, rollBack } from "./delivery.ts";
import { newRunId, readEvidence } from "./evidence.ts";
import { inspectImage } from "./gate.ts";
import { asContainer, type BuiltImage } from "./image.ts";
import { UserError } from "./lib/errors.ts";
import { ENVIRONMENTS, environmentNamed, parseEnvironment } from "./lib/environments.ts";
import { gate } from "./lib/findings.ts";
import { proofLimits } from "./lib/integrate-limits.ts";
import { renderPlan } from "./lib/plan.ts";
import { renderSummary } from "./lib/report.ts";
import { parseLanguage } from "./lib/service-spec.ts";
import { parseThreshold } from "./lib/threshold.ts";
import { Run } from "./pipeline.ts";
import { type RunOptions, buildImage, prepare, revisionsOf } from "./prepare.ts";
import { localPlatform } from "./platform.ts";
import { type Service as ProjectService, findServices } from "./project.ts";
import { publishImage } from "./registry.ts";
import { coded, told } from "./refusal.ts";
import { billIn, billsOfMaterials } from "./sbom.ts";
import { Scan } from "./scan-object.ts";
import { serve } from "./serve.ts";
import { signOne, verifyNamed } from "./sign-verify.ts";
import { cosignTool } from "./signing-tools.ts";
import { sopsTools } from "./sops.ts";
import { type Settings, Workshop } from "./settings.ts";
import { debian } from "./toolbox.ts";

@object()
export class GoldenPath {
  private readonly source: Directory;
  private readonly services: string;
  private readonly base: Directory;
  private readonly platform: Directory;
  private readonly registry: string;
  private readonly registryAuth?: Secret;
  private readonly gitops: string;
  private readonly gitopsService?: Service;
  private readonly gitopsToken?: Secret;
  private readonly gitopsSshKey?: Secret;
  private readonly gitopsKnownHosts?: File;
  private readonly branch: string;
  private readonly by: string;
  private readonly images: string[];
  private readonly mirrors?: Secret;
  private readonly signingKey?: Secret;
  private readonly signingPassword?: Secret;
  private readonly verifyKey?: File;
  private readonly identityToken?: Secret;
  private readonly signingIdentity: string;
  private readonly signingIssuer: string;
  private readonly advisories?: Directory;
  private readonly advisoriesUrl: string;
  private readonly ageKey?: Secret;

  /**
   * @param source The checkout with the services, its .git included
   * @param services Folder in which each service has a folder with a service.yaml
   * @param base The golden base that manifests are rendered from
   * @param platform What a new GitOps repository begins with (argocd/)
   * @param registry Where images go, as in ghcr.io/team; left out: a registry of the engine's own
   * @param registryAuth A config.json with the registry's credentials
   * @param gitops Address of the GitOps repository (https, ssh, git)
   * @param gitopsService A Git server that holds it at /gitops.git, in place of the address
   * @param gitopsToken Token for https
   * @param gitopsSshKey Private key for ssh
   * @param gitopsKnownHosts Host keys for ssh
   * @param branch Branch of the GitOps repository
   * @param by Who runs this, for the record in the GitOps repository: a person, or a CI's account
   * @param images Images that this network has elsewhere, as name=reference (debian, cluster, argocd, redis)
   * @param mirrors Package mirrors of this network, as KEY=VALUE lines
   * @param signingKey Key to sign images with, made by cosign; left out: images are not signed
   * @param signingPassword The signing key's password
   * @param verifyKey Public key that images must be signed with; left out: that of the signing key
   * @param identityToken OIDC token to sign with, in place of a key (keyless)
   * @param signingIdentity Keyless: whose certificate counts
   * @param signingIssuer Keyless: who must have vouched for that identity
   * @param advisories Folder of OSV records (JSON files, or <Ecosystem>/all.zip) to compare dependencies with
   * @param advisoriesUrl A mirror of osv.dev's records, or osv.dev's own, in place of a folder
   * @param ageKey Keys that decrypt services' secrets, as age-keygen writes them; only the local platform uses them
   */
  constructor(
    @argument({ defaultPath: "/", ignore: ["**/node_modules", "**/dist", "**/.venv", "**/__pycache__", ".dagger/sdk"] }) source: Directory,
    @argument({ defaultPath: "/k8s/base" }) base: Directory,
    @argument({ defaultPath: "/gitops" }) platform: Directory,
    services = "service",
    registry = "",
    gitops = "",
    branch = "main",
    by = "",
    images: string[] = [],
    registryAuth?: Secret,
    gitopsService?: Service,
    gitopsToken?: Secret,
    gitopsSshKey?: Secret,
    gitopsKnownHosts?: File,
    mirrors?: Secret,
    signingKey?: Secret,
    signingPassword?: Secret,
    verifyKey?: File,
    identityToken?: Secret,
    signingIdentity = "",
    signingIssuer = "",
    advisories?: Directory,
    advisoriesUrl = "",
    ageKey?: Secret,
  ) {
    this.source = source;
    this.services = services;
    this.base = base;
    this.platform = platform;
    this.registry = registry;
    this.gitops = gitops;
    this.branch = branch;
    this.by = by;
    this.images = images;
    this.registryAuth = registryAuth;
    this.gitopsService = gitopsService;
    this.gitopsToken = gitopsToken;
    this.gitopsSshKey = gitopsSshKey;
    this.gitopsKnownHosts = gitopsKnownHosts;
    this.mirrors = mirrors;
    this.signingKey = signingKey;
    this.signingPassword = signingPassword;
    this.verifyKey = verifyKey;
    this.identityToken = identityToken;
    this.signingIdentity = signingIdentity;
    this.signingIssuer = signingIssuer;
    this.advisories = advisories;
    this.advisoriesUrl = advisoriesUrl;
    this.ageKey = ageKey;
  }

  /**
   * Run every stage; with --promote, commit the result to --env.
   *
   * Example: dagger call ci --promote
   *
   * @param service Only this service; all when left out
   * @param env The environment to render for and to promote to (dev, stage, prod)
   * @param failOn The severity from which on a finding fails the run (none, unknown, low, medium, high, critical)
   * @param promote Commit the release when everything passed
   * @param fresh Prove again, even where an earlier verdict answers
   * @param dryRun With --promote: say what would be committed, commit nothing
   * @param timeout Seconds after which each wait of the proof is given up; left out: each has its own limit
   * @param soak Seconds for which the proven services are watched before they count as proven
   */
  @func({ cache: "never" })
  async ci(
    service = "", env = "dev", failOn = "high", promote = false, fresh = false, dryRun = false, timeout = 0, soak = 0,
  ): Promise<string> {
    const limits = proofLimits(timeout, soak);
    const options: RunOptions = { service, env: parseEnvironment(env), failOn: parseThreshold(failOn), promote, fresh, dryRun, ...(limits ? { limits } : {}) };
    const workshop = this.workshop();
    const run = new Run(workshop, options);
    const report = await run.execute(await prepare(workshop, options, run.id));
    const summary = renderSummary(report);
    if (run.stages.failed()) throw await run.stages.error(workshop.context, summary);
    return summary;
  }

  /**
   * Show what ci would do and why, as JSON; with --to every gate of a promotion with its evidence.
   *
   * Example: dagger call plan --to stage
   *
   * @param to Look at the promotion to this environment (stage, prod) in place of a run
   */
  @func({ cache: "never" })
  async plan(service = "", env = "dev", failOn = "high", promote = false, fresh = false, to = ""): Promise<string> {
    if (to !== "") return await planOfPromotion(this.workshop(), { to: environmentNamed(to, "--to"), service });
    const options: RunOptions = { service, env: parseEnvironment(env), failOn: parseThreshold(failOn), promote, fresh, dryRun: false };
    return renderPlan((await prepare(this.workshop(), options)).plan);
  }

  /**
   * All reports of a run, as a directory; the last run when --run is left out.
   *
   * Example: dagger call report --run 20261122-031500-ab12 export --path report
   */
  @func({ cache: "never" })
  async report(run = ""): Promise<Directory> {
    return await readEvidence(debian(this.workshop().context), run);
  }

  /**
   * Check the services' style and types, and their manifests against Kubernetes' schemas.
   *
   * Example: dagger call lint --service backend
   */
  @func({ cache: "never" })
  async lint(service = ""): Promise<string> {
    return await this.each(service, async (workshop, one) => (await Promise.all([
      lintService(workshop.context, one.spec, one.source).then((checked) => checked.stdout()),
      ...ENVIRONMENTS.map(async (env) => await checkManifests(workshop.context, one.spec, env, await workshop.base())),
    ])).join("\n"));
  }

  /**
   * Run the services' unit tests.
   *
   * Example: dagger call test --service backend
   */
  @func({ cache: "never" })
  async test(service = ""): Promise<string> {
    return await this.each(service, async (workshop, one) => await (await testService(workshop.context, one.spec, one.source)).stdout());
  }

  /**
   * Build one service as a distroless image.
   *
   * Example: dagger call build --service backend
   */
  @func({ cache: "never" })
  async build(service: string): Promise<Container> {
    return asContainer((await this.built(service)).image);
  }

  /**
   * The image of one service as an OCI archive, byte for byte as it is published.
   *
   * Example: dagger call archive --service backend export --path backend.tar
   */
  @func({ cache: "never" })
  async archive(service: string): Promise<File> {
    return (await this.built(service)).image.archive;
  }

  /**
   * Bill of materials of one image, as JSON (cyclonedx, spdx).
   *
   * Example: dagger call sbom --service backend contents
   */
  @func({ cache: "never" })
  async sbom(service: string, format = "cyclonedx"): Promise<File> {
    const { workshop, image, version } = await this.built(service);
    return billIn(await told(coded(workshop.context, billsOfMaterials(workshop.context, image, service, version))), format);
  }

  /**
   * Findings of one image, and the gate.
   *
   * Example: dagger call scan --service backend table
   */
  @func({ cache: "never" })
  async scan(service: string, failOn = "high"): Promise<Scan> {
    const threshold = parseThreshold(failOn);
    const { workshop, image, version, found } = await this.built(service);
    const look = async () => await inspectImage(workshop, found, image, (await billsOfMaterials(workshop.context, image, service, version)).cyclonedx);
    const result = await told(coded(workshop.context, look()));
    const { passed, sentence, code = 0 } = gate(result, threshold);
    return new Scan(passed, sentence, JSON.stringify(result, null, 2) + "\n", code, debian(workshop.context));
  }

  /**
   * Push one image; return its digest reference.
   *
   * Example: dagger call --registry ghcr.io/team publish --service backend
   */
  @func({ cache: "never" })
  async publish(service: string): Promise<string> {
    const { workshop, image, version } = await this.built(service);
    return await publishImage(workshop.context, await workshop.registry(), image, service, version, newRunId());
  }

  /**
   * Push one image, sign it by digest, and attach its bills of materials and its provenance.
   *
   * Example: dagger call --signing-key file:cosign.key --signing-password env:COSIGN_PASSWORD sign --service backend
   */
  @func({ cache: "never" })
  async sign(service: string): Promise<string> {
    return await signOne(this.workshop(), service);
  }

  /**
   * Verify an image by digest: signature, provenance and bills of materials; each refusal has an exit code of its own.
   *
   * Example: dagger call --verify-key cosign.pub verify --image ghcr.io/team/backend@sha256:…
   *
   * @param service The image that this source builds; all services when left out. With --image: what that must have been built from
   * @param image An image by digest, or by a tag that must point to what was signed under it
   * @param env Everything that this environment's releases name, in place of the source's
   * @param rebuild Also build it again with nothing reused, and compare the digests
   */
  @func({ cache: "never" })
  async verify(service = "", image = "", env = "", rebuild = false): Promise<string> {
    return await told(verifyNamed(this.workshop(), { service, image, env, rebuild }));
  }

  /**
   * The pinned cosign, to make keys with and to verify elsewhere.
   *
   * Example: dagger call cosign export --path cosign
   */
  @func({ cache: "never" })
  async cosign(): Promise<File> {
    return await cosignTool(this.workshop().context);
  }

  /**
   * The pinned sops, and age-keygen beside it, to encrypt services' secrets with.
   *
   * Example: dagger call sops export --path tools
   */
  @func({ cache: "never" })
  async sops(): Promise<Directory> {
    return await sopsTools(this.workshop().context);
  }

  /**
   * Prove the images with Argo CD on an ephemeral cluster, as ci does; nothing is promoted.
   *
   * Example: dagger call integrate --env dev
   */
  @func({ cache: "never" })
  async integrate(service = "", env = "dev", failOn = "high", fresh = false, timeout = 0, soak = 0): Promise<string> {
    return await this.ci(service, env, failOn, false, fresh, false, timeout, soak);
  }

  /**
   * Commit a release to an environment.
   *
   * With --to: exactly what the environment before runs, the same digest, nothing is built; refused unless every gate passes.
   * Without: builds and proves what is in the source first, as ci --promote does.
   *
   * Example: dagger call promote --to stage
   *
   * @param to The environment (stage, prod) that takes what the one before it runs
   * @param env Without --to: the environment to build, prove and commit for
   * @param dryRun Show the diff, commit nothing
   */
  @func({ cache: "never" })
  async promote(service = "", env = "dev", failOn = "high", dryRun = false, to = ""): Promise<string> {
    if (to !== "") return await told(promoteTo(this.workshop(), { to: environmentNamed(to, "--to"), service, dryRun }));
    return await this.ci(service, env, failOn, true, false, dryRun);
  }

  /**
   * Return an environment to an earlier release, and hold the one that goes.
   *
   * Example: dagger call rollback --env prod --reason "it answers 500"
   *
   * @param service Only this service; what the environment's last release brought when left out
   * @param release The version, digest or source revision to go back to; the one before when left out
   */
  @func({ cache: "never" })
  async rollback(env: string, service = "", release = "", reason = "", dryRun = false): Promise<string> {
    return await told(rollBack(this.workshop(), { env: parseEnvironment(env), service, release, reason, dryRun }));
  }

  /**
   * Lift a hold, so that its release may be written again.
   *
   * Example: dagger call lift --env prod --service backend --reason "the database was down, not the release"
   *
   * @param release The version or digest that is held; may be left out where there is one
   */
  @func({ cache: "never" })
  async lift(env: string, service: string, reason: string, release = ""): Promise<string> {
    return await liftHold(this.workshop(), { env: parseEnvironment(env), service, reason, release });
  }

  /**
   * What runs where, since when, from which source, by which gates, and what is held: from Git alone.
   *
   * Example: dagger call status
   *
   * @param format table or json
   */
  @func({ cache: "never" })
  async status(env = "", service = "", format = "table"): Promise<string> {
    return await auditOf(this.workshop(), { ...(env === "" ? {} : { env: parseEnvironment(env) }), ...(service === "" ? {} : { service }) }, format);
  }

  /**
   * How an environment came to what it runs, newest first: from Git alone.
   *
   * Example: dagger call history --env prod
   *
   * @param last At most so many commits
   * @param format table or json
   */
  @func({ cache: "never" })
  async history(env = "", service = "", last = 20, format = "table"): Promise<string> {
    return await auditOf(this.workshop(), { ...(env === "" ? {} : { env: parseEnvironment(env) }), ...(service === "" ? {} : { service }), last }, format);
  }

  /**
   * Run the built services together behind one entry: the first exposed one at /, each at <name>.localhost.
   *
   * Example: dagger call serve up --ports 8080:8080
   *
   * @param service Only this service; all when left out
   */
  @func({ cache: "never" })
  async serve(service = ""): Promise<Service> {
    return await serve(this.workshop(), service);
  }

  /**
   * Run a kept cluster whose Argo CD follows the GitOps repository; `npm run platform -- up` calls it and holds it.
   *
   * Goes on until the call is ended; answers through connections that it makes to --entry.
   *
   * Example: dagger call local-platform --entry tcp://127.0.0.1:8090
   *
   * @param entry Where this machine waits for the platform to call
   */
  @func({ cache: "never" })
  async localPlatform(entry: Service): Promise<string> {
    return await localPlatform(this.workshop(), entry);
  }

  /**
   * Resolve a runtime's Debian packages anew, as the lock file to commit.
   *
   * Example: dagger call relock --runtime python export --path .dagger/locks/python.json
   */
  @func({ cache: "never" })
  async relock(runtime: string): Promise<File> {
    return await relock(this.workshop().context, parseLanguage(runtime), new Date().toISOString());
  }

  private workshop(): Workshop {
    return new Workshop(this as unknown as Settings);
  }

  private async built(name: string): Promise<{ workshop: Workshop; image: BuiltImage; version: string; found: ProjectService }> {
    const workshop = this.workshop();
    const [service] = await findServices(workshop.context, this.source, this.services, name);
    if (!service) throw new UserError("--service: no name is given; name one service");
    const revision = (await revisionsOf(workshop, [service])).get(service.spec.name)!;
    return { workshop, image: await buildImage(workshop, service, revision), version: revision.version, found: service };
  }

  private async each(name: string, work: (workshop: Workshop, service: ProjectService) => Promise<string>): Promise<string> {
    const workshop = this.workshop();
    const services = await findServices(workshop.context, this.source, this.services, name);
    const outputs = await Promise.all(services.map(async (service) => `## ${service.spec.name}\n${(await work(workshop, service)).trim()}\n`));
    return outputs.join("\n");
  }
}
