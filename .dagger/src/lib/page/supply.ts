import { plural } from "../errors.ts";
import type { Finding } from "../findings.ts";
import type { ImageReport, LayerReport, ScanReport, SigningReport } from "../report.ts";
import { SEVERITIES } from "../threshold.ts";
import { type Html, html } from "./html.ts";
import { mark, megabytes, moment, shortDigest, shortRevision } from "./marks.ts";

const COLOURS = 5;

/** One image: how big it is and what of. `widest` is the biggest image's size, so that bars compare. */
export function image(report: ImageReport, widest: number): Html {
  const bytes = report.bytes ?? sum(report.layers);
  let at = 0;
  const parts = report.layers.map((layer, index) => {
    const width = (layer.bytes / Math.max(widest, 1)) * 100;
    const part = html`<rect class="l${index % COLOURS}" x="${at.toFixed(2)}%" width="${Math.max(width, 0.3).toFixed(2)}%" height="14"/>`;
    at += width;
    return part;
  });
  return html`<div class="part"><div class="head"><h3>${report.service}</h3><strong class="num">${megabytes(bytes)}</strong></div>
<p class="small soft">${report.version} from ${shortRevision(report.sourceRevision)}, ${shortDigest(report.digest)}</p>
<svg class="layers" role="img" aria-label="Layers of ${report.service}"><rect class="well" width="100%" height="14"/>${parts}</svg>
<ul class="legend">${report.layers.map((layer, index) => html`<li><i class="l${index % COLOURS}"></i><span>${layer.title}</span><span class="num soft">${megabytes(layer.bytes)}</span></li>`)}</ul>
<details><summary class="small">Reference and layers' digests</summary><pre tabindex="0">${[report.image, ...report.layers.map(({ digest, title }) => `${digest}  ${title}`)].join("\n")}</pre></details></div>`;
}

function sum(layers: readonly LayerReport[]): number {
  return layers.reduce((total, { bytes }) => total + bytes, 0);
}

/** What was found in one image, what was looked at, and what was not. */
export function scan(report: ScanReport): Html {
  const { gate, findings } = report;
  return html`<div class="part"><div class="head"><h3>${mark(gate.passed ? "passed" : "failed")} ${report.service}</h3><span class="small soft">${findings.length === 0 ? "no findings" : plural(findings.length, "finding")}</span></div>
<p>${gate.sentence.replace(`scan ${report.service}: `, "")}</p>
${findings.length === 0 ? undefined : html`<ul class="rows findings">${sorted(findings).map(finding)}</ul>`}
<ul class="small soft"><li>Covered: ${report.covered.join("; ") || "nothing"}</li><li>Not covered: ${report.notCovered.join("; ") || "nothing known"}</li><li>Advisories of ${moment(report.dataDate)}</li></ul></div>`;
}

/** What was signed and by what it was checked, or why it was not. */
export function signatures({ notes, images }: SigningReport): Html {
  return html`<p class="small soft">${notes.join(" ")}</p>
${images.map(({ service, digest, checks }) => html`<div class="part"><div class="head"><h3>${mark("passed")} ${service}</h3><span class="small soft">${shortDigest(digest)}</span></div><ul class="small">${checks.map((check) => html`<li>${check}</li>`)}</ul></div>`)}`;
}

function finding(one: Finding): Html {
  return html`<li><span><span class="chip ${one.severity}">${one.severity}</span></span><span><strong>${one.package}</strong> ${one.version} ${remedy(one)}<br><span class="small soft">${[one.id, one.location, one.file].filter((part) => part !== undefined).join(", in ")}${one.exception ? `; excepted until ${one.exception.expires}: ${one.exception.reason}` : ""}</span></span></li>`;
}

function remedy({ kind = "vulnerability", fixedIn }: Finding): Html | undefined {
  if (kind !== "vulnerability") return html`<span class="soft">${kind}</span>`;
  return fixedIn ? html`→ fixed in <strong>${fixedIn}</strong>` : html`<span class="soft">no fix is known</span>`;
}

/** The gravest first. */
function sorted(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((one, other) => SEVERITIES.indexOf(other.severity) - SEVERITIES.indexOf(one.severity) || (one.id < other.id ? -1 : 1));
}
