import type { IntegratePlan } from "../src/lib/integrate-plan.ts";
import type { KubeObject } from "../src/lib/kube.ts";
import { changed, POLICY_CASES, unsigned, UNSIGNED_CASE, type Workload } from "../src/lib/policy-cases.ts";
import { SIGNATURE_POLICY, SIGNATURE_WEBHOOK } from "../src/lib/signature-policy.ts";
import { waitFor } from "../src/lib/wait.ts";
import type { Api } from "./integrate-api.ts";
import { Cause } from "./integrate-progress.ts";

const POLICY = "golden-path-workloads";
/** A policy counts from when the API server has read it, a moment after it was applied. */
const IN_FORCE_MS = 30_000;

/**
 * Asks the API server, without storing anything, for workloads that its policies must refuse, and for one that they
 * must admit. Returns sentences; undefined where the GitOps repository brings no such policy.
 */
export async function checkPolicies(api: Api, plan: IntegratePlan, policies: KubeObject[]): Promise<string[] | undefined> {
  if (!policies.some((object) => object.kind === "ValidatingAdmissionPolicy" && object.metadata.name === POLICY)) return undefined;
  const { name } = plan.services[0]!;
  const path = `/apis/apps/v1/namespaces/${plan.env}/deployments`;
  const live = await api.get(`${path}/${name}`);
  if (live === undefined) throw new Cause(`trying the admission policies: there is no Deployment ${name} in ${plan.env} to try them with`);
  const workload = tried(live);
  await waitFor({ what: `the policy ${POLICY} to be in force`, timeoutMs: IN_FORCE_MS, everyMs: 250 }, async () => {
    const answer = await ask(api, path, changed(workload, 0));
    return answer.status >= 400 ? { done: true } : { waiting: `${POLICY_CASES[0]!.name} is admitted` };
  });
  // A repository keeps the policies that it began with: a rule that came later is tried where it has that rule.
  const rules = JSON.stringify(policies);
  const cases = [...POLICY_CASES.entries()].filter(([, { refusedWith }]) => rules.includes(refusedWith));
  for (const [index, one] of cases) {
    const answer = await ask(api, path, changed(workload, index));
    if (answer.status < 400) throw new Cause(`trying the admission policies: the cluster admits ${one.name}, which ${POLICY} must refuse`);
    if (!answer.text.includes(POLICY) || !answer.text.includes(one.refusedWith)) {
      throw new Cause(`trying the admission policies: the cluster refuses ${one.name}, but not by ${POLICY}: ${answer.text.slice(0, 300)}`);
    }
  }
  const sound = await ask(api, path, { ...workload, metadata: { ...workload.metadata, name: "policy-case-sound" } });
  if (sound.status >= 400) throw new Cause(`trying the admission policies: the cluster refuses a copy of ${name} that it runs: ${sound.text.slice(0, 300)}`);
  return cases.map(([, one]) => `refuses ${one.name}`);
}

/** Asks the API server for a workload of an image that nobody signed; returns a sentence when it is refused. */
export async function checkSignatures(api: Api, plan: IntegratePlan): Promise<string> {
  const { name } = plan.services[0]!;
  const path = `/apis/apps/v1/namespaces/${plan.env}/deployments`;
  const live = await api.get(`${path}/${name}`);
  if (live === undefined) throw new Cause(`trying the demand for signatures: there is no Deployment ${name} in ${plan.env} to try it with`);
  const answer = await ask(api, path, unsigned(tried(live)));
  if (answer.status < 400) throw new Cause(`trying the demand for signatures: the cluster admits ${UNSIGNED_CASE}, which ${SIGNATURE_WEBHOOK} must refuse`);
  // A verifier that does not answer refuses everything, too.
  if (![SIGNATURE_WEBHOOK, "denied the request", SIGNATURE_POLICY, "no signatures found"].every((word) => answer.text.includes(word))) throw new Cause(`trying the demand for signatures: the cluster refuses ${UNSIGNED_CASE}, but not for its missing signature: ${answer.text.slice(0, 300)}`);
  return `refuses ${UNSIGNED_CASE}`;
}

async function ask(api: Api, path: string, workload: Workload): Promise<{ status: number; text: string }> {
  return await api.request("POST", `${path}?dryRun=All`, workload);
}

/** What a person would write of a Deployment that the cluster holds. */
function tried(live: KubeObject): Workload {
  const { name, namespace, labels } = live.metadata;
  const { apiVersion, kind, spec } = live as unknown as Workload;
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...(labels === undefined ? {} : { labels }) }, spec };
}
