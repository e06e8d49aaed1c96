import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { daggerw, errorOf, scratchCheckout } from "./harness.ts"

/** Scanners that end well and say nothing: the module of a checkout of its own is changed so that they really do. */

let checkout = ""
beforeAll(() => {
  checkout = scratchCheckout("silent")
})
afterAll(() => rmSync(checkout, { recursive: true, force: true }))

function change(file: string, from: string, to: string): () => void {
  const path = join(checkout, ".dagger", file)
  const before = readFileSync(path, "utf8")
  expect(before, `${file} has the place that is changed`).toContain(from)
  writeFileSync(path, before.replace(from, to))
  return () => writeFileSync(path, before)
}

test("the lister of the bill of materials", async () => {
  // The real syft, which ends well and leaves nothing where it is looked for.
  const restore = change("recipes/list-contents.sh", "--output spdx-json=/tmp/lister/spdx.json", "--output spdx-json=/dev/null")
  const scan = await daggerw(checkout, ["call", "scan", "--service", "backend", "gate"], 1800)
  expect(errorOf(scan)).toContain("listing what is in backend: the scanner ended well, but wrote no bill of materials, so nothing is known")
  expect(scan.code).toBe(33)
  const whole = await daggerw(checkout, ["call", "ci", "--service", "backend"], 1800)
  expect(errorOf(whole)).toMatch(/# Failed: sbom of backend[\s\S]*wrote no bill of materials[\s\S]*Not run: .*publish of backend/)
  expect(whole.code).toBe(33)
  restore()
})

test("the search for credentials", async () => {
  const restore = change("programs/find-secrets.ts", "process.stdout.write(`${JSON.stringify(", "void (`${JSON.stringify(")
  const outcome = await daggerw(checkout, ["call", "scan", "--service", "backend", "passed"], 1800)
  expect(errorOf(outcome)).toContain("looking for secrets in layers: the scanner ended well, but wrote nothing, so nothing is known")
  expect(outcome.code).toBe(33)
  restore()
})
