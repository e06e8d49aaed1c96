import { plural } from "../errors.ts";
import { cell } from "../markdown.ts";
import { CIS_DOCKER } from "./cis-docker.ts";
import { CIS_KUBERNETES } from "./cis-kubernetes.ts";
import type { Facts, Framework, Judgement, Verdict } from "./model.ts";
import { SLSA } from "./slsa.ts";
import { SSDF } from "./ssdf.ts";

export const FRAMEWORKS: readonly Framework[] = [SLSA, CIS_DOCKER, CIS_KUBERNETES, SSDF];

const WORDS: Record<Verdict, string> = { holds: "holds", "does-not-hold": "does not hold", "not-applicable": "not applicable" };

export interface ComplianceReport {
  apiVersion: "golden-path/v1";
  kind: "ComplianceReport";
  runId: string;
  env: string;
  startedAt: string;
  /** Of the build track; 0 where level 1 was not shown by this run. */
  slsaBuildLevel: 0 | 1;
  frameworks: { name: string; version: string; controls: ({ id: string; title: string } & Judgement)[] }[];
}

/** Holds every control against this very run. What has no evidence does not hold, whatever was meant. */
export function judge(facts: Facts): ComplianceReport {
  const frameworks = FRAMEWORKS.map(({ name, version, controls }) => ({
    name, version,
    controls: controls.map(({ id, title, judge: ask }) => ({ id, title, ...withEvidence(ask(facts)) })),
  }));
  const { runId, env, startedAt } = facts.run;
  const first = frameworks[0]!.controls.filter(({ id }) => id.startsWith("L1 "));
  return {
    apiVersion: "golden-path/v1", kind: "ComplianceReport", runId, env, startedAt,
    slsaBuildLevel: first.every(({ verdict }) => verdict === "holds") ? 1 : 0, frameworks,
  };
}

function withEvidence(judgement: Judgement): Judgement {
  const evidence = [...new Set(judgement.evidence)];
  return judgement.verdict === "holds" && evidence.length === 0 ? { verdict: "does-not-hold", evidence: ["no evidence"] } : { ...judgement, evidence };
}

export function renderCompliance(report: ComplianceReport): string {
  return [
    "# Compliance, as far as this run shows it",
    `Run \`${report.runId}\`, environment \`${report.env}\`, ${report.startedAt}. SLSA build level: ${report.slsaBuildLevel === 1 ? "1" : "none shown"}.`,
    "*holds*: the evidence beside it is of this run, or of the one whose answer it took over. *does not hold*: it is not done, or this run does not show it. *not applicable*: no run can show it, or there is none of it. Nobody has certified any of this.",
    summaryOf(report),
    ...report.frameworks.flatMap(({ name, version, controls }) => [
      `## ${name} ${version}`,
      ["| | control | | evidence |", "|---|---|---|---|", ...controls.map(({ id, title, verdict, evidence }) => `| ${id} | ${cell(title)} | ${verdict === "does-not-hold" ? "**does not hold**" : WORDS[verdict]} | ${evidence.map(cell).join("<br>")} |`)].join("\n"),
    ]),
  ].join("\n\n") + "\n";
}

function summaryOf({ frameworks }: ComplianceReport): string {
  const count = (controls: readonly Judgement[], verdict: Verdict): number => controls.filter((one) => one.verdict === verdict).length;
  const rows = frameworks.map(({ name, controls }) => `| ${name} | ${count(controls, "holds")} | ${count(controls, "does-not-hold")} | ${count(controls, "not-applicable")} | ${plural(controls.length, "control")} |`);
  return ["| | holds | does not hold | not applicable | |", "|---|---:|---:|---:|---:|", ...rows].join("\n");
}
