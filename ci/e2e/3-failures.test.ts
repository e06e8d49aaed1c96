import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { daggerw, errorOf, git, gitopsTip, scratchCheckout } from "./harness.ts"
import { exportReport } from "./report-folder.ts"

let checkout = ""
let tip = ""
beforeAll(() => {
  checkout = scratchCheckout("failures")
  tip = gitopsTip()
})
afterAll(() => rmSync(checkout, { recursive: true, force: true }))

test("a failing unit test stops the release and is shown", async () => {
  writeFileSync(join(checkout, "service/backend/tests/test_planted.py"), "def test_planted() -> None:\n    assert 1 + 1 == 3\n")
  git(checkout, "add", "-A")
  git(checkout, "commit", "-qm", "A test that fails")
  const outcome = await daggerw(checkout, ["call", "ci", "--service", "backend", "--promote"], 900)
  expect(outcome.code).not.toBe(0)
  expect(errorOf(outcome)).toMatch(/Failed: test of backend/)
  expect(errorOf(outcome)).toContain("test_planted")
  expect(gitopsTip()).toBe(tip)
  git(checkout, "reset", "-q", "--hard", "HEAD~1")
})

test("an image that does not start fails the proof, with its last words", async () => {
  const main = join(checkout, "service/backend/src/backend/__main__.py")
  expect(readFileSync(main, "utf8").length).toBeGreaterThan(0)
  // Only in the image: the tests start the service with another environment.
  appendFileSync(join(checkout, "service/backend/src/backend/__init__.py"), [
    "",
    "import os as _os",
    "",
    'if _os.environ.get("KUBERNETES_SERVICE_HOST"):',
    '    raise SystemExit("planted: cannot start")',
    "",
  ].join("\n"))
  git(checkout, "commit", "-qam", "An image that does not start")
  const outcome = await daggerw(checkout, ["call", "ci", "--service", "backend", "--promote"], 900)
  expect(outcome.code).not.toBe(0)
  expect(errorOf(outcome)).toMatch(/Failed: integrate/)
  expect(errorOf(outcome)).toContain("planted: cannot start")
  expect(gitopsTip()).toBe(tip)
  const run = /report --run (\S+)/.exec(errorOf(outcome))?.[1] ?? ""
  const { page, read } = await exportReport(checkout, run, join(checkout, "report"))
  expect(page).toContain("<h1>Integrate failed</h1>")
  expect(page).toMatch(/Argo CD Applications at the end[\s\S]*dev-backend/)
  expect(page).toMatch(/<pre class="log"[^>]*>[^<]*planted: cannot start/)
  expect(read("integrate/evidence/events.txt")).toContain("backend")
  expect(read("integrate/evidence/pods.yaml")).toContain("kind: Pod")
})
