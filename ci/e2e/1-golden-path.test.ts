import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { expect, test } from "vitest"
import { PROJECT, daggerw, git, gitopsRepository, gitopsTip } from "./harness.ts"

test("the whole path ends in a commit with trailers, and the same release again in none", async () => {
  const first = await daggerw(PROJECT, ["call", "ci", "--promote"], 3000)
  expect(first.code, first.output.slice(-3000)).toBe(0)
  expect(first.stdout).toMatch(/^# backend and frontend passed/m)
  const tip = gitopsTip()
  // The repository is this machine's own and keeps what earlier runs promoted: dev's release need not be its newest commit.
  const message = git(gitopsRepository(), "log", "-1", "--format=%B", tip, "--", "env/dev/backend/release.yaml")
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
  // The wrapper's quick way has to know all that runs by now, a repository with commits in it too.
  const ready = spawnSync(process.execPath, [join(PROJECT, "ci/engine/ready.mjs"), "call", "ci"], { cwd: PROJECT, encoding: "utf8" })
  if (process.env["_EXPERIMENTAL_DAGGER_RUNNER_HOST"] === undefined) expect(ready.stdout).toMatch(/^dagger='.+'$/m)
})

test("what dev runs goes to stage as it is, once, and Git alone tells of it", async () => {
  const digestIn = (env: string): string | undefined => /^digest: (\S+)$/m.exec(git(gitopsRepository(), "show", `main:env/${env}/backend/release.yaml`))?.[1]
  const plan = await daggerw(PROJECT, ["call", "plan", "--to", "stage", "--service", "backend"])
  expect(plan.code, plan.output.slice(-2000)).toBe(0)
  const [planned] = (JSON.parse(plan.stdout) as { services: { digest: string; gates: { gate: string; passed: boolean }[] }[] }).services
  expect(planned?.digest).toBe(digestIn("dev"))

  const up = await daggerw(PROJECT, ["call", "--by", "e2e", "promote", "--to", "stage", "--service", "backend"])
  expect(up.code, up.output.slice(-2000)).toBe(0)
  expect(digestIn("stage")).toBe(digestIn("dev"))
  const tip = gitopsTip()
  const again = await daggerw(PROJECT, ["call", "promote", "--to", "stage", "--service", "backend"])
  expect(again.code, again.output.slice(-2000)).toBe(0)
  expect(again.stdout).toContain("nothing to promote")
  expect(gitopsTip()).toBe(tip)

  const status = await daggerw(PROJECT, ["call", "status", "--format", "json"])
  expect(status.code, status.output.slice(-2000)).toBe(0)
  const found = JSON.parse(status.stdout) as { services: { env: string; service: string; digest: string; gates: { gate: string; passed: boolean }[] }[]; problems: string[] }
  expect(found.problems).toEqual([])
  const stage = found.services.find(({ env, service }) => env === "stage" && service === "backend")
  expect(stage?.digest).toBe(digestIn("stage"))
  expect(stage?.gates.map(({ gate, passed }) => [gate, passed])).toEqual(expect.arrayContaining([["image", true], ["integration", true], ["scan", true]]))
})

test("a run's reports are handed out afterwards", async () => {
  const list = await daggerw(PROJECT, ["call", "report", "entries"])
  expect(list.code, list.output.slice(-2000)).toBe(0)
  expect(list.stdout).toContain("report.json")
  expect(list.stdout).toContain("summary.md")
})
