import { describe, expect, test } from "vitest";
import { cell, duration, table } from "../../.dagger/src/lib/markdown.ts";
import { renderSummary, verdictsOf } from "../../.dagger/src/lib/report.ts";
import type { RunReport, ScanReport, StageResult } from "../../.dagger/src/lib/report.ts";
import { DIGEST_A, REVISION } from "./helpers.ts";

const scan: ScanReport = {
  service: "api",
  digest: DIGEST_A,
  findings: [
    { id: "CVE-2026-2", package: "zlib1g", version: "1.3", fixedIn: "", severity: "low", source: "Debian" },
    { id: "CVE-2026-9", package: "openssl", version: "3.5.1", fixedIn: "3.5.2", severity: "medium", source: "Debian" },
  ],
  covered: ["Debian packages against trixie-security"],
  notCovered: ["Python packages"],
  dataDate: "2026-11-22T01:00:00Z",
  gate: { passed: true, sentence: "no finding of high or above" },
};

const stages: StageResult[] = [
  { name: "test", service: "api", status: "passed", begin: 0, seconds: 3.14, detail: "12 tests | all passed\nsecond line" },
  { name: "integrate", status: "reused", begin: 0, seconds: 0.4, detail: "Healthy at 4 revisions", original: { at: "2026-11-21T20:00:00Z" } },
];

const report: RunReport = {
  runId: "run-7",
  env: "dev",
  startedAt: "2026-11-22T03:15:00.000Z",
  changes: [],
  seconds: 187.4,
  stages,
  images: [{ service: "api", image: `registry/api@${DIGEST_A}`, digest: DIGEST_A, sourceRevision: REVISION, version: "2026.11.22-1234567", bytes: 41_230_000, layers: [] }],
  scans: [scan],
  promotion: { outcome: "committed", commit: "c0ffee1", branch: "main", repository: "gitops.git" },
  signing: { notes: ["Not signed: no --signing-key was given."], images: [] },
};

const failing: RunReport = {
  ...report,
  stages: [
    { name: "test", service: "api", status: "failed", begin: 0, seconds: 2, detail: "test_health failed\nexpected 200, got 500" },
    { name: "build", service: "api", status: "passed", begin: 0, seconds: 9, detail: "" },
    { name: "integrate", status: "skipped", begin: 0, seconds: 0, detail: "" },
    { name: "promote", status: "skipped", begin: 0, seconds: 0, detail: "" },
  ],
  scans: [],
  promotion: { outcome: "not-asked" },
  signing: { notes: ["Not signed: no --signing-key was given."], images: [] },
};

describe("the summary of a run that passed", () => {
  const text = renderSummary(report);

  test("leads with the verdict", () => {
    const first = (promotion: RunReport["promotion"]) => renderSummary({ ...report, promotion }).split("\n")[0];
    expect(first(report.promotion)).toBe("# api passed and is released to dev");
    expect(first({ outcome: "unchanged", commit: "c0ffee1", branch: "main", repository: "r" })).toBe("# api passed; dev already runs this release");
    expect(first({ outcome: "superseded", by: "api 2026.11.23-abcdef1", branch: "main", repository: "r" })).toBe("# api passed; dev has a newer release");
    expect(first({ outcome: "shared", commit: "c0ffee1", branch: "main", repository: "gitops.git" })).toBe("# api passed; dev already runs this release");
    expect(first({ outcome: "not-asked" })).toBe("# api passed; nothing was released");
    expect(text).toContain("Run `run-7` · environment `dev` · 3 min 07 s");
  });

  test("shows each stage in one row, a reused verdict with its origin", () => {
    const rows = text.split("\n").filter((line) => /^\| (api|all) .*\b(passed|reused)\b/.test(line));
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(/^\| api +\| test +\| passed \| +3\.1 \| 12 tests \\\| all passed second line +\|$/);
    expect(rows[1]).toMatch(/^\| all +\| integrate +\| reused \| +0\.4 \| Healthy at 4 revisions \(verdict of 2026-11-21T20:00:00Z\) +\|$/);
  });

  test("shows digest, size and source revision", () => {
    expect(text).toMatch(new RegExp(`\\| api +\\| \`${DIGEST_A}\` +\\| +41\\.2 MB \\| \`${REVISION}\` +\\|`));
  });

  test("says what was found, by gravity, what was covered and what was not", () => {
    expect(text).toContain("### api\n\n**Passed**: no finding of high or above");
    expect(text).toContain("2 findings: 1 medium, 1 low.");
    expect(text.indexOf("CVE-2026-9")).toBeLessThan(text.indexOf("CVE-2026-2"));
    expect(text).toContain("Advisories of 2026-11-22T01:00:00Z.");
    expect(text).toContain("Covered: Debian packages against trixie-security.");
    expect(text).toContain("Not covered: Python packages.");
    const blind = renderSummary({ ...report, scans: [{ ...scan, findings: [], covered: [], notCovered: [] }] });
    expect(blind).toContain("Covered: nothing.");
    expect(blind).toContain("Not covered: nothing known.");
  });

  test("a long list of findings is cut, and says so", () => {
    const findings = Array.from({ length: 14 }, (_, index) => ({ id: `CVE-${index}`, package: "p", version: "1", fixedIn: "2", severity: "low" as const, source: "Debian" }));
    const long = renderSummary({ ...report, scans: [{ ...scan, findings }] });
    expect(long.match(/^\| low/gm)).toHaveLength(10);
    expect(long).toContain("… and 4 more in the report.");
  });

  test("ends with the commit and the next step", () => {
    expect(text).toContain("Commit `c0ffee1` on `main` of gitops.git.");
    expect(text).toContain("dagger call report --run run-7");
    const asked = renderSummary({ ...report, promotion: { outcome: "not-asked" } });
    expect(asked).toContain("Release it: the same call with `--promote`");
    const again = renderSummary({ ...report, promotion: { outcome: "unchanged", commit: "c0ffee1", branch: "main", repository: "r" } });
    expect(again).toContain("No commit: `main` of r already holds this release (`c0ffee1`).");
    const late = renderSummary({ ...report, promotion: { outcome: "superseded", by: "api 2026.11.23-abcdef1", branch: "main", repository: "r" } });
    expect(late).toContain("No commit: `main` of r holds a newer release, api 2026.11.23-abcdef1.");
  });
});

describe("the summary of a run that failed", () => {
  const text = renderSummary(failing);

  test("is short: what failed, the sentence, what did not run, where the evidence is", () => {
    expect(text).toBe(
      [
        "# Failed: test of api", "",
        "- **test of api** after 2.0 s: test_health failed", "  expected 200, got 500", "",
        "Not run: integrate and promote.", "",
        "No commit was made. Evidence of run `run-7`, 3 min 07 s in all:", "",
        "```", "dagger call report --run run-7 export --path report", "```", "",
      ].join("\n"),
    );
  });

  test("names every stage that failed", () => {
    const both = renderSummary({ ...failing, stages: [...failing.stages, { name: "lint", service: "web", status: "failed", begin: 0, seconds: 1, detail: "x" }] });
    expect(both.split("\n")[0]).toBe("# Failed: test of api and lint of web");
  });

  test("shows the worst findings where the gate failed", () => {
    const gated = renderSummary({
      ...failing,
      stages: [{ name: "scan", service: "api", status: "failed", begin: 0, seconds: 1, detail: "1 finding of medium or above" }],
      scans: [{ ...scan, gate: { passed: false, sentence: "1 finding of medium or above" } }],
    });
    expect(gated).toContain("### api: worst findings");
    expect(gated).toContain("CVE-2026-9");
  });

  test("never claims that nothing was committed where something was", () => {
    const after = renderSummary({ ...failing, promotion: report.promotion });
    expect(after).toContain("`c0ffee1` was committed to main.");
    expect(after).not.toContain("No commit");
  });
});

describe("verdicts for the commit", () => {
  test("a stage of several services is as good as its worst", () => {
    const stage = (name: string, status: StageResult["status"]): StageResult => ({ name, status, begin: 0, seconds: 1, detail: "" });
    expect(verdictsOf([stage("test", "passed"), stage("test", "failed"), stage("scan", "reused"), stage("scan", "passed"), stage("integrate", "reused")]))
      .toEqual({ test: "failed", scan: "passed", integrate: "reused" });
    expect(verdictsOf([])).toEqual({});
  });
});

describe("pieces", () => {
  test("durations", () => {
    expect([0, 9.99, 59.94, 59.96, 119.6, 3600].map(duration)).toEqual(["0.0 s", "10.0 s", "59.9 s", "1 min 00 s", "2 min 00 s", "60 min 00 s"]);
  });

  test("tables keep their columns", () => {
    expect(table(["A", "Long title"], [["1", cell("x|y\nz")]], [0])).toBe(
      ["|   A | Long title |", "| --: | ---------- |", "|   1 | x\\|y z     |"].join("\n"),
    );
  });
});
