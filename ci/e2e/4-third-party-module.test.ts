import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { PROJECT, daggerw } from "./harness.ts"

let module = ""
beforeAll(() => {
  module = mkdtempSync(join(tmpdir(), "golden-path-e2e-module-"))
  mkdirSync(join(module, "src"))
  writeFileSync(join(module, "dagger.json"), JSON.stringify({ name: "greeter", engineVersion: "v0.19.10", sdk: { source: "typescript" } }))
  writeFileSync(join(module, "package.json"), JSON.stringify({ type: "module", dependencies: { ms: "2.1.3" } }))
  writeFileSync(join(module, "src/index.ts"), [
    'import { func, object } from "@dagger.io/dagger"',
    'import ms from "ms"',
    "@object()",
    "export class Greeter {",
    "  /** How long some milliseconds are, in words. */",
    "  @func()",
    "  long(milliseconds: number): string { return `that is ${ms(milliseconds, { long: true })}` }",
    "}",
    "",
  ].join("\n"))
})
afterAll(() => rmSync(module, { recursive: true, force: true }))

test("a module with an npm dependency, written apart from this project, answers on this engine", async () => {
  const outcome = await daggerw(PROJECT, ["call", "long", "--milliseconds", "7200000"], 600, module)
  expect(outcome.code, outcome.output.slice(-3000)).toBe(0)
  expect(outcome.stdout).toContain("that is 2 hours")
})
