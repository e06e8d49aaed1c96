import type { IntegrateVerdict, ServiceFacts } from "../integrate-plan.ts";
import { duration } from "../markdown.ts";
import { type Html, html } from "./html.ts";
import { mark, moment, shortDigest, shortRevision } from "./marks.ts";

/** What was seen on the ephemeral cluster. */
export function proof(verdict: IntegrateVerdict, reused: boolean): Html {
  const when = reused
    ? html`The verdict of ${moment(verdict.verifiedAt)} on the same images, manifests and versions; it took ${duration(verdict.seconds)} then.`
    : html`Seen at ${moment(verdict.verifiedAt)}, after ${duration(verdict.seconds)}.`;
  return html`<p class="small soft">${when} Kubernetes ${verdict.kubernetes || "unknown"}, GitOps revision ${shortRevision(verdict.gitopsRevision)}.</p>
${verdict.cause === undefined ? undefined : html`<p class="failed">${verdict.cause}</p>`}
${verdict.services.map(service)}`;
}

function service(facts: ServiceFacts): Html {
  const seen = [
    html`Argo CD reconciled ${shortRevision(facts.application.revision)} at ${moment(facts.application.reconciledAt)}`,
    ...facts.pods.map((pod) => html`Pod ${pod.name} runs ${shortDigest(facts.digest)}`),
    ...facts.answers.map(({ path, status, seconds }) => html`<span><code>${path}</code> answers ${status} in ${Math.round(seconds * 1000)} ms</span>`),
    ...facts.drift.map(({ change, healedSeconds }) => html`${change}: healed in ${duration(healedSeconds)}`),
  ];
  return html`<div class="part"><h3>${facts.name}</h3><ul class="proof">${seen.map((words) => html`<li>${mark("passed")}<span>${words}</span></li>`)}</ul></div>`;
}
