import { expect, test } from "vitest"
import { PROJECT, daggerw, git, gitopsRepository, gitopsTip } from "./harness.ts"

test("the whole path ends in a commit with trailers, and the same release again in none", async () => {
  const first = await daggerw(PROJECT, ["call", "ci", "--promote"], 3000)
  expect(first.code, first.output.slice(-3000)).toBe(0)
  expect(first.stdout).toMatch(/^# backend and frontend passed/m)
  const tip = gitopsTip()
  const message = git(gitopsRepository(), "log", "-1", "--format=%B", tip)
  const head = git(PROJECT, "log", "-1", "--format=%H", "--", "service/backend", "k8s/base", ".dagger/locks", ".dagger/recipes")
  expect(message).toContain(`Source-Revision: backend=${head}`)
  expect(message).toMatch(/^Image-Digest: backend=sha256:[0-9a-f]{64}$/m)
  expect(message).toMatch(/^Verdict: integrate=(passed|reused)$/m)
  expect(git(gitopsRepository(), "show", `${tip}:env/dev/backend/release.yaml`)).toContain(head)

  const again = await daggerw(PROJECT, ["call", "ci", "--promote"], 600)
  expect(again.code, again.output.slice(-3000)).toBe(0)
  expect(again.stdout).toContain("dev already runs this release")
  expect(again.stdout).toMatch(/\| integrate \| reused/)
  expect(gitopsTip()).toBe(tip)
})

test("a run's reports are handed out afterwards", async () => {
  const list = await daggerw(PROJECT, ["call", "report", "entries"])
  expect(list.code, list.output.slice(-2000)).toBe(0)
  expect(list.stdout).toContain("report.json")
  expect(list.stdout).toContain("summary.md")
})
