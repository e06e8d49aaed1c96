/** The status as HTML: once on the server for the first view, then in the browser on each refresh. */

import { html, type Html } from "./html.ts";
import type {
  EnvironmentStatus,
  Gate,
  HistoryEntry,
  Hold,
  Live,
  PlatformStatus,
  Promotion,
  Provenance,
  ServiceStatus,
} from "./status.ts";

const UNKNOWN = html`<span class="unknown">unknown</span>`;
const NOTHING = html``;
const BAD_HEALTH = ["Degraded", "Missing"];

/** One line on the whole: shown to everyone, read out when it changes. */
export function renderSummary(status: PlatformStatus): Html {
  if (status.status === "unknown") {
    return html`<p class="notice"><strong>Status unknown.</strong> ${sentence(status.reason)}</p>${live(status)}`;
  }
  const services = status.environments.flatMap((environment) => environment.services);
  const unreadable = services.filter((service) => service.reason !== null).length;
  const held = services.filter((service) => (service.holds ?? []).length > 0).length;
  const healthy = services.filter(isWell).length;
  return html`<p>
    ${count(services.length, "release")} in ${count(status.environments.length, "environment")}${
      status.live?.known === true && services.length > 0
        ? html`, ${healthy === services.length ? "all" : html`<strong>${healthy} of ${services.length}</strong>`} synced and healthy`
        : NOTHING
    }${unreadable > 0
      ? html`, <strong>${unreadable} damaged</strong>`
      : NOTHING}${held > 0 ? html`, <strong>${held} on hold</strong>` : NOTHING}
  </p>${live(status)}`;
}

function isWell(service: ServiceStatus): boolean {
  return service.sync === "Synced" && service.health === "Healthy";
}

/** Why sync and health are not known, where that is so. */
function live(status: PlatformStatus): Html {
  if (status.live === null || status.live.known) return NOTHING;
  return html`<p class="aside">Sync and health unknown. ${sentence(status.live.reason)}</p>`;
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
    <h2 id="${id}">${environment.name} ${tally(environment)}</h2>
    ${environment.known && environment.reason !== null
      ? html`<p class="notice">${environment.reason}</p>`
      : NOTHING}
    ${environment.services.length > 0
      ? html`<div class="cards">${environment.services.map(card)}</div>`
      : html`<p class="empty">${environment.known ? "Nothing has been released here yet." : UNKNOWN}</p>`}
    ${history(environment)}
  </section>`;
}

/** How the environment came to this; folded, since most people ask what is. */
function history(environment: EnvironmentStatus): Html {
  if (environment.history.length === 0) return NOTHING;
  return html`<details class="history" id="history-${environment.name}">
    <summary>History</summary>
    <ol>${environment.history.map(change)}</ol>
  </details>`;
}

function change(entry: HistoryEntry): Html {
  const what = entry.services.length === 0 ? entry.subject : entry.services.join(", ");
  return html`<li>
    ${time(entry.at)} <strong>${entry.action}</strong> ${what}
    <span class="by">by ${entry.by} in ${identifier(entry.commit)}${entry.reason === null ? NOTHING : html`: ${entry.reason}`}</span>
  </li>`;
}

/** How many of an environment's services are well; nothing where nobody knows of any. */
function tally(environment: EnvironmentStatus): Html {
  const known = environment.services.filter((service) => service.live !== null);
  if (known.length === 0) return NOTHING;
  const well = known.filter(isWell).length;
  const bad = known.some((service) => BAD_HEALTH.includes(service.health ?? ""));
  const kind = well === known.length ? "good" : bad ? "bad" : "busy";
  return html`<span class="tally ${kind}">${well} of ${known.length} well</span>`;
}

function card(service: ServiceStatus): Html {
  return html`<article class="card">
    <header>
      <h3>${service.name}</h3>
      <p class="version">${service.version ?? UNKNOWN}</p>
    </header>
    ${service.reason === null ? NOTHING : html`<p class="notice">${service.reason}</p>`}
    ${isWell(service) || (service.live?.message ?? null) === null
      ? NOTHING
      : html`<p class="notice">${service.live?.message ?? ""}</p>`}
    <dl class="states">
      <div><dt>Sync</dt><dd>${state(service.sync, "Synced", ["OutOfSync"])}</dd></div>
      <div><dt>Health</dt><dd>${state(service.health, "Healthy", BAD_HEALTH)}</dd></div>
      <div><dt>Holds</dt><dd>${holds(service.holds)}</dd></div>
    </dl>
    <dl class="facts">
      <dt>Revision</dt><dd>${identifier(service.sourceRevision)}</dd>
      <dt>Digest</dt><dd>${identifier(service.digest)}</dd>
      <dt>Owner</dt><dd>${service.owner ?? UNKNOWN}</dd>
      <dt>Promoted</dt><dd>${promotion(service.lastPromotion)}</dd>
      ${service.record === null ? NOTHING : provenance(service.record)}
      ${service.live === null ? NOTHING : html`<dt>Compared</dt><dd>${compared(service.live)}</dd>`}
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
    (hold) => html`<li class="state bad">${hold.version ?? identifier(hold.digest)} ${hold.reason}${hold.by === null ? NOTHING : html` <span class="by">by ${hold.by}${hold.env === null ? NOTHING : html` in ${hold.env}`}</span>`}</li>`,
  )}</ul>`;
}

function promotion(found: Promotion | null): Html {
  if (found === null) return UNKNOWN;
  const run = found.runId === null ? NOTHING : html`, run ${found.runId}`;
  return html`${time(found.time)}<br><span class="by">by ${found.author} in ${identifier(found.commit)}${run}</span>`;
}

function provenance(found: Provenance): Html {
  const from = found.from === null ? NOTHING : html` from ${/^[0-9a-f]{40}$/.test(found.from) ? identifier(found.from) : found.from}`;
  const why = found.reason === null ? NOTHING : html`<br><span class="by">${found.reason}</span>`;
  return html`<dt>By way of</dt><dd>${found.action}${from} <span class="by">by ${found.by}</span>${why}</dd>
      <dt>Gates</dt><dd>${found.gates.length === 0 ? "none" : html`<ul class="gates">${found.gates.map(gate)}</ul>`}</dd>`;
}

function gate(found: Gate): Html {
  return html`<li class="state ${found.passed ? "good" : "bad"}" title="${found.evidence}">${found.gate}</li>`;
}

function compared(found: Live): Html {
  const when = found.reconciledAt === null ? UNKNOWN : time(found.reconciledAt);
  return html`${when}<br><span class="by">by Argo CD with ${identifier(found.revision)}</span>`;
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
