import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Ajv } from "ajv"
import { afterAll, beforeAll, expect, test } from "vitest"
import { chromiumPath, look } from "./browser.ts"
import { daggerw, errorOf, git, scratchCheckout } from "./harness.ts"
import { Collector } from "./otlp.ts"

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

/** Hands out a run's reports and holds what every run must have against what is there. */
async function exported(run: string, name: string): Promise<{ place: string; page: string; report: Record<string, unknown> }> {
  const place = join(folder, name)
  const outcome = await daggerw(checkout, ["call", "report", "--run", run, "export", "--path", place], 600)
  expect(outcome.code, outcome.output.slice(-2000)).toBe(0)
  const read = (file: string): string => readFileSync(join(place, file), "utf8")
  const report = JSON.parse(read("report.json")) as Record<string, unknown>
  const valid = new Ajv({ strict: true, allErrors: true }).compile(JSON.parse(read("report.schema.json")) as object)
  valid(report)
  expect(valid.errors).toBeNull()
  expect(report["runId"]).toBe(run)
  expect(JSON.parse(read("findings.sarif"))).toMatchObject({ version: "2.1.0" })
  expect(read("junit.xml")).toMatch(/^<\?xml[\s\S]*<\/testsuites>\n$/)
  expect(read("summary.md")).toMatch(/^# /)
  const page = read("index.html")
  for (const [, href = ""] of page.matchAll(/href="\.\/([^"]*)"/g)) {
    const target = join(place, ...href.split("/").map(decodeURIComponent))
    expect(existsSync(target) && statSync(target).isFile(), target).toBe(true)
  }
  if (chromiumPath() === undefined) console.log("  no chromium here: the page was not looked at")
  else {
    for (const { name: kind, ...seen } of await look(join(place, "index.html"))) {
      expect(seen, kind).toEqual({ requests: [], overflow: 0, violations: [], dialogs: [] })
    }
  }
  return { place, page, report }
}

test("a good run: every form of its report, and each stage as a span", async () => {
  const outcome = await daggerw(checkout, ["call", "ci", "--service", "backend"], 1800)
  expect(outcome.code, outcome.output.slice(-3000)).toBe(0)
  const run = /report --run (\S+)/.exec(outcome.stdout)?.[1] ?? ""
  const { page } = await exported(run, "good")
  expect(page).toContain("backend passed")
  expect(page).toMatch(/aria-label="build: passed, from/)
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
  // What a stage asked of the engine lies below it.
  const build = collector.named("build backend")!
  expect([...collector.spans.values()].some(({ parentId }) => parentId === build.spanId)).toBe(true)
})

test("a failed run has one as well, with what the command said", async () => {
  writeFileSync(join(checkout, "service/backend/tests/test_planted.py"), "def test_planted() -> None:\n    assert '<script>alert(1)</script>' == ''\n")
  git(checkout, "add", "-A")
  git(checkout, "commit", "-qm", "A test that fails <img src=x onerror=alert(1)>")
  const outcome = await daggerw(checkout, ["call", "ci", "--service", "backend"], 900)
  expect(outcome.code).not.toBe(0)
  const run = /report --run (\S+)/.exec(errorOf(outcome))?.[1] ?? ""
  const { page, place, report } = await exported(run, "failed")
  expect(page).toContain("<h1>Test of backend failed</h1>")
  expect(page).toContain("No commit was made; dev is as it was.")
  expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;")
  expect(readFileSync(join(place, "logs/backend/test.log"), "utf8")).toContain("test_planted")
  expect(JSON.stringify(report["stages"])).toContain('"skipped"')
  expect(readFileSync(join(place, "junit.xml"), "utf8")).toMatch(/<failure [^>]*message="test of backend failed/)
  expect([...collector.spans.values()].some(({ name, failed }) => name === "test backend" && failed)).toBe(true)
})
