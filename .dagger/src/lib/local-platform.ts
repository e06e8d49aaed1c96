/** The local platform: what its program is told, and what it tells about itself. Pure; no Dagger. */

import { ARGOCD_NAMESPACE } from "./argocd-install.ts";
import { type ResourceResult, failureOf } from "./health.ts";
import type { StepTime } from "./integrate-plan.ts";
import type { KubeObject } from "./kube.ts";
import type { RecoveryLimits, RecoveryPhase } from "./recovery.ts";
import { GITOPS_LABEL, SURROUNDINGS } from "./surroundings.ts";

/** Written for the program that runs beside the kept cluster. */
export interface PlatformPlan {
  gitops: {
    /** As the program reaches it. */
    url: string;
    branch: string;
    /** Where pods reach it: a host and port of the pipeline's network, else the address itself. */
    server?: { host: string; port: number };
  };
  environments: string[];
  /** How long a release that comes may take, and how long it is followed. */
  recovery: RecoveryLimits;
  /** Where the person's machine waits to be called, `host:port`. */
  entry: string;
  /** The image that decrypts secrets, as pods name it; left out where no key was given. */
  decrypter?: string;
  /** Whether the cluster has what verifies signatures; `not-demanded` when it was started, or `never` in one of this kind. */
  signatures: "verified" | "not-demanded" | "never";
}

/** Where the program finds the keys. */
export const AGE_KEYS = "/run/golden-path/age-keys.txt";

/** One Application, as a person wants to see it. */
export interface ApplicationState {
  env: string;
  service: string;
  version: string;
  sync: string;
  health: string;
  /** Commit of the GitOps repository that was compared last. */
  revision: string;
  message?: string;
}

/** What became of a release that came while the platform ran. */
export interface ShownRecovery {
  env: string;
  service: string;
  version: string;
  phase: RecoveryPhase;
  /** When this was so: its arrival, or the decision against it. */
  since: string;
  /** Of one that failed: when the first sign of it was seen, why, what was done, to what, and when that was Healthy. */
  firstSign?: string;
  reason?: string;
  outcome?: string;
  to?: string;
  healthyAt?: string;
}

export interface PlatformStatus {
  /** `ready`: Argo CD follows the repository. */
  state: "starting" | "ready" | "failed";
  /** What is being done, or why it failed. */
  doing: string;
  steps: StepTime[];
  kubernetes: string;
  gitops: { url: string; branch: string; tip: string; reason?: string };
  /** The platform's own objects, where Argo CD reconciles them. */
  own?: OwnState;
  applications: ApplicationState[];
  releases: ShownRecovery[];
  /** Names that the entry knows: `<service>.<env>`. */
  services: string[];
  /** The one that is shown at /, if there is one. */
  front?: string;
}

/** The Service that leads pods to a Git server outside the cluster. */
export const GIT_SERVICE = "gitops";

/** The same server as the files of a local GitOps repository name it, `git://git/gitops`, whatever port it found. */
export function literalGitService(address: string, port: number): KubeObject[] {
  const metadata = { name: "git", namespace: ARGOCD_NAMESPACE };
  return [
    { apiVersion: "v1", kind: "Service", metadata, spec: { ports: [{ name: "git", port: 9418, targetPort: port, protocol: "TCP" }] } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": metadata.name } },
      addressType: "IPv4",
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports: [{ name: "git", port, protocol: "TCP" }],
    },
  ];
}

/** Lets the pods that ask for the Git server out to it: its port is any, which no release can know. */
export function gitPolicy(namespace: string, address: string, port: number): KubeObject {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: `${SURROUNDINGS.configMap}.${GIT_SERVICE}`, namespace },
    spec: {
      podSelector: { matchExpressions: [{ key: GITOPS_LABEL, operator: "Exists" }] },
      policyTypes: ["Egress"],
      egress: [{ to: [{ ipBlock: { cidr: `${address}/32` } }], ports: [{ port, protocol: "TCP" }] }],
    },
  };
}

/** The Application that reconciles `argocd/` of the GitOps repository, itself included. */
export const PLATFORM_APPLICATION = "golden-path-platform";

/** How Argo CD finds the platform's own objects. */
export type OwnState = Pick<ApplicationState, "sync" | "health" | "revision" | "message">;

/** The repository's address for pods of every namespace. */
export function addressForPods({ url, server }: PlatformPlan["gitops"]): string {
  if (server === undefined) return url;
  return `git://${GIT_SERVICE}.${ARGOCD_NAMESPACE}:${server.port}${new URL(url).pathname}`;
}

/** The parts of an Application that are shown. */
export interface ShownApplication {
  metadata: { name: string; labels?: Record<string, string> };
  status?: {
    sync?: { status?: string; revision?: string };
    health?: { status?: string; message?: string };
    conditions?: { type: string; message?: string }[];
    operationState?: { phase?: string; message?: string; operation?: { sync?: { revision?: string } }; syncResult?: { resources?: ResourceResult[] } };
  };
}

/** An Application in one line; `version` is that of the release at the compared commit. */
export function applicationState(app: ShownApplication, version: string): ApplicationState {
  const labels = app.metadata.labels ?? {};
  const { sync, health, conditions = [], operationState } = app.status ?? {};
  // A sync that failed says more than the condition that tells of it, and nothing once there is nothing left to do.
  const error = conditions.find(({ type }) => type.endsWith("Error") && type !== "SyncError")?.message;
  const failed = ["Failed", "Error"].includes(operationState?.phase ?? "") && sync?.status !== "Synced";
  const message = error ?? (failed ? failureOf(operationState?.message, operationState?.syncResult?.resources) : undefined) ?? (health?.status === "Healthy" ? undefined : health?.message);
  return {
    env: labels["golden-path/env"] ?? "",
    service: labels["golden-path/service"] ?? app.metadata.name,
    version,
    sync: sync?.status || "Unknown",
    health: health?.status || "Unknown",
    revision: sync?.revision ?? "",
    ...(message === undefined ? {} : { message: message.replace(/\s+/g, " ").trim() }),
  };
}

/** The Application of the platform's own objects. */
export function ownState(app: ShownApplication): OwnState {
  const { sync, health, revision, message } = applicationState(app, "");
  return { sync, health, revision, ...(message === undefined ? {} : { message }) };
}

/** Whether an Application is a release's. */
export function isRelease({ metadata: { labels } }: ShownApplication): boolean {
  return labels?.["golden-path/env"] !== undefined;
}

/** Sorted by environment in the platform's order, then by service. */
export function inOrder<T extends { env: string; service: string }>(states: T[], environments: readonly string[]): T[] {
  const place = ({ env }: T): number => (environments.includes(env) ? environments.indexOf(env) : environments.length);
  return [...states].sort((one, other) => place(one) - place(other) || (one.service < other.service ? -1 : 1));
}

/** Whether every Application runs what the repository's tip says, and well. */
export function allWell({ applications, gitops }: PlatformStatus): boolean {
  return applications.every((app) => app.sync === "Synced" && app.health === "Healthy" && app.revision === gitops.tip);
}

/** The Applications as a table for a terminal. */
export function applicationsTable(applications: readonly ApplicationState[]): string {
  const rows = applications.map((app) => [app.env, app.service, app.version, app.sync, app.health, app.revision.slice(0, 12)]);
  const lines = [["ENV", "SERVICE", "VERSION", "SYNC", "HEALTH", "REVISION"], ...rows];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const text = lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd());
  const messages = applications.filter(({ message }) => message !== undefined).map((app) => `  ${app.env}-${app.service}: ${app.message}`);
  return [...text, ...messages].join("\n");
}

/** What was taken back, and what is still followed; "" when there is nothing to tell. */
export function recoveriesText(releases: readonly ShownRecovery[]): string {
  return releases.flatMap((one) => {
    const name = `${one.env}-${one.service}`;
    if (one.phase === "waiting") return [`${name}: ${one.version} came at ${one.since} and is not Healthy yet`];
    if (one.phase === "soaking") return [`${name}: ${one.version} came at ${one.since}, is Healthy, and is followed through its soak`];
    if (one.phase !== "failed") return [];
    const back = one.healthyAt === undefined ? "" : `; ${one.to} is Healthy since ${one.healthyAt}`;
    return [`${name}: ${one.version} failed at ${one.since}: ${one.reason}\n  ${one.outcome}${back}`];
  }).join("\n");
}
