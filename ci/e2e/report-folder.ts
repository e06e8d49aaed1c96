import { existsSync, readFileSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { Ajv } from "ajv"
import { expect } from "vitest"
import { chromiumPath, look } from "./browser.ts"
import { daggerw } from "./harness.ts"

export interface Exported {
  page: string
  report: Record<string, unknown>
  /** The text of one file of the folder. */
  read: (file: string) => string
}

/** Hands out a run's reports into `place` and holds what every run must have against what is there. */
export async function exportReport(checkout: string, run: string, place: string): Promise<Exported> {
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
    for (const { name, ...seen } of await look(join(place, "index.html"))) {
      expect(seen, name).toEqual({ requests: [], overflow: 0, violations: [], dialogs: [] })
    }
  }
  return { page, report, read }
}

/** The files below a folder that hold a text. */
export function filesWith(place: string, text: string): string[] {
  return readdirSync(place, { recursive: true, encoding: "utf8" })
    .filter((path) => statSync(join(place, path)).isFile() && readFileSync(join(place, path)).includes(text))
}
