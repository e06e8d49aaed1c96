import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keepReport } from "../../.dagger/programs/keep-report.ts";
import { FAILED, GOOD } from "./report-fixtures.ts";

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "golden-path-report-")); });
afterEach(() => { rmSync(folder, { recursive: true }); });

function evidence(files: Record<string, string>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, "evidence", path, ".."), { recursive: true });
    writeFileSync(join(folder, "evidence", path), text);
  }
  return join(folder, "evidence");
}

test("every form lies beside the evidence, and the page shows what it may", async () => {
  const report = FAILED;
  await keepReport({ report, rendered: {} }, evidence({ "logs/api/test.log": "one line of output", "api/sbom.cdx.json": "{}" }), join(folder, "runs"));
  const kept = join(folder, "runs", report.runId);
  expect(readdirSync(kept).sort()).toEqual(expect.arrayContaining(["api", "index.html", "junit.xml", "logs", "report.json", "summary.md"]));
  const page = readFileSync(join(kept, "index.html"), "utf8");
  expect(page).toContain("one line of output");
  expect(page).toContain("api/<wbr>sbom.cdx.json");
  expect((JSON.parse(readFileSync(join(kept, "report.json"), "utf8")) as { runId: string }).runId).toBe(report.runId);
});

test("a page that cannot be drawn costs neither the summary nor the evidence", async () => {
  const report = { ...GOOD, changes: undefined as never };
  await keepReport({ report, rendered: {} }, evidence({ "integrate/verdict.json": "no JSON" }), join(folder, "runs"));
  const kept = join(folder, "runs", report.runId);
  expect(readFileSync(join(kept, "report-failed.txt"), "utf8")).toMatch(/^drawing the report: .+; this is a defect, please report it\n$/);
  expect(readdirSync(kept)).toEqual(expect.arrayContaining(["integrate", "report.json", "summary.md"]));
});
