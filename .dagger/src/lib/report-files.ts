import { manifestsIn } from "./compliance/model.ts";
import { judge, renderCompliance } from "./compliance/report.ts";
import type { Tree } from "./edits.ts";
import type { IntegrateVerdict } from "./integrate-plan.ts";
import { renderJunit } from "./junit.ts";
import type { KeptProof, ServiceAnswer } from "./kept-answers.ts";
import { type ReportFile } from "./page/bundle.ts";
import { renderPage } from "./page/page.ts";
import { redact, redacted } from "./redact.ts";
import { REPORT_API, REPORT_SCHEMA } from "./report-schema.ts";
import { type RunReport, renderSummary } from "./report.ts";
import { renderSarif } from "./sarif.ts";

/** What a run leaves behind for its reports, beside files. */
export interface KeptRun {
  report: RunReport;
  /** The GitOps tree, as far as it came to that. */
  rendered: Tree;
  /** By the key of its question: what later runs may take over. */
  answers: Record<string, ServiceAnswer>;
  proof?: KeptProof;
  /** Names of kept answers that this run found to hold no longer. */
  withdrawn: string[];
}

/** The run in every form, as file name to text; `evidence` is what lies beside them in the folder, `rendered` the GitOps tree as far as it came to that. */
export function reportFiles(run: RunReport, verdict: IntegrateVerdict | undefined, evidence: readonly ReportFile[], rendered: Tree = {}): Record<string, string> {
  // Commit subjects, diffs and logs come from outside, and the report is passed around.
  const report = redacted(run);
  const shown = evidence.map((file) => (file.text === undefined ? file : { ...file, text: redact(file.text) }));
  const json = { $schema: "./report.schema.json", apiVersion: REPORT_API, kind: "RunReport", ...report };
  const compliance = judge({ run: report, ...(verdict ? { verdict } : {}), manifests: manifestsIn(rendered) });
  const texts: Record<string, string> = {
    "summary.md": renderSummary(report),
    "report.json": JSON.stringify(json, null, 2) + "\n",
    "report.schema.json": JSON.stringify(REPORT_SCHEMA, null, 2) + "\n",
    "junit.xml": renderJunit(report),
    "findings.sarif": renderSarif(report.scans, report.runId),
    "compliance.md": renderCompliance(compliance),
    "compliance.json": JSON.stringify(compliance, null, 2) + "\n",
  };
  const files = [...Object.entries(texts).map(([path, text]) => ({ path, bytes: new TextEncoder().encode(text).length })), ...shown];
  return { "index.html": renderPage({ report, ...(verdict ? { verdict } : {}), files }), ...texts };
}
