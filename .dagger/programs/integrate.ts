/**
 * Proves images and manifests under Argo CD: installs it on the cluster that KUBECONFIG names,
 * lets it deploy the tree that a Git server serves, and looks at what comes of it.
 *
 * Reads /work-input (plan.json, gitops.json, install/*.json); writes /out/verdict.json,
 * /out/timeline.txt and, on failure, /out/evidence/. The last line on stderr is the cause, and the exit code is 1.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Install } from "../src/lib/argocd-install.ts";
import { clusterTimes } from "../src/lib/cluster-times.ts";
import type { ReadyMarker } from "../src/lib/cluster-times.ts";
import type { ExpectedService, IntegratePlan, IntegrateVerdict, ServiceFacts } from "../src/lib/integrate-plan.ts";
import type { KubeObject } from "../src/lib/kube.ts";
import { SIGNATURE_FILE } from "../src/lib/signature-policy.ts";
import { WaitTimeout } from "../src/lib/wait.ts";
import { Api } from "./integrate-api.ts";
import { checkAnswers, checkDrift, checkPods, finalState } from "./integrate-checks.ts";
import { collectEvidence, keepEvidence } from "./integrate-evidence.ts";
import { installArgoCd, waitForApi, waitForArgoCd } from "./integrate-install.ts";
import { checkPolicies, checkSignatures } from "./integrate-policies.ts";
import { Cause, Progress } from "./integrate-progress.ts";
import { demandSignatures, installSignatures } from "./integrate-signatures.ts";
import { checkSoak } from "./integrate-soak.ts";
import { applySets, prepareGitops, waitForApplications, waitForSync } from "./integrate-sync.ts";

const INPUT = process.env["INTEGRATE_INPUT"] ?? "/work-input";
const OUT = process.env["INTEGRATE_OUT"] ?? "/out";
/** A folder that outlives the exec; left out when the program runs by hand. */
const KEPT = process.env["INTEGRATE_EVIDENCE"];
/** The embedded cluster tells its times here; k3s does not. */
const READY_MARKER = "/api/v1/namespaces/kube-system/configmaps/cluster-ready";

async function prove(api: Api, plan: IntegratePlan, progress: Progress, verdict: IntegrateVerdict): Promise<void> {
  const [install, gitops] = await Promise.all([readInstall(), readJson<KubeObject[]>("gitops.json")]);
  verdict.kubernetes = await progress.step("cluster API", () => waitForApi(api, plan, progress));
  await progress.step("install Argo CD", async () => {
    progress.say(`argocd: ${(await installArgoCd(api, install)) === "found" ? "the cluster began with it" : "installed"}`);
    await prepareGitops(api, plan, gitops);
  });
  const { demandedKey } = plan;
  await Promise.all([
    progress.step("Argo CD available", () => waitForArgoCd(api, install, plan, progress)),
    ...(demandedKey === undefined ? [] : [progress.step("signatures demanded", async () => {
      const signatures = await list(SIGNATURE_FILE);
      await installSignatures(api, signatures);
      await demandSignatures(api, signatures, demandedKey, progress);
    })]),
  ]);

  const sets = await progress.step("ApplicationSet", () => applySets(api, plan, gitops));
  await progress.step("Applications made", () => waitForApplications(api, plan, sets, progress));
  await progress.step("Synced and Healthy", () => waitForSync(api, plan, progress));

  const facts = await progress.step("digests and answers", () =>
    together(plan.services, async (service) => {
      const pods = await checkPods(api, plan, service);
      const { answers, reported } = await checkAnswers(api, plan, service);
      progress.say(`${service.name}: runs ${service.digest.slice(0, 19)}, answers, reports ${service.sourceRevision.slice(0, 12)}`);
      return { pods, answers, reported };
    }),
  );
  const policies = await progress.step("policies refuse", () => checkPolicies(api, plan, gitops));
  if (policies !== undefined) {
    verdict.policies = policies;
    progress.say(`policies: one workload admitted, ${policies.length} refused`);
  }
  if (demandedKey !== undefined) {
    const refused = await progress.step("signatures demanded of all", () => checkSignatures(api, plan));
    verdict.policies = [...(verdict.policies ?? []), refused];
    progress.say(`signatures: what runs is signed; ${refused}`);
  }
  const drifts = await progress.step("drift healed", () =>
    together(plan.services, async (service) => {
      const drift = await checkDrift(api, plan, service);
      for (const { change, healedSeconds } of drift) progress.say(`${service.name}: ${change}: healed in ${healedSeconds} s`);
      return drift;
    }),
  );
  if (plan.timeouts.soak > 0) {
    await progress.step("soak", () => together(plan.services, (service) => checkSoak(api, plan, service)));
  }
  const present = await progress.step("Synced and Healthy again", async () => {
    const state = await waitForSync(api, plan, progress);
    await together(plan.services, (service) => checkAnswers(api, plan, service));
    return state;
  });
  verdict.services = plan.services.map((service, index): ServiceFacts => {
    const { pods, answers, reported } = facts[index]!;
    const { name, digest, sourceRevision } = service;
    const application = finalState(plan, service, present);
    return { name, digest, sourceRevision, application, pods, answers, reportedVersion: reported, drift: drifts[index]! };
  });
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(join(INPUT, file), "utf8")) as T;
}

const list = async (file: string): Promise<KubeObject[]> => (await readJson<{ items: KubeObject[] }>(join("install", file))).items;

async function readInstall(): Promise<Install> {
  const [types, settings, workloads] = await Promise.all([list("1-types.json"), list("2-settings.json"), list("3-workloads.json")]);
  return { types, settings, workloads };
}

/** All services at once; every failure is told, not only the first. */
async function together<T>(services: ExpectedService[], work: (service: ExpectedService) => Promise<T>): Promise<T[]> {
  const results = await Promise.allSettled(services.map(work));
  const failed = results.filter((result) => result.status === "rejected").map((result) => result.reason as unknown);
  const defect = failed.find((error) => !(error instanceof Cause));
  if (defect !== undefined) throw defect;
  if (failed.length > 0) throw new Cause(failed.map((error) => (error as Cause).message).join(" | "));
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
}

async function main(): Promise<number> {
  const started = new Date();
  const progress = new Progress();
  const plan = await readJson<IntegratePlan>("plan.json");
  const verdict: IntegrateVerdict = {
    id: plan.id,
    passed: false,
    verifiedAt: "",
    env: plan.env,
    gitopsRevision: plan.gitops.revision,
    kubernetes: "",
    seconds: 0,
    steps: progress.steps,
    services: [],
  };
  await mkdir(OUT, { recursive: true });
  let api: Api | undefined;
  try {
    api = await Api.open();
    await prove(api, plan, progress, verdict);
    verdict.passed = true;
    // Times only: without them the proof is none the worse.
    const times = clusterTimes(await api.get<ReadyMarker>(READY_MARKER).catch(() => undefined), started);
    if (times !== undefined) verdict.cluster = times;
  } catch (error) {
    verdict.cause = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ").trim();
    // Only a defect of this program needs a stack; a cause is already the whole story.
    if (error instanceof Error && !(error instanceof Cause) && !(error instanceof WaitTimeout)) process.stderr.write(`${error.stack}\n`);
    await progress.step("evidence", () => collectEvidence(plan, join(OUT, "evidence")));
  } finally {
    api?.close();
  }
  verdict.verifiedAt = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  verdict.seconds = progress.seconds();
  await writeFile(join(OUT, "verdict.json"), `${JSON.stringify(verdict, null, 2)}\n`);
  const names = plan.services.map((service) => service.name).join(", ");
  progress.say(verdict.passed ? `passed: ${names} at ${plan.gitops.revision.slice(0, 12)}` : `failed: ${verdict.cause}`);
  await writeFile(join(OUT, "timeline.txt"), progress.lines.join(""));
  if (verdict.passed) return 0;
  if (KEPT !== undefined) await keepEvidence(OUT, join(KEPT, plan.id));
  process.stderr.write(`${verdict.cause}\n`);
  return 1;
}

process.exitCode = await main();
