import { spawn } from "node:child_process"
import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { call, engine, leftovers, mount, ownState } from "./faults.ts"
import { PROJECT } from "./harness.ts"

/** Faults of the machine that are told before anything is built: seconds each, a state folder of their own. */
const SECONDS = 180

const undo: (() => void)[] = []
afterEach(() => {
  for (const one of undo.splice(0).reverse()) one()
})

function state(name: string): string {
  const folder = ownState(name)
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The embedded engine's way, also on a machine that has another or names one. */
const EMBEDDED = { GOLDEN_PATH_ENGINE: "embedded", _EXPERIMENTAL_DAGGER_RUNNER_HOST: "" }

describe("a state folder that cannot be used is told in one sentence", () => {
  test("a disk with too little space", async () => {
    const folder = state("small")
    undo.push(mount(folder, "-t", "tmpfs", "-o", "size=64m", "tmpfs"))
    const outcome = await call(PROJECT, ["version"], SECONDS, { ...EMBEDDED, GOLDEN_PATH_STATE: folder }).ended
    expect(outcome.code).toBe(1)
    expect(outcome.output).toMatch(/- \S+ has 0\.1 GB free; it needs 15, or set GOLDEN_PATH_STATE to a larger place/)
    expect(leftovers(folder)).toEqual({ processes: [], mounts: 0, lock: [] })
  })

  test("a disk that is full to the last byte", async () => {
    const folder = state("full")
    undo.push(mount(folder, "-t", "tmpfs", "-o", "size=1m", "tmpfs"))
    try {
      writeFileSync(join(folder, "ballast"), Buffer.alloc(2_000_000))
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC")
    }
    const outcome = await engine(["prune"], folder, SECONDS)
    expect(outcome.code, outcome.output).toBe(0)
    const start = await engine(["start"], folder, SECONDS)
    expect(start.code).toBe(1)
    expect(start.output).toMatch(/has 0\.0 GB free; it needs 15, or set GOLDEN_PATH_STATE to a larger place/)
  })

  test("a folder that is read-only", async () => {
    const folder = state("read-only")
    undo.push(mount(folder, "--bind", folder))
    mount(folder, "-o", "remount,bind,ro")
    const outcome = await call(PROJECT, ["version"], SECONDS, { ...EMBEDDED, GOLDEN_PATH_STATE: folder }).ended
    expect(outcome.code).toBe(1)
    expect(outcome.output.trim().split("\n").at(-1)).toBe(`daggerw: provisioning: ${folder} cannot be written; run as root or set GOLDEN_PATH_STATE`)
    const start = await engine(["start"], folder, SECONDS)
    expect(start.code).toBe(1)
    expect(start.output).toMatch(/- \S+ cannot be written; make it writable, or set GOLDEN_PATH_STATE to another folder/)
  })
})

describe("prune", () => {
  test("frees what was cut off and what is damaged, says so, and touches nothing on a dry run", async () => {
    const folder = state("prune")
    const cut = join(folder, "build/registry-0123456789abcdef.partial")
    const aside = join(folder, "engine.damaged")
    for (const one of [cut, aside]) {
      mkdirSync(one, { recursive: true })
      writeFileSync(join(one, "file"), Buffer.alloc(3_000_000))
    }
    const dry = await engine(["prune", "--dry-run", "--json"], folder, SECONDS)
    expect(dry.code, dry.output).toBe(0)
    const report = JSON.parse(dry.stdout) as { dryRun: boolean; bytes: number; freed: { what: string }[] }
    expect(report.freed.map(({ what }) => what)).toEqual(["build/registry-0123456789abcdef.partial", "engine.damaged"])
    expect(report.bytes).toBeGreaterThanOrEqual(6_000_000)
    expect(existsSync(cut) && existsSync(aside)).toBe(true)
    const real = await engine(["prune"], folder, SECONDS)
    expect(real.code, real.output).toBe(0)
    expect(real.stdout).toMatch(/3 MB {2}build\/registry-0123456789abcdef\.partial {2}\(a build that was cut off\)/)
    expect(real.stdout).toMatch(/6 MB {2}freed/)
    expect(existsSync(cut) || existsSync(aside)).toBe(false)
  })

  test("refuses while a daggerw builds, and what it does not know", async () => {
    const folder = state("locked")
    const holder = spawn("flock", [join(folder, "lock"), "sleep", "30"], { stdio: "ignore", detached: true })
    undo.push(() => process.kill(-holder.pid!, "SIGKILL"))
    await new Promise((resolve) => setTimeout(resolve, 300))
    const outcome = await engine(["prune"], folder, SECONDS)
    expect(outcome.code).toBe(1)
    expect(outcome.output).toMatch(/prune: a daggerw is building below the same state folder; try again when it has ended/)
    const unknown = await engine(["prune", "--all"], folder, SECONDS)
    expect(unknown.output).toMatch(/prune: unknown option "--all"; see npm run engine -- --help/)
  })
})

describe("doctor", () => {
  test("names each thing with what was found and what to do; exit code 1 when something is in the way", async () => {
    const folder = state("doctor")
    undo.push(mount(folder, "-t", "tmpfs", "-o", "size=64m", "tmpfs"))
    const outcome = await engine(["doctor", "--json"], folder, 2 * SECONDS)
    const findings = JSON.parse(outcome.stdout) as { check: string; result: string; found: string; remedy: string }[]
    expect(outcome.code).toBe(1)
    expect(findings.every(({ check, found, remedy }) => check !== "" && found !== "" && remedy !== "")).toBe(true)
    expect(findings.find(({ check }) => check === "disk")).toMatchObject({ result: "missing" })
    expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(["Node.js", "Go", "cgroups", "Debian mirror", "clock", "engine", "builds"]))
  })
})

test("a build that was damaged afterwards is made again, and a folder that was cut off is no hindrance", async () => {
  const folder = state("damage")
  // The smallest thing that is built: the program of the image server, from Go's cache of the state under test.
  const { buildOnce, buildsUsedBy } = await (async () => {
    process.env["GOLDEN_PATH_STATE"] = folder
    return await import("../engine/build.ts")
  })()
  const made: number[] = []
  const build = async (): Promise<string> => await buildOnce("thing", "0123456789abcdef", async (out) => {
    made.push(made.length)
    writeFileSync(join(out, "program"), "x".repeat(1000))
    await Promise.resolve()
  })
  mkdirSync(join(folder, "build/thing-0123456789abcdef.partial/half"), { recursive: true })
  const built = await build()
  expect(existsSync(join(built, "half"))).toBe(false)
  expect(await build()).toBe(built)
  expect(made).toHaveLength(1)
  renameSync(join(built, "program"), join(folder, "gone"))
  await build()
  expect(made).toHaveLength(2)
  writeFileSync(join(built, "program"), "cut")
  await build()
  expect(made).toHaveLength(3)
  expect(statSync(join(built, "program")).size).toBe(1000)
  expect(await buildsUsedBy(build)).toEqual(new Set(["thing-0123456789abcdef"]))
})
