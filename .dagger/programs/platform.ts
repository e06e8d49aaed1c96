/**
 * Runs a kept cluster's Argo CD and follows the GitOps repository with it, until it is ended.
 *
 * Reads /work-input (platform.json, install/) and KUBECONFIG; answers requests
 * that come through the entry: its own status at /-/status, everything else by a service's name.
 * Ends with exit code 1 and one sentence when the cluster is lost.
 */
import { lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { join } from "node:path";
import { gitService } from "../src/lib/argocd-install.ts";
import type { Install } from "../src/lib/argocd-install.ts";
import { routeOf } from "../src/lib/entry-route.ts";
import { DEFAULT_TIMEOUTS } from "../src/lib/integrate-plan.ts";
import type { IntegratePlan } from "../src/lib/integrate-plan.ts";
import type { KubeObject } from "../src/lib/kube.ts";
import { ageSecret, pluginConfig, sidecar } from "../src/lib/decrypt.ts";
import { AGE_KEYS, GIT_SERVICE, addressForPods, gitPolicy, literalGitService } from "../src/lib/local-platform.ts";
import type { PlatformPlan } from "../src/lib/local-platform.ts";
import { SIGNATURE_FILE } from "../src/lib/signature-policy.ts";
import { SURROUNDINGS } from "../src/lib/surroundings.ts";
import { forward, hostOf, say, sayUnknown } from "./entry-forward.ts";
import { Api } from "./integrate-api.ts";
import { applyAll, installArgoCd, waitForApi, waitForArgoCd } from "./integrate-install.ts";
import { Progress } from "./integrate-progress.ts";
import { installSignatures } from "./integrate-signatures.ts";
import { Demand } from "./platform-demand.ts";
import { Follower } from "./platform-follow.ts";
import { Repository } from "./platform-git.ts";
import { PodAgent } from "./platform-pods.ts";
import { answerThrough } from "./platform-tunnel.ts";

const INPUT = process.env["PLATFORM_INPUT"] ?? "/work-input";

async function json<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(INPUT, name), "utf8")) as T;
}

async function prepare(api: Api, follower: Follower, plan: PlatformPlan, signatures: readonly KubeObject[], progress: Progress): Promise<void> {
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    follower.status.doing = name;
    return await progress.step(name, work);
  };
  const install = await readInstall();
  const like = expecting(plan);
  await follower.repository.open();
  follower.status.kubernetes = await step("cluster API", () => waitForApi(api, like, progress));
  await step("install Argo CD", async () => {
    await installArgoCd(api, install);
    if (plan.decrypter === undefined) return;
    await applyAll(api, [pluginConfig(), ageSecret(await readFile(AGE_KEYS, "utf8"))]);
    await applyAll(api, [sidecar(plan.decrypter)], "golden-path-secrets");
  });
  if (signatures.length > 0) await step("install what verifies signatures", () => installSignatures(api, signatures));
  await step("environments", async () => {
    const { environments, gitops: { server } } = plan;
    await applyAll(api, environments.map((name) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } })));
    if (server !== undefined) {
      const { address: ip } = await lookup(server.host, { family: 4 });
      const policies = environments.map((name) => gitPolicy(name, ip, server.port));
      await applyAll(api, [...gitService(GIT_SERVICE, ip, server.port), ...literalGitService(ip, server.port), ...policies]);
    }
    await applyAll(api, environments.map((namespace) => surroundings(namespace, like.gitops.url)));
  });
  await step("Argo CD available", () => waitForArgoCd(api, install, like, progress));
  await step("AppProject and ApplicationSet", async () => {
    await follower.lookForReleases();
    await follower.bringOwn();
  });
}

const list = async (file: string): Promise<KubeObject[]> => (await json<{ items: KubeObject[] }>(join("install", file))).items;

async function readInstall(): Promise<Install> {
  const [types, settings, workloads] = await Promise.all([list("1-types.json"), list("2-settings.json"), list("3-workloads.json")]);
  return { types, settings, workloads };
}

/** The parts that prove a release take a plan of that kind; here no service is expected. */
function expecting(plan: PlatformPlan): IntegratePlan {
  const gitops = { url: addressForPods(plan.gitops), revision: "" };
  return { id: "local-platform", env: "", services: [], timeouts: DEFAULT_TIMEOUTS, gitops };
}

/** What services of an environment may know of where they run. */
function surroundings(namespace: string, repository: string): KubeObject {
  const { configMap: name, gitopsRepository: key } = SURROUNDINGS;
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data: { [key]: repository } };
}

async function main(): Promise<void> {
  const plan = await json<PlatformPlan>("platform.json");
  const progress = new Progress();
  const api = await Api.open();
  const signatures = plan.signatures === "verified" ? await list(SIGNATURE_FILE) : [];
  const follower = new Follower(api, plan, new Repository(plan.gitops.url, plan.gitops.branch), new Demand(api, plan, signatures, progress), progress);
  const agents = new Map<string, PodAgent>();

  const answer = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    const { status } = follower;
    if (request.url === "/-/status") return say(response, 200, status);
    const decision = routeOf(hostOf(request), request.url, status.services, status.front);
    if (!("name" in decision) || decision.name === undefined) return sayUnknown(response, decision, status.services, nothingYet(status.state));
    const [service = "", env = ""] = decision.name.split(".");
    const agent = agents.get(decision.name) ?? new PodAgent(api, env, service);
    agents.set(decision.name, agent);
    forward(request, response, service, decision.path, { host: service, port: 80, agent });
  };
  answerThrough(plan.entry, answer);
  try {
    await prepare(api, follower, plan, signatures, progress);
    await follower.follow();
  } catch (error) {
    const cause = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ").trim();
    follower.status.state = "failed";
    follower.status.doing = cause;
    process.stderr.write(`${cause}\n`);
    // Whoever asks for the status next is told before the end.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    process.exit(1);
  }
}

function nothingYet(state: string): string {
  return state === "ready" ? "nothing is released yet: ./daggerw call ci --promote" : "the platform is starting: npm run platform -- status";
}

await main();
