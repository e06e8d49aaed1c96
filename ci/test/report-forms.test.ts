import { Ajv } from "ajv";
import type { Log } from "sarif";
import { describe, expect, test } from "vitest";
import { fileChanges, releasedState } from "../../.dagger/src/lib/changes.ts";
import { renderJunit } from "../../.dagger/src/lib/junit.ts";
import { releaseFiles } from "../../.dagger/src/lib/release.ts";
import { reportFiles } from "../../.dagger/src/lib/report-files.ts";
import type { RunReport } from "../../.dagger/src/lib/report.ts";
import { REPORT_SCHEMA } from "../../.dagger/src/lib/report-schema.ts";
import { sarif } from "../../.dagger/src/lib/sarif.ts";
import { DIGEST_A, DIGEST_B, goldenBase, release, spec } from "./helpers.ts";
import { EVIDENCE, FAILED, GOOD, VERDICT } from "./report-fixtures.ts";

describe("report.json", () => {
  const valid = new Ajv({ strict: true, allErrors: true }).compile(REPORT_SCHEMA);
  const json = (report: RunReport): Record<string, unknown> => JSON.parse(reportFiles(report, VERDICT, EVIDENCE)["report.json"]!);

  test("is what its schema says, for every way a run can end", () => {
    const place = { branch: "main", repository: "r" };
    const ends: RunReport["promotion"][] = [GOOD.promotion, { outcome: "not-asked" }, { outcome: "unchanged", commit: "c", ...place }, { outcome: "proposed", commit: "c", advice: "a", ...place }, { outcome: "superseded", by: "b", ...place }];
    for (const report of [GOOD, FAILED, ...ends.map((promotion) => ({ ...GOOD, promotion }))]) {
      valid(json(report));
      expect(valid.errors).toBeNull();
    }
    expect(valid(json({ ...GOOD, stages: [{ ...GOOD.stages[0]!, status: "reused", original: { at: "2026-11-22T03:15:00Z" } }], images: [], scans: [], changes: [] }))).toBe(true);
  });

  test("a field that is missing, wrong or unknown is no report", () => {
    expect(valid({ ...json(GOOD), runId: undefined })).toBe(false);
    expect(valid({ ...json(GOOD), seconds: "48" })).toBe(false);
    expect(valid({ ...json(GOOD), surprise: 1 })).toBe(false);
    expect(valid({ ...json(GOOD), env: "moon" })).toBe(false);
  });

  test("lies beside every other form", () => {
    expect(Object.keys(reportFiles(GOOD, undefined, [])).sort()).toEqual(["compliance.json", "compliance.md", "findings.sarif", "index.html", "junit.xml", "report.json", "report.schema.json", "summary.md"]);
  });
});

describe("junit.xml", () => {
  test("has a test for each stage, in a suite for each service", () => {
    const xml = renderJunit(FAILED);
    expect(xml).toContain('<testsuites name="golden-path dev" tests="8" failures="1" errors="0" time="271.800">');
    expect(xml).toContain('<testsuite name="api" tests="6" failures="0" errors="0" skipped="0" time="20.100" timestamp="2026-11-22T03:15:00">');
    expect(xml).toContain('<testcase classname="golden-path.api" name="lint" time="3.100">');
    expect(xml).toMatch(/<failure type="failed" message="integrate failed: integrating under Argo CD: pod [^"]*planted: cannot start/);
    expect(xml).toContain('<skipped message="not run: integrate did not pass"/>');
  });

  test("stays well-formed whatever a command printed", () => {
    const detail = `</failure>]]>&<x a="1">\u001b[31m\u0007\ud800\ufffe`;
    const xml = renderJunit({ ...FAILED, stages: [{ name: "test", service: detail, status: "failed", begin: 0, seconds: 1, detail }] });
    expect(xml.match(/<\/failure>/g)).toHaveLength(1);
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b-\u001f\ufffe]|\]\]>|<x/); // eslint-disable-line no-control-regex
  });
});

describe("findings.sarif", () => {
  test("is SARIF 2.1.0 with a rule for each advisory and a place for each finding", () => {
    // The compiler holds this against the published types.
    const log: Log = sarif(GOOD.scans, GOOD.runId);
    const [run] = log.runs;
    expect(log.version).toBe("2.1.0");
    expect(run!.tool.driver.rules!.map(({ id }) => id)).toEqual(["CVE-2026-2", "trixie-security:openssl"]);
    expect(run!.results!.map(({ ruleId, level }) => [ruleId, level])).toEqual([["CVE-2026-2", "note"], ["trixie-security:openssl", "warning"]]);
    for (const result of run!.results!) {
      expect(run!.tool.driver.rules![result.ruleIndex!]!.id).toBe(result.ruleId);
      expect(result.locations![0]!.physicalLocation!.artifactLocation!.uri).toBe("service/api/service.yaml");
    }
    expect(run!.invocations![0]!.toolExecutionNotifications![0]!.message.text).toBe("api: not covered: 18 Python packages");
  });

  test("a run without a scan does not look like one without findings", () => {
    expect(sarif([], "x").runs[0]!.invocations[0]!.executionSuccessful).toBe(false);
  });
});

describe("what a run changes", () => {
  const files = (digest: string, replicas = 1) =>
    releaseFiles(spec(`replicas: ${replicas}\n`), release({ digest, image: `registry.golden-path.internal/api@${digest}` }), goldenBase());

  test("is each file of the service's release that differs, with its diff", () => {
    const changes = fileChanges({ ...files(DIGEST_A, 2), "env/dev/api/record.yaml": "the run's", "env/dev/web/release.yaml": "other" }, files(DIGEST_B), "dev", "api");
    expect(changes.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      "removed env/dev/api/manifests/poddisruptionbudget.yaml",
      "changed env/dev/api/manifests/deployment.yaml",
      "changed env/dev/api/release.yaml",
      "changed env/dev/api/source.yaml",
    ]);
    const diff = changes[1]!.diff;
    expect(diff).toMatch(/^@@ /);
    expect(diff).toMatch(/^-\s+replicas: 2$/m);
    expect(diff).toContain(`api@${DIGEST_B}`);
    expect(diff).not.toContain("+++");
  });

  test("is everything at a first release, and nothing at the same one", () => {
    expect(fileChanges({}, files(DIGEST_A), "dev", "api").every(({ kind }) => kind === "added")).toBe(true);
    expect(fileChanges(files(DIGEST_A), files(DIGEST_A), "dev", "api")).toEqual([]);
    expect(releasedState({}, "dev", "api")).toBeUndefined();
    expect(releasedState(files(DIGEST_A), "dev", "api")).toMatchObject({ digest: DIGEST_A });
  });
});
