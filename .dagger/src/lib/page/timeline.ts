import type { IntegrateVerdict, StepTime } from "../integrate-plan.ts";
import { duration } from "../markdown.ts";
import { COMMON_STAGES, SERVICE_STAGES } from "../plan.ts";
import type { RunReport, StageResult } from "../report.ts";
import { type Html, html } from "./html.ts";
import { mark, WORDS } from "./marks.ts";

const ORDER: readonly string[] = [...SERVICE_STAGES, ...COMMON_STAGES];

/** When each stage began and how long it took: what ran beside what, and what everything waited for. */
export function timeline(report: RunReport, verdict: IntegrateVerdict | undefined): Html {
  const end = Math.max(report.seconds, 0.1);
  const ticks = tickMarks(end);
  const groups = grouped(report.stages);
  const first = Math.min(end, ...report.stages.map(({ begin }) => begin));
  return html`<p class="small soft">${duration(report.seconds)} in all.</p>
<table class="gantt">
<colgroup><col class="name"><col><col class="took"></colgroup>
<thead><tr><td></td><td>${axis(ticks, end)}</td><td></td></tr></thead>
${first < 0.1 ? undefined : html`<tbody>${step("read and plan", 0, first, "step", end, ticks)}</tbody>
`}${groups.map(([service, stages]) => html`<tbody><tr class="group"><th colspan="3" scope="rowgroup">${service ?? "All services together"}</th></tr>
${stages.map((stage) => html`${row(stage, end, ticks)}${steps(stage, verdict, end, ticks)}`)}</tbody>
`)}</table>`;
}

function grouped(stages: readonly StageResult[]): [string | undefined, StageResult[]][] {
  const services = [...new Set(stages.map((stage) => stage.service))].sort((one, other) => ((one ?? "\uffff") < (other ?? "\uffff") ? -1 : 1));
  const rank = (stage: StageResult): number => (ORDER.includes(stage.name) ? ORDER.indexOf(stage.name) : ORDER.length);
  return services.map((service) => [
    service,
    stages.filter((stage) => stage.service === service).sort((one, other) => rank(one) - rank(other) || one.begin - other.begin),
  ]);
}

function row(stage: StageResult, end: number, ticks: readonly number[]): Html {
  const skipped = stage.status === "skipped";
  const spoken = skipped ? `${stage.name}: not run` : `${stage.name}: ${WORDS[stage.status]}, from ${duration(stage.begin)}, for ${duration(stage.seconds)}`;
  return html`<tr><th scope="row" class="${skipped ? "skipped" : ""}">${mark(stage.status)}${stage.name}</th>
<td><svg class="track" role="img" aria-label="${spoken}">${lines(ticks, end)}${skipped ? undefined : bar(stage.begin, stage.seconds, end, stage.status, 14)}</svg></td>
<td class="num">${skipped ? html`<span class="skipped">not run</span>` : duration(stage.seconds)}</td></tr>
`;
}

/** What `integrate` did one after the other; a reused verdict's steps took place in another run. */
function steps(stage: StageResult, verdict: IntegrateVerdict | undefined, end: number, ticks: readonly number[]): Html[] {
  if (stage.name !== "integrate" || stage.status === "reused" || !verdict) return [];
  // The program ends with the stage; a step without its own beginning began when the one before it ended.
  const started = Math.max(stage.begin, stage.begin + stage.seconds - Math.max(verdict.seconds, total(verdict.steps)));
  const before = started - stage.begin;
  let ended = 0;
  const rows = verdict.steps.map(({ name, at, seconds }, index) => {
    const begin = at ?? ended;
    ended = begin + seconds;
    return step(name, started + begin, seconds, !verdict.passed && index === verdict.steps.length - 1 ? "failed" : "step", end, ticks);
  });
  return before < 0.1 ? rows : [step("cluster and Git start", stage.begin, before, "step", end, ticks), ...rows];
}

function step(name: string, begin: number, seconds: number, kind: string, end: number, ticks: readonly number[]): Html {
  return html`<tr class="step"><th scope="row">${name}</th><td><svg class="track" role="img" aria-label="${name}: ${duration(seconds)}">${lines(ticks, end)}${bar(begin, seconds, end, kind, 6)}</svg></td><td class="num">${duration(seconds)}</td></tr>
`;
}

function total(list: readonly StepTime[]): number {
  return list.reduce((sum, step) => sum + step.seconds, 0);
}

/** Widths in percent and heights in pixels: the plot fits every screen and its text stays readable. */
function bar(begin: number, seconds: number, end: number, kind: string, height: number): Html {
  const width = Math.min(100, Math.max(0.7, (seconds / end) * 100));
  const left = Math.min(100 - width, (begin / end) * 100);
  return html`<g transform="translate(0 ${-height / 2})"><rect class="${kind}" x="${percent(left)}" y="50%" width="${percent(width)}" height="${height}" rx="3"/></g>`;
}

function lines(ticks: readonly number[], end: number): Html[] {
  return ticks.map((tick) => html`<line x1="${percent((tick / end) * 100)}" x2="${percent((tick / end) * 100)}" y1="0" y2="100%"/>`);
}

function axis(ticks: readonly number[], end: number): Html {
  return html`<svg class="axis" aria-hidden="true">${ticks.map((tick, index) => html`<text${index % 2 === 1 ? ODD : undefined} x="${percent((tick / end) * 100)}" y="13" text-anchor="${tick === 0 ? "start" : "middle"}">${label(tick)}</text>`)}</svg>`;
}

/** Left out where the plot is narrow. */
const ODD = html` class="odd"`;

function label(seconds: number): string {
  return seconds >= 60 && seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}

function percent(value: number): string {
  return `${Number(value.toFixed(3))}%`;
}

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600];

/** Three to five marks at round seconds; none so near the end that its label leaves the plot. */
export function tickMarks(end: number): number[] {
  const step = STEPS.find((size) => end / size <= 5) ?? 7200;
  const count = Math.floor((end * 0.97) / step);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toFixed(1)));
}
