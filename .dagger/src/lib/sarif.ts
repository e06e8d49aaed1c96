import { type Finding, nameOf, type ScanResult } from "./findings.ts";
import type { Severity } from "./threshold.ts";

const LEVELS: Record<Severity, "error" | "warning" | "note"> = { critical: "error", high: "error", medium: "warning", low: "note", unknown: "note" };
/** GitHub's scale, for viewers that sort by it. */
const SCORES: Record<Severity, string> = { critical: "9.5", high: "8.0", medium: "5.5", low: "2.0", unknown: "0.0" };

/** The findings of a run's images as SARIF 2.1.0. A run without a scan gives a log that says so: it has no results at all. */
export function renderSarif(scans: readonly ScanResult[], runId: string): string {
  return JSON.stringify(sarif(scans, runId), null, 2) + "\n";
}

/** `services` is the folder that holds each service's own: where a reader changes something. */
export function sarif(scans: readonly ScanResult[], runId: string, services = "service") {
  const all = scans.flatMap((scan) => scan.findings.map((finding) => ({ scan, finding })));
  const rules = [...new Map(all.map(({ finding }) => [finding.id, finding])).values()].sort((one, other) => (one.id < other.id ? -1 : 1));
  const ruleIndex = new Map(rules.map(({ id }, index) => [id, index]));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0" as const,
    runs: [{
      tool: { driver: { name: "golden-path scan", rules: rules.map(rule) } },
      automationDetails: { id: `golden-path/${runId}` },
      columnKind: "utf16CodeUnits" as const,
      invocations: [{
        executionSuccessful: scans.length > 0,
        toolExecutionNotifications: scans.flatMap(({ service, notCovered }) => notCovered.map((what) => ({
          level: "note" as const, message: { text: `${service}: not covered: ${what}` },
        }))),
      }],
      results: all.map(({ scan, finding }) => ({
        ruleId: finding.id,
        ruleIndex: ruleIndex.get(finding.id)!,
        level: LEVELS[finding.severity],
        message: { text: message(scan, finding) },
        locations: [{
          physicalLocation: { artifactLocation: { uri: uriOf(finding, `${services}/${scan.service}/service.yaml`) }, region: { startLine: lineOf(finding) } },
          logicalLocations: [{ name: finding.package, fullyQualifiedName: `${scan.service}@${scan.digest}/${finding.package}@${finding.version}`, kind: "package" }],
        }],
        // A viewer shows what is excepted as suppressed, with the reason.
        ...(finding.exception === undefined ? {} : { suppressions: [{ kind: "external" as const, status: "accepted" as const, justification: `until ${finding.exception.expires}: ${finding.exception.reason}` }] }),
        partialFingerprints: { "finding/v1": `${scan.service}:${finding.id}:${finding.package}` },
      })),
    }],
  };
}

/** The file to change, from the checkout's root. What lies in a layer is no file of the checkout. */
function uriOf({ file, source }: Finding, otherwise: string): string {
  const path = file === undefined || source === "image layers" ? otherwise : file;
  return path.split("/").map(encodeURIComponent).join("/");
}

function lineOf({ kind, location = "" }: Finding): number {
  return kind === "secret" ? Number(/^line (\d+)/.exec(location)?.[1] ?? 1) : 1;
}

function rule(finding: Finding) {
  return {
    id: finding.id,
    shortDescription: { text: `${finding.package}: ${finding.id}` },
    defaultConfiguration: { level: LEVELS[finding.severity] },
    properties: { "security-severity": SCORES[finding.severity], tags: ["security", finding.source] },
  };
}

function message({ service }: ScanResult, finding: Finding): string {
  if ((finding.kind ?? "vulnerability") !== "vulnerability") return `${service}: ${nameOf(finding)}, ${finding.severity}.`;
  const fix = finding.fixedIn ? `fixed in ${finding.fixedIn}` : "no fix is known";
  const where = finding.location ? ` (${finding.location})` : "";
  return `The image of ${service} has ${finding.package} ${finding.version}${where}: ${finding.id}, ${finding.severity}, ${fix}.`;
}
