/** The status as HTML: once on the server for the first view, then in the browser on each refresh. */

import { html, type Html } from "./html.ts";
import type {
  EnvironmentStatus,
  Hold,
  PlatformStatus,
  Promotion,
  ServiceStatus,
} from "./status.ts";

const UNKNOWN = html`<span class="unknown">unknown</span>`;
const NOTHING = html``;

/** One line on the whole: shown to everyone, read out when it changes. */
export function renderSummary(status: PlatformStatus): Html {
  if (status.status === "unknown") {
    return html`<p class="notice"><strong>Status unknown.</strong> ${sentence(status.reason)}</p>`;
  }
  const services = status.environments.flatMap((environment) => environment.services);
  const unreadable = services.filter((service) => service.reason !== null).length;
  const held = services.filter((service) => (service.holds ?? []).length > 0).length;
  return html`<p>
    ${count(services.length, "release")} in ${count(status.environments.length, "environment")}${unreadable > 0
      ? html`, <strong>${unreadable} unreadable</strong>`
      : NOTHING}${held > 0 ? html`, <strong>${held} on hold</strong>` : NOTHING}
  </p>`;
}

/** Every environment and what runs there. */
export function renderEnvironments(status: PlatformStatus): Html {
  return html`${status.environments.map(environment)}`;
}

/** Where and when all this was read. */
export function renderSource(status: PlatformStatus): Html {
  if (status.source === null || status.observedAt === null) return NOTHING;
  return html`Read ${time(status.observedAt)} from ${status.source.repository} at
    ${identifier(status.source.revision)}.`;
}

function environment(environment: EnvironmentStatus): Html {
  const id = `env-${environment.name}`;
  return html`<section aria-labelledby="${id}">
    <h2 id="${id}">${environment.name}</h2>
    ${environment.services.length > 0
      ? html`<div class="cards">${environment.services.map(card)}</div>`
      : html`<p class="empty">${environment.known ? "Nothing has been released here yet." : UNKNOWN}</p>`}
  </section>`;
}

function card(service: ServiceStatus): Html {
  return html`<article class="card">
    <header>
      <h3>${service.name}</h3>
      <p class="version">${service.version ?? UNKNOWN}</p>
    </header>
    ${service.reason === null ? NOTHING : html`<p class="notice">${service.reason}</p>`}
    <dl class="states">
      <div><dt>Sync</dt><dd>${state(service.sync, "Synced", ["OutOfSync"])}</dd></div>
      <div><dt>Health</dt><dd>${state(service.health, "Healthy", ["Degraded", "Missing"])}</dd></div>
      <div><dt>Holds</dt><dd>${holds(service.holds)}</dd></div>
    </dl>
    <dl class="facts">
      <dt>Revision</dt><dd>${identifier(service.sourceRevision)}</dd>
      <dt>Digest</dt><dd>${identifier(service.digest)}</dd>
      <dt>Owner</dt><dd>${service.owner ?? UNKNOWN}</dd>
      <dt>Promoted</dt><dd>${promotion(service.lastPromotion)}</dd>
    </dl>
  </article>`;
}

function state(value: string | null, good: string, bad: readonly string[]): Html {
  if (value === null) return html`<span class="state">unknown</span>`;
  if (value === good) return html`<span class="state good">${value}</span>`;
  const kind = bad.includes(value) ? "bad" : "busy";
  return html`<span class="state ${kind}">${value}</span>`;
}

function holds(found: readonly Hold[] | null): Html {
  if (found === null) return html`<span class="state">unknown</span>`;
  if (found.length === 0) return html`<span class="state good">none</span>`;
  return html`<ul>${found.map(
    (hold) => html`<li class="state bad">${identifier(hold.digest)} ${hold.reason}</li>`,
  )}</ul>`;
}

function promotion(found: Promotion | null): Html {
  if (found === null) return UNKNOWN;
  const run = found.runId === null ? NOTHING : html`, run ${found.runId}`;
  return html`${time(found.time)}<br><span class="by">by ${found.author} in ${identifier(found.commit)}${run}</span>`;
}

/** A hash, shortened to what people compare; whole in the tooltip and for assistive technology. */
function identifier(value: string | null): Html {
  if (value === null) return UNKNOWN;
  const short = value.replace(/[0-9a-f]{13,}/, (hash) => hash.slice(0, 12));
  if (short === value) return html`<code>${value}</code>`;
  return html`<code title="${value}"><span aria-hidden="true">${short}</span><span class="whole">${value}</span></code>`;
}

function time(value: string): Html {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return html`${value}`;
  const iso = date.toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC</time>`;
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}

function sentence(reason: string | null): string {
  if (reason === null) return "No reason was given.";
  return reason.charAt(0).toUpperCase() + reason.slice(1) + (reason.endsWith(".") ? "" : ".");
}
