import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { daggerw, errorOf, gitopsTip, scratchCheckout } from "./harness.ts"

let checkout = ""
let tip = ""
beforeAll(() => {
  checkout = scratchCheckout("refusals")
  tip = gitopsTip()
})
afterAll(() => rmSync(checkout, { recursive: true, force: true }))

describe("bad input is refused with one sentence before anything runs", () => {
  test.each([
    ["an unknown service", ["ci", "--service", "bakcend"], /--service: unknown service "bakcend" \(did you mean "backend"\?\); use backend or frontend/],
    ["an unknown environment", ["ci", "--env", "prd"], /--env: unknown environment "prd"/],
    ["an unknown threshold", ["ci", "--fail-on", "severe"], /--fail-on: unknown threshold "severe"/],
  ])("%s", async (_, args, sentence) => {
    const outcome = await daggerw(checkout, ["call", ...args])
    expect(outcome.code).not.toBe(0)
    expect(errorOf(outcome)).toMatch(sentence)
  })

  test.each([
    ["does not parse", (text: string) => text.replace("port:", "port: ["), /service\/backend\/service\.yaml/],
    ["lacks a field", (text: string) => text.replace(/^owner:.*$/m, ""), /service\/backend\/service\.yaml: owner: /],
    ["has a port out of range", (text: string) => text.replace(/^port:.*$/m, "port: 70000"), /service\/backend\/service\.yaml: port: 70000 is out of range; use 1024 to 65535/],
  ])("a service.yaml that %s", async (_, edit, sentence) => {
    const file = join(checkout, "service/backend/service.yaml")
    const text = readFileSync(file, "utf8")
    try {
      writeFileSync(file, edit(text))
      const outcome = await daggerw(checkout, ["call", "plan"])
      expect(outcome.code).not.toBe(0)
      expect(errorOf(outcome)).toMatch(sentence)
    } finally {
      writeFileSync(file, text)
    }
  })

  test("a GitOps repository that cannot be reached", async () => {
    const outcome = await daggerw(checkout, ["call", "--gitops=git://127.0.0.1:1/gitops.git", "ci", "--promote"])
    expect(outcome.code).not.toBe(0)
    expect(errorOf(outcome)).toMatch(/GitOps repository/)
  })

  test("and nothing was committed", () => expect(gitopsTip()).toBe(tip))
})
