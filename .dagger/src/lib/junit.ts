import { type RunReport, type StageResult, stageTitle } from "./report.ts";

/** The stages as JUnit tests: a suite for each service, and one for what all have in common. Valid by Jenkins' junit-10.xsd. */
export function renderJunit(report: RunReport): string {
  const services = [...new Set(report.stages.map(({ service }) => service))];
  const suites = services.map((service) => suite(report, service));
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites name="golden-path ${xml(report.env)}" ${counts(report.stages)} time="${report.seconds.toFixed(3)}">`,
    ...suites,
    `</testsuites>`,
    ``,
  ].join("\n");
}

function suite(report: RunReport, service: string | undefined): string {
  const stages = report.stages.filter((stage) => stage.service === service);
  const time = stages.reduce((sum, { seconds }) => sum + seconds, 0);
  return [
    `  <testsuite name="${xml(service ?? "all services")}" ${counts(stages)} skipped="${number(stages, "skipped")}" time="${time.toFixed(3)}" timestamp="${xml(report.startedAt.replace(/(\.\d+)?Z$/, ""))}">`,
    `    <properties><property name="run" value="${xml(report.runId)}"/></properties>`,
    ...stages.map(testcase),
    `  </testsuite>`,
  ].join("\n");
}

function testcase(stage: StageResult): string {
  const open = `    <testcase classname="golden-path.${xml(stage.service ?? "all")}" name="${xml(stage.name)}" time="${stage.seconds.toFixed(3)}">`;
  switch (stage.status) {
    case "failed": return `${open}<failure type="failed" message="${xml(`${stageTitle(stage)} failed: ${firstLine(stage.detail)}`)}">${xml(stage.detail)}</failure></testcase>`;
    case "skipped": return `${open}<skipped message="${xml(firstLine(stage.detail))}"/></testcase>`;
    case "passed": return `${open}<system-out>${xml(stage.detail)}</system-out></testcase>`;
    case "reused": return `${open}<system-out>${xml(`${stage.detail} (verdict of ${stage.original?.at ?? "an earlier run"})`)}</system-out></testcase>`;
  }
}

function counts(stages: readonly StageResult[]): string {
  return `tests="${stages.length}" failures="${number(stages, "failed")}" errors="0"`;
}

function number(stages: readonly StageResult[], status: StageResult["status"]): number {
  return stages.filter((stage) => stage.status === status).length;
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0]!;
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };

/** XML 1.0 has no way to write most control characters, so they are replaced. */
function xml(text: string): string {
  return text
    // eslint-disable-next-line no-control-regex -- colours of a terminal
    .replace(/\u001b\[[0-9;]*[A-Za-z]/g, "")
    // eslint-disable-next-line no-control-regex -- what XML cannot hold
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd")
    .replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
