import type { KubeObject } from "../src/lib/kube.ts";
import { SIGNATURE_POLICY, signaturePolicy } from "../src/lib/signature-policy.ts";
import { waitFor } from "../src/lib/wait.ts";
import type { Api } from "./integrate-api.ts";
import { applyAll, isAvailable, waitForType, whilePassing } from "./integrate-install.ts";
import type { Progress } from "./integrate-progress.ts";

const READY_MS = 120_000;

/** Brings what verifies signatures to a cluster that did not begin with it. */
export async function installSignatures(api: Api, objects: readonly KubeObject[]): Promise<void> {
  if ((await api.get(await api.pathOf(one(objects, "Deployment")))) !== undefined) return;
  const first = objects.filter(({ kind }) => kind === "Namespace" || kind === "CustomResourceDefinition");
  await applyAll(api, first);
  await waitForType(api, one(first, "CustomResourceDefinition"));
  await applyAll(api, objects.filter((object) => !first.includes(object)));
}

/** Has signatures of this key demanded; returns when the cluster asks for them. Until then it admits nothing. */
export async function demandSignatures(api: Api, objects: readonly KubeObject[], publicKey: string, progress: Progress, limitMs = READY_MS): Promise<void> {
  const policy = signaturePolicy(publicKey);
  await applyAll(api, [policy]);
  const [deployment, webhook] = [one(objects, "Deployment"), one(objects, "ValidatingWebhookConfiguration")];
  const what = "what verifies signatures to be ready";
  await waitFor({ what, timeoutMs: limitMs, everyMs: 150, onChange: (line) => progress.say(`signatures: ${line}`) }, () =>
    whilePassing(async () => {
      const [running, asked, ready] = await Promise.all([deployment, webhook, policy].map(async (object) => await api.get(await api.pathOf(object))));
      if (!isAvailable(running)) return { waiting: `${deployment.metadata.name} is not available` };
      const hooks = (asked as { webhooks?: { clientConfig?: { caBundle?: string } }[] } | undefined)?.webhooks ?? [];
      if (!hooks.every(({ clientConfig }) => Boolean(clientConfig?.caBundle))) return { waiting: "its certificate is not known to the API server" };
      return inForce(ready) ? { done: true } : { waiting: `the policy ${SIGNATURE_POLICY} is not in force` };
    }),
  );
}

function inForce(policy: KubeObject | undefined): boolean {
  const status = policy?.["status"] as { observedGeneration?: number; conditions?: { type: string; status: string }[] } | undefined;
  return status?.observedGeneration === policy?.metadata.generation && status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
}

function one(objects: readonly KubeObject[], kind: string): KubeObject {
  return objects.find((object) => object.kind === kind)!;
}
