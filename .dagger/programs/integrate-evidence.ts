import { execFile } from "node:child_process";
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ARGOCD_NAMESPACE } from "../src/lib/argocd-install.ts";
import type { IntegratePlan } from "../src/lib/integrate-plan.ts";
import type { Pod } from "../src/lib/kube.ts";
import { redact } from "../src/lib/redact.ts";

const COMMAND_TIMEOUT_MS = 30_000;
/** For everything together: without an API server, each command would wait for its own end. */
const TOTAL_TIMEOUT_MS = 90_000;
const LOG_LINES = "2000";

/** What is collected whatever happened: file name to kubectl arguments. */
function commands(plan: IntegratePlan): [file: string, args: string[]][] {
  const argo = ["-n", ARGOCD_NAMESPACE];
  const service = ["-n", plan.env];
  return [
    ["overview.txt", ["get", "nodes,all,ingress", "-A", "-o", "wide"]],
    ["events.txt", ["get", "events", "-A", "--sort-by=.lastTimestamp"]],
    ["nodes-describe.txt", ["describe", "nodes"]],
    ["pods.yaml", ["get", "pods", "-A", "-o", "yaml"]],
    ["pods-describe.txt", [...service, "describe", "pods"]],
    ["workloads.yaml", [...service, "get", "deployments,services,endpointslices,ingresses", "-o", "yaml"]],
    ["argocd-pods-describe.txt", [...argo, "describe", "pods"]],
    ["applications.yaml", [...argo, "get", "applications.argoproj.io", "-o", "yaml"]],
    ["applicationsets.yaml", [...argo, "get", "applicationsets.argoproj.io", "-o", "yaml"]],
    ["appprojects.yaml", [...argo, "get", "appprojects.argoproj.io", "-o", "yaml"]],
  ];
}

/**
 * Writes everything that explains a failure to `folder`. One thing that cannot be had must not
 * cost the others, so a failed command's words become its file.
 */
export async function collectEvidence(plan: IntegratePlan, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "logs"), { recursive: true });
  const pods = JSON.parse(await kubectl(["get", "pods", "-A", "-o", "json"]).catch(() => `{"items":[]}`)) as { items: Pod[] };
  const logs = pods.items.flatMap((pod) => {
    const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
    return statuses.flatMap((status): [string, string[]][] => {
      const { namespace = "default", name } = pod.metadata;
      const args = ["-n", namespace, "logs", name, "-c", status.name, `--tail=${LOG_LINES}`];
      const file = join("logs", `${namespace}-${name}-${status.name}`);
      const current: [string, string[]] = [`${file}.log`, args];
      return (status.restartCount ?? 0) > 0 ? [current, [`${file}.previous.log`, [...args, "--previous"]]] : [current];
    });
  });
  const queue = [...commands(plan), ...logs];
  const end = performance.now() + TOTAL_TIMEOUT_MS;
  // Four at a time: the machine that failed may be short of everything.
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [file, args] = next;
      const asked = performance.now() < end ? kubectl(args) : Promise.reject(new Error("no time was left for it"));
      const text = await asked.catch((error: unknown) => `kubectl ${args.join(" ")} failed: ${String(error)}\n`);
      await writeFile(join(folder, file), redact(text));
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

/** Keeps a copy where it outlives this container, which a failed exec does not. */
export async function keepEvidence(out: string, kept: string): Promise<void> {
  await rm(kept, { recursive: true, force: true });
  await cp(out, kept, { recursive: true });
}

function kubectl(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const all = ["--request-timeout=20s", ...args];
    const child = execFile("kubectl", all, { timeout: COMMAND_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(stderr.trim() || error.message));
      else resolve(stdout);
    });
    // A kubeconfig without credentials makes kubectl ask a person for them.
    child.stdin?.end();
  });
}
