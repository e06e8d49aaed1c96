import type { ServiceChange } from "./changes.ts";
import type { Environment } from "./environments.ts";
import { listOf, plural } from "./errors.ts";
import type { Finding, ScanResult } from "./findings.ts";
import { cell, code, duration, list, table } from "./markdown.ts";
import { SEVERITIES } from "./threshold.ts";

/** How one stage of a run ended. */
export interface StageResult {
  /** `lint`, `test`, `build`, … */
  name: string;
  /** Left out for a stage of all services together, as `integrate` is. */
  service?: string;
  status: "passed" | "failed" | "skipped" | "reused";
  /** Seconds after the run's start: stages run beside one another. */
  begin: number;
  seconds: number;
  /** One sentence: what was shown, or what failed and what to do. */
  detail: string;
  /** Only for `reused`: when the verdict was given. */
  original?: { at: string };
}

/** The findings of one image with the gate's answer. */
export interface ScanReport extends ScanResult {
  gate: { passed: boolean; sentence: string; code?: number };
}

/** What was built for one service. */
export interface ImageReport {
  service: string;
  /** By digest. */
  image: string;
  digest: string;
  sourceRevision: string;
  version: string;
  /** Compressed, as a registry stores it. */
  bytes?: number;
  /** From the bottom up. */
  layers: readonly LayerReport[];
}

/** One layer of an image; its size is the compressed one. */
export interface LayerReport {
  title: string;
  digest: string;
  bytes: number;
}

/** What became of the wish to promote. */
export type PromotionReport =
  | { outcome: "not-asked" }
  | { outcome: "committed"; commit: string; branch: string; repository: string }
  /** A commit of nothing but what the services share; the environment already ran this release. */
  | { outcome: "shared"; commit: string; branch: string; repository: string }
  | { outcome: "unchanged"; commit: string; branch: string; repository: string }
  /** The branch takes no direct pushes; `advice` says what to open. */
  | { outcome: "proposed"; commit: string; advice: string; branch: string; repository: string }
  /** A newer run was faster; `by` says what the branch holds instead. */
  | { outcome: "superseded"; by: string; branch: string; repository: string };

/** What was signed, what was verified, and what was not. */
export interface SigningReport {
  /** In sentences: with what, or why not. */
  notes: string[];
  images: { service: string; digest: string; checks: string[]; written: boolean }[];
}

/** Everything that a run can tell; `report --run` keeps it as JSON beside the Markdown. */
export interface RunReport {
  runId: string;
  env: Environment;
  /** RFC 3339. */
  startedAt: string;
  seconds: number;
  stages: readonly StageResult[];
  images: readonly ImageReport[];
  scans: readonly ScanReport[];
  /** What differs from the environment's releases of now. */
  changes: readonly ServiceChange[];
  promotion: PromotionReport;
  signing: SigningReport;
}

/**
 * Stage to result over all services, as a release commit's trailers record it.
 * A stage counts as reused only where no service ran it anew.
 */
export function verdictsOf(stages: readonly StageResult[]): Record<string, string> {
  const order = ["failed", "skipped", "passed", "reused"] as const;
  const verdicts: Record<string, string> = {};
  for (const name of new Set(stages.map((stage) => stage.name))) {
    const found = new Set(stages.filter((stage) => stage.name === name).map((stage) => stage.status));
    verdicts[name] = order.find((status) => found.has(status))!;
  }
  return verdicts;
}

/** The run as Markdown for people. A failed run gets the short form: it is read in an error. */
export function renderSummary(report: RunReport): string {
  const failed = report.stages.filter((stage) => stage.status === "failed");
  return failed.length > 0 ? renderFailure(report, failed) : renderSuccess(report);
}

function renderSuccess(report: RunReport): string {
  return [
    `# ${headline(report)}`,
    `Run ${code(report.runId)} · environment ${code(report.env)} · ${duration(report.seconds)}`,
    "## Stages",
    stageTable(report.stages),
    ...(report.images.length > 0 ? ["## Images", imageTable(report.images)] : []),
    ...(report.scans.length > 0 ? ["## Findings", ...report.scans.flatMap(scanSection)] : []),
    ...(report.signing.notes.length > 0 ? ["## Signatures", ...signatures(report.signing)] : []),
    "## Release",
    ...release(report),
  ].join("\n\n") + "\n";
}

export function headline(report: RunReport): string {
  const services = listOf(report.images.map((image) => image.service).sort());
  const what = services === "" ? "The run passed" : `${services} passed`;
  const { promotion } = report;
  switch (promotion.outcome) {
    case "committed": return `${what} and ${report.images.length === 1 ? "is" : "are"} released to ${report.env}`;
    case "proposed": return `${what}; the release to ${report.env} waits to be merged`;
    case "shared":
    case "unchanged": return `${what}; ${report.env} already runs this release`;
    case "superseded": return `${what}; ${report.env} has a newer release`;
    case "not-asked": return `${what}; nothing was released`;
  }
}

function renderFailure(report: RunReport, failed: readonly StageResult[]): string {
  const blocked = report.stages.filter((stage) => stage.status === "skipped");
  const gates = report.scans.filter((scan) => !scan.gate.passed);
  return [
    `# Failed: ${listOf(failed.map(stageTitle))}`,
    list(failed.map((stage) => `**${stageTitle(stage)}** after ${duration(stage.seconds)}: ${indented(stage.detail)}`)),
    ...gates.map((scan) => `### ${scan.service}: worst findings\n\n${findingTable(scan, 5)}`),
    ...(blocked.length > 0 ? [`Not run: ${listOf(blocked.map(stageTitle))}.`] : []),
    `${released(report)} Evidence of run ${code(report.runId)}, ${duration(report.seconds)} in all:`,
    "```\n" + `dagger call report --run ${report.runId} export --path report` + "\n```",
  ].join("\n\n") + "\n";
}

/** A failed run may still have pushed its commit before something after it failed. */
function released(report: RunReport): string {
  const { promotion } = report;
  return promotion.outcome === "committed" || promotion.outcome === "shared"
    ? `${code(promotion.commit)} was committed to ${promotion.branch}.`
    : "No commit was made.";
}

function stageTable(stages: readonly StageResult[]): string {
  return table(
    ["Service", "Stage", "Status", "Seconds", "Detail"],
    stages.map((stage) => [
      stage.service ?? "all",
      stage.name,
      stage.status,
      stage.seconds.toFixed(1),
      cell(stage.original ? `${stage.detail} (verdict of ${stage.original.at})` : stage.detail),
    ]),
    [3],
  );
}

function imageTable(images: readonly ImageReport[]): string {
  return table(
    ["Service", "Digest", "Compressed", "Source revision"],
    images.map((image) => [
      image.service,
      code(image.digest),
      image.bytes === undefined ? "not measured" : `${(image.bytes / 1e6).toFixed(1)} MB`,
      code(image.sourceRevision),
    ]),
    [2],
  );
}

function scanSection(scan: ScanReport): string[] {
  return [
    `### ${scan.service}`,
    `**${scan.gate.passed ? "Passed" : "Failed"}**: ${scan.gate.sentence}`,
    ...(scan.findings.length > 0 ? [`${plural(scan.findings.length, "finding")}: ${counts(scan)}.`, findingTable(scan, 10)] : []),
    list([
      `Advisories of ${scan.dataDate}.`,
      `Covered: ${scan.covered.length > 0 ? scan.covered.join("; ") : "nothing"}.`,
      ...(scan.unused ?? []).map((sentence) => `Note: ${sentence}.`),
      `Not covered: ${scan.notCovered.length > 0 ? scan.notCovered.join("; ") : "nothing known"}.`,
    ]),
  ];
}

function counts(scan: ScanReport): string {
  return [...SEVERITIES].reverse()
    .map((severity) => ({ severity, count: scan.findings.filter((finding) => finding.severity === severity).length }))
    .filter(({ count }) => count > 0)
    .map(({ severity, count }) => `${count} ${severity}`)
    .join(", ");
}

function signatures({ notes, images }: SigningReport): string[] {
  return [notes.join(" "), ...(images.length > 0 ? [list(images.map(({ service, checks }) => `${service}: ${checks.join("; ")}.`))] : [])];
}

/** The gravest first; how many were left out is said. */
function findingTable(scan: ScanReport, most: number): string {
  const sorted = [...scan.findings].sort(
    (one, other) => SEVERITIES.indexOf(other.severity) - SEVERITIES.indexOf(one.severity) || (one.id < other.id ? -1 : 1),
  );
  const shown = table(
    ["Severity", "Id", "Package", "Version", "Fixed in", "Where"],
    sorted.slice(0, most).map((finding) => [
      finding.severity, finding.id, finding.package, finding.version, fixOf(finding), whereOf(finding),
    ].map(cell)),
  );
  return sorted.length > most ? `${shown}\n\n… and ${sorted.length - most} more in the report.` : shown;
}

/** Only what is vulnerable has a version that mends it. */
function fixOf({ kind = "vulnerability", fixedIn }: Finding): string {
  return kind === "vulnerability" ? fixedIn || "not fixed" : "";
}

function whereOf({ file, location, exception }: Finding): string {
  const where = [file, location].filter((part) => part !== undefined).join(", ");
  return exception === undefined ? where : `${where} (excepted until ${exception.expires}: ${exception.reason})`;
}

function release(report: RunReport): string[] {
  const { promotion } = report;
  const evidence = `All reports: ${code(`dagger call report --run ${report.runId} export --path report`)}`;
  switch (promotion.outcome) {
    case "committed":
      return [
        `Commit ${code(promotion.commit)} on ${code(promotion.branch)} of ${promotion.repository}.`,
        list([`An Argo CD that follows this repository brings ${report.env} to this release by itself.`, evidence]),
      ];
    case "proposed":
      return [
        `${code(promotion.branch)} of ${promotion.repository} takes no direct pushes: commit ${code(promotion.commit)} is on a branch of its own.`,
        list([promotion.advice, evidence]),
      ];
    case "shared":
      return [
        `Commit ${code(promotion.commit)} on ${code(promotion.branch)} of ${promotion.repository} brings files that the services share; ${report.env} already ran this release.`,
        list([evidence]),
      ];
    case "unchanged":
      return [
        `No commit: ${code(promotion.branch)} of ${promotion.repository} already holds this release (${code(promotion.commit)}).`,
        list([evidence]),
      ];
    case "superseded":
      return [`No commit: ${code(promotion.branch)} of ${promotion.repository} holds a newer release, ${promotion.by}.`, list([evidence])];
    case "not-asked":
      return ["Nothing was committed.", list([`Release it: the same call with ${code("--promote")}`, evidence])];
  }
}

export function stageTitle(stage: StageResult): string {
  return stage.service === undefined ? stage.name : `${stage.name} of ${stage.service}`;
}

/** Further lines stay part of their list item. */
function indented(text: string): string {
  return text.trim().split("\n").join("\n  ");
}
