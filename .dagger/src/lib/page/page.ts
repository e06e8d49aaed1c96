import type { IntegrateVerdict } from "../integrate-plan.ts";
import { listOf } from "../errors.ts";
import { duration } from "../markdown.ts";
import { type RunReport, type StageResult, headline, stageTitle } from "../report.ts";
import { type ReportFile, bundle } from "./bundle.ts";
import { changesOf } from "./changes.ts";
import { Html, fileHref, html, inline, pathOf, prose } from "./html.ts";
import { mark, megabytes, moment, shortRevision } from "./marks.ts";
import { proof } from "./proof.ts";
import { STYLE } from "./style.ts";
import { image, scan, signatures } from "./supply.ts";
import { timeline } from "./timeline.ts";

export interface PageInput {
  report: RunReport;
  /** What `integrate` saw, where it came to an end. */
  verdict?: IntegrateVerdict;
  /** Everything else in the folder. */
  files: readonly ReportFile[];
}

interface Section {
  id: string;
  title: string;
  body: Html;
  alarm?: boolean;
}

/** The run as one page that needs nothing else: no script, no font, no address. */
export function renderPage({ report, verdict, files }: PageInput): string {
  const failed = report.stages.filter(({ status }) => status === "failed");
  const sections = [...(failed.length > 0 ? [failure(report, failed, files)] : []), ...parts(report, verdict, files)];
  const title = failed.length > 0 ? `Failed: ${listOf(failed.map(stageTitle))}` : headline(report);
  // The policy holds even where an escape was forgotten: nothing runs and nothing is fetched.
  return html`${DOCTYPE}<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<header class="verdict${failed.length > 0 ? " bad" : ""}"><div>
<div class="word">${mark(failed.length > 0 ? "failed" : "passed")}${failed.length > 0 ? "Failed" : "Passed"}</div>
<h1>${failed.length > 0 ? `${capital(listOf(failed.map(stageTitle)))} failed` : title}</h1>
<div class="cause">${failed.length > 0 ? html`<p>${cause(failed[0]!)}</p>` : undefined}${outcome(report, failed.length > 0)}</div>
${facts(report)}
</div></header>
<nav aria-label="Sections"><div>${sections.map(({ id, title: name }) => html`<a href="#${id}">${name}</a>`)}</div></nav>
<main>
${sections.map(({ id, title: name, body, alarm }) => html`<section id="${id}"${alarm ? ALARM : undefined} aria-labelledby="${id}-title"><h2 id="${id}-title">${name}</h2>
${body}
</section>
`)}</main>
<footer>Run ${report.runId} of golden-path. This folder again: <code>dagger call report --run ${report.runId} export --path report</code></footer>
</body>
</html>
`.text;
}

const DOCTYPE = html`<!doctype html>
`;
const ALARM = html` class="alarm"`;

function parts(report: RunReport, verdict: IntegrateVerdict | undefined, files: readonly ReportFile[]): Section[] {
  const reused = report.stages.some(({ name, status }) => name === "integrate" && status === "reused");
  const widest = Math.max(0, ...report.images.map(({ bytes = 0 }) => bytes));
  return [
    { id: "timeline", title: "Timeline", body: timeline(report, verdict) },
    { id: "gates", title: "Gates", body: gates(report) },
    ...(report.changes.length > 0 ? [{ id: "changes", title: "Changes", body: html`<p class="small soft">Against what ${report.env} held when the run began.</p>${report.changes.map((change) => changesOf(change, report.env))}` }] : []),
    ...(verdict && verdict.services.length > 0 ? [{ id: "proof", title: "Proof", body: proof(verdict, reused) }] : []),
    ...(report.images.length > 0 ? [{ id: "images", title: "Images", body: html`${report.images.map((one) => image(one, widest))}` }] : []),
    ...(report.scans.length > 0 ? [{ id: "findings", title: "Findings", body: html`${report.scans.map(scan)}` }] : []),
    ...(report.signing.notes.length > 0 ? [{ id: "signatures", title: "Signatures", body: signatures(report.signing) }] : []),
    { id: "files", title: "Files", body: fileList(files) },
  ];
}

function failure(report: RunReport, failed: readonly StageResult[], files: readonly ReportFile[]): Section {
  const notRun = report.stages.filter(({ status }) => status === "skipped");
  // What the page's top has said in full is not said again.
  const body = html`${failed.map((stage) => html`<div class="part"><div class="head"><h3>${mark("failed")} ${capital(stageTitle(stage))}</h3><span class="small soft">after ${duration(stage.seconds)}</span></div>${stage === failed[0] && cause(stage).text === inline(capital(stage.detail.trim())).text ? undefined : prose(stage.detail)}</div>`)}
${notRun.length === 0 ? undefined : html`<p class="soft">Not run because of it: ${listOf(notRun.map(stageTitle))}.</p>`}
${bundle(files)}`;
  return { id: "failure", title: failed.length === 1 ? "What failed" : `What failed: ${failed.length} stages`, body, alarm: true };
}

/** The first words of the cause; the whole stands below. */
function cause(stage: StageResult): Html {
  const plain = stage.detail.replace(/```[\s\S]*/, "").trim().split("\n")[0]!.trim();
  return inline(capital(plain.length > 260 ? `${plain.slice(0, 260)}…` : plain));
}

function outcome(report: RunReport, failed: boolean): Html {
  const { promotion, env } = report;
  switch (promotion.outcome) {
    case "committed": return html`<p>Commit ${shortRevision(promotion.commit)} on <code>${promotion.branch}</code> of ${promotion.repository} releases it to ${env}.</p>`;
    case "shared": return html`<p>Commit ${shortRevision(promotion.commit)} on <code>${promotion.branch}</code> of ${promotion.repository} brings files that the services share; ${env} already ran this release.</p>`;
    case "unchanged": return html`<p>No commit was needed: <code>${promotion.branch}</code> of ${promotion.repository} holds this release in ${shortRevision(promotion.commit)}.</p>`;
    case "proposed": return html`<p><code>${promotion.branch}</code> of ${promotion.repository} takes no direct pushes; commit ${shortRevision(promotion.commit)} waits to be merged: ${promotion.advice}</p>`;
    case "superseded": return html`<p>No commit: ${env} has a newer release, ${promotion.by}.</p>`;
    case "not-asked": return failed ? html`<p><strong>No commit was made; ${env} is as it was.</strong></p>` : html`<p>Nothing was committed. Release it: the same call with <code>--promote</code></p>`;
  }
}

function facts(report: RunReport): Html {
  const count = (status: StageResult["status"]): number => report.stages.filter((stage) => stage.status === status).length;
  const ended = [["passed", count("passed")], ["reused", count("reused")], ["failed", count("failed")], ["not run", count("skipped")]] as const;
  const list: [string, string][] = [
    ["Environment", report.env],
    ["Took", duration(report.seconds)],
    ["Started", moment(report.startedAt)],
    ["Stages", ended.filter(([, number]) => number > 0).map(([word, number]) => `${number} ${word}`).join(", ")],
    ["Run", report.runId],
  ];
  return html`<dl class="facts">${list.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Every gate with its evidence; a failed one's whole words stand at the top of the page. */
function gates(report: RunReport): Html {
  const rows = [...report.stages].sort((one, other) => ((one.service ?? "\uffff") < (other.service ?? "\uffff") ? -1 : (one.service ?? "\uffff") > (other.service ?? "\uffff") ? 1 : 0));
  return html`<ul class="rows gates">${rows.map((stage) => html`<li><span>${mark(stage.status)} ${stageTitle(stage)}</span><span class="small soft">${stage.status === "failed" ? cause(stage) : inline(stage.detail.replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/g, "$1…"))}${stage.original ? html` (verdict of ${moment(stage.original.at)})` : undefined}</span></li>`)}</ul>`;
}

const ABOUT: [pattern: RegExp, what: string][] = [
  [/^summary\.md$/, "the summary as Markdown"],
  [/^report\.json$/, "everything, as JSON"],
  [/^report\.schema\.json$/, "its JSON Schema"],
  [/^junit\.xml$/, "stages as JUnit tests"],
  [/^findings\.sarif$/, "findings as SARIF 2.1.0"],
  [/sbom\.cdx\.json$/, "bill of materials, CycloneDX"],
  [/sbom\.spdx\.json$/, "bill of materials, SPDX"],
];

function fileList(files: readonly ReportFile[]): Html {
  return html`<ul class="files">${files.map(({ path, bytes }) => {
    const about = ABOUT.find(([pattern]) => pattern.test(path))?.[1];
    return html`<li><span><a href="${fileHref(path)}">${pathOf(path)}</a>${about === undefined ? undefined : html` <span class="small soft">${about}</span>`}</span><span class="num soft small">${megabytes(bytes)}</span></li>`;
  })}</ul>`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
