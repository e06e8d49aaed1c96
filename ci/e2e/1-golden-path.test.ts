import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { GitopsServer } from "../bench/gitops.ts"
import { type Outcome, PROJECT, daggerw, git } from "./harness.ts"

// A GitOps repository of its own: releases that this machine has are neither changed nor in the way.
let folder: string
let server: GitopsServer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "golden-path-e2e-gitops-"))
  server = await GitopsServer.start(folder)
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

const call = (words: string[], limit?: number): Promise<Outcome> => daggerw(PROJECT, ["call", `--gitops-service=tcp://127.0.0.1:${server.port}`, ...words], limit)
const inGitops = (...words: string[]): string => git(join(folder, "gitops/gitops.git"), ...words)
const tipOf = (): string => inGitops("rev-parse", "main")

test("the whole path ends in a commit with trailers, and the same release again in none", async () => {
  const first = await call(["ci", "--promote"], 3000)
  expect(first.code, first.output.slice(-3000)).toBe(0)
  expect(first.stdout).toMatch(/^# backend and frontend passed/m)
  const tip = tipOf()
  const message = inGitops("log", "-1", "--format=%B", tip)
  const head = git(PROJECT, "log", "-1", "--format=%H", "--", "service/backend", "k8s/base", ".dagger/locks", ".dagger/recipes")
  expect(message).toContain(`Source-Revision: backend=${head}`)
  expect(message).toMatch(/^Image-Digest: backend=sha256:[0-9a-f]{64}$/m)
  expect(message).toMatch(/^Verdict: integrate=(passed|reused)$/m)
  expect(inGitops("show", `${tip}:env/dev/backend/release.yaml`)).toContain(head)

  const again = await call(["ci", "--promote"], 600)
  expect(again.code, again.output.slice(-3000)).toBe(0)
  expect(again.stdout).toContain("dev already runs this release")
  expect(again.stdout).toMatch(/\| integrate \| reused/)
  expect(tipOf()).toBe(tip)
  // The wrapper's quick way has to know all that runs by now, this machine's own repository too, with commits in it or without.
  const ready = spawnSync(process.execPath, [join(PROJECT, "ci/engine/ready.mjs"), "call", "ci"], { cwd: PROJECT, encoding: "utf8" })
  if (process.env["_EXPERIMENTAL_DAGGER_RUNNER_HOST"] === undefined) expect(ready.stdout).toMatch(/^dagger='.+'$/m)
})

test("what dev runs goes to stage as it is, once, and Git alone tells of it", async () => {
  const digestIn = (env: string): string | undefined => /^digest: (\S+)$/m.exec(inGitops("show", `main:env/${env}/backend/release.yaml`))?.[1]
  const plan = await call(["plan", "--to", "stage", "--service", "backend"])
  expect(plan.code, plan.output.slice(-2000)).toBe(0)
  const [planned] = (JSON.parse(plan.stdout) as { services: { digest: string; gates: { gate: string; passed: boolean }[] }[] }).services
  expect(planned?.digest).toBe(digestIn("dev"))

  const up = await call(["--by", "e2e", "promote", "--to", "stage", "--service", "backend"])
  expect(up.code, up.output.slice(-2000)).toBe(0)
  expect(digestIn("stage")).toBe(digestIn("dev"))
  const tip = tipOf()
  const again = await call(["promote", "--to", "stage", "--service", "backend"])
  expect(again.code, again.output.slice(-2000)).toBe(0)
  expect(again.stdout).toContain("nothing to promote")
  expect(tipOf()).toBe(tip)

  const status = await call(["status", "--format", "json"])
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
