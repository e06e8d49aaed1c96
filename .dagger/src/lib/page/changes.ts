import type { FileChange, ServiceChange, SourceCommit } from "../changes.ts";
import { plural } from "../errors.ts";
import { type Html, html, pathOf } from "./html.ts";
import { moment, shortDigest, shortRevision } from "./marks.ts";

/** What is new against what the environment runs: the source's commits and the rendered files. */
export function changesOf(change: ServiceChange, env: string): Html {
  const { service, from, to } = change;
  const same = from !== undefined && from.sourceRevision === to.sourceRevision && change.files.length === 0;
  return html`<div class="part"><div class="head"><h3>${service}</h3><span class="small soft">${versions(change)}</span></div>
${same ? html`<p class="soft">Nothing: ${env} runs this release.</p>` : html`${commits(change)}${files(change)}`}</div>`;
}

function versions({ from, to }: ServiceChange): Html {
  if (!from) return html`first release, ${to.version}`;
  if (from.version === to.version) return html`${to.version}`;
  return html`${from.version} → <strong>${to.version}</strong>`;
}

function commits(change: ServiceChange): Html {
  const { from, to, note, total } = change;
  if (!from) return html`<p>The environment has had no release of it. Source ${shortRevision(to.sourceRevision)}${to.digest ? html`, image ${shortDigest(to.digest)}` : undefined}.</p>`;
  const dirty = to.sourceRevision.endsWith("-dirty") ? html`<p class="small soft">The source has changes that no commit holds.</p>` : undefined;
  const told = note === undefined ? `${plural(total, "commit")} since ${from.sourceRevision.slice(0, 7)}` : `${note.charAt(0).toUpperCase()}${note.slice(1)}`;
  return html`<h4>Source</h4>${dirty}<p class="small soft">${told}${total > change.commits.length ? `; the newest ${change.commits.length}` : ""}</p>
<ul class="rows commits">${change.commits.map(commit)}</ul>`;
}

function commit({ hash, time, author, subject }: SourceCommit): Html {
  return html`<li>${shortRevision(hash)}<span>${subject}<br><span class="small soft">${author}, ${moment(time).slice(0, 16)}</span></span></li>`;
}

function files(change: ServiceChange): Html {
  if (change.files.length === 0) return html`<h4>Rendered files</h4><p class="soft">${change.to.digest ? "No file differs." : "Not rendered: there is no image."}</p>`;
  return html`<h4>Rendered files</h4>${change.files.map((one) => file(one, change))}`;
}

/** A new file has no other side to compare with, and what every release changes is no news: both are folded. */
function file({ path, kind, diff }: FileChange, change: ServiceChange): Html {
  const rows = diff.split("\n").filter((line) => line !== "");
  const count = (sign: string): number => rows.filter((line) => line.startsWith(sign)).length;
  const stamp = kind === "changed" && onlyStamp(rows, change);
  const open = kind === "changed" && !stamp && rows.length < 60;
  return html`<details${open ? OPEN : undefined}><summary><code>${pathOf(path)}</code><span class="counts">${kind === "changed" ? undefined : html`${kind} `}<span class="plus">+${count("+")}</span> <span class="minus">−${count("-")}</span>${stamp ? html` <span class="soft">version, revision and digest only</span>` : undefined}</span></summary>
<pre class="diff" tabindex="0">${rows.map(line)}</pre></details>`;
}

/** Whether the file differs in nothing but what names the release: with that put right, the old lines are the new ones. */
function onlyStamp(rows: readonly string[], { from, to }: ServiceChange): boolean {
  if (!from) return false;
  const names: [string, string | undefined][] = [[from.version, to.version], [from.sourceRevision, to.sourceRevision], [from.digest ?? "", to.digest]];
  const renamed = (row: string): string => names.reduce((text, [old, now]) => (old === "" || now === undefined ? text : text.replaceAll(old, now)), row);
  const side = (sign: string): string[] => rows.filter((row) => row.startsWith(sign) && !/^.sourceTime: /.test(row)).map((row) => renamed(row.slice(1))).sort();
  return side("-").join("\n") === side("+").join("\n");
}

const OPEN = html` open`;

function line(text: string): Html {
  const kind = text.startsWith("+") ? "add" : text.startsWith("-") ? "del" : text.startsWith("@@") ? "at" : "";
  return html`<span${kind === "" ? undefined : html` class="${kind}"`}>${text}</span>`;
}
