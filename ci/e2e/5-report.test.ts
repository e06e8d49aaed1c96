import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { daggerw, errorOf, git, scratchCheckout } from "./harness.ts"
import { Collector } from "./otlp.ts"
import { exportReport, filesWith } from "./report-folder.ts"

let checkout = ""
let folder = ""
const collector = new Collector()
beforeAll(async () => {
  checkout = scratchCheckout("report")
  folder = mkdtempSync(join(tmpdir(), "golden-path-report-"))
  process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = await collector.start()
})
afterAll(() => {
  delete process.env["OTEL_EXPORTER_OTLP_ENDPOINT"]
  collector.stop()
  for (const place of [checkout, folder]) rmSync(place, { recursive: true, force: true })
})

test("a good run: every form of its report, and each stage as a span", async () => {
  const outcome = await daggerw(checkout, ["call", "ci", "--service", "backend"], 1800)
  expect(outcome.code, outcome.output.slice(-3000)).toBe(0)
  const run = /report --run (\S+)/.exec(outcome.stdout)?.[1] ?? ""
  const { page } = await exportReport(checkout, run, join(folder, "good"))
  expect(page).toContain("backend passed")
  expect(page).toMatch(/aria-label="build: (passed|reused), from/)
  expect(page).toMatch(/drift|healed in/)

  const ci = collector.named("GoldenPath.ci")
  expect(ci).toBeDefined()
  for (const name of ["lint backend", "test backend", "build backend", "sbom backend", "scan backend", "publish backend", "integrate"]) {
    const span = collector.named(name)
    expect(span, name).toBeDefined()
    expect(span!.traceId).toBe(ci!.traceId)
    expect(span!.attributes["golden-path.status"]).toMatch(/passed|reused/)
    expect(span!.failed).toBe(false)
  }
  // What a stage asked of the engine lies below it; this one asks in every run.
  const secrets = collector.named("secrets")!
  expect([...collector.spans.values()].some(({ parentId }) => parentId === secrets.spanId)).toBe(true)
})

test("a failed run has one as well, with what the command said but for secrets", async () => {
  writeFileSync(join(checkout, "service/backend/tests/test_planted.py"), [
    "def test_planted() -> None:",
    '    print("fetching https://robot:hunter2@git.example.com/x.git")',
    '    message = "<script>alert(1)</script>"',
    '    assert message == ""',
    "",
  ].join("\n"))
  git(checkout, "add", "-A")
  git(checkout, "commit", "-qm", "A test that fails <img src=x onerror=alert(1)>")
  const outcome = await daggerw(checkout, ["call", "ci", "--service", "backend"], 900)
  expect(outcome.code).not.toBe(0)
  const run = /report --run (\S+)/.exec(errorOf(outcome))?.[1] ?? ""
  const place = join(folder, "failed")
  const { page, report, read } = await exportReport(checkout, run, place)
  expect(page).toContain("<h1>Test of backend failed</h1>")
  expect(page).toContain("No commit was made; dev is as it was.")
  expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;")
  expect(read("logs/backend/test.log")).toContain("test_planted")
  expect(filesWith(place, "https://***@git.example.com")).toContain("logs/backend/test.log")
  expect(filesWith(place, "hunter2")).toEqual([])
  expect(JSON.stringify(report["stages"])).toContain('"skipped"')
  expect(read("junit.xml")).toMatch(/<failure [^>]*message="test of backend failed/)
  expect([...collector.spans.values()].some(({ name, failed }) => name === "test backend" && failed)).toBe(true)
})
