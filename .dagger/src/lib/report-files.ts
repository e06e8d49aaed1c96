import type { IntegrateVerdict } from "./integrate-plan.ts";
import { renderJunit } from "./junit.ts";
import { type ReportFile } from "./page/bundle.ts";
import { renderPage } from "./page/page.ts";
import { REPORT_API, REPORT_SCHEMA } from "./report-schema.ts";
import { type RunReport, renderSummary } from "./report.ts";
import { renderSarif } from "./sarif.ts";

/** The run in every form, as file name to text; `evidence` is what lies beside them in the folder. */
export function reportFiles(report: RunReport, verdict: IntegrateVerdict | undefined, evidence: readonly ReportFile[]): Record<string, string> {
  const json = { $schema: "./report.schema.json", apiVersion: REPORT_API, kind: "RunReport", ...report };
  const texts: Record<string, string> = {
    "summary.md": renderSummary(report),
    "report.json": JSON.stringify(json, null, 2) + "\n",
    "report.schema.json": JSON.stringify(REPORT_SCHEMA, null, 2) + "\n",
    "junit.xml": renderJunit(report),
    "findings.sarif": renderSarif(report.scans, report.runId),
  };
  const files = [...Object.entries(texts).map(([path, text]) => ({ path, bytes: new TextEncoder().encode(text).length })), ...evidence];
  return { "index.html": renderPage({ report, ...(verdict ? { verdict } : {}), files }), ...texts };
}
