import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { write } from "../../.dagger/programs/gitops-write.ts"
import { STATE, call, contained, enginePid, until } from "./faults.ts"
import { freePort, release, rendered } from "./git/fixtures.ts"
import { type Running, git, scratchCheckout } from "./harness.ts"
import { addHello, commit } from "./kept-platform.ts"

/**
 * kill -9 of the client, of the program's exec and of the engine at every boundary of a promotion and of a rollback
 * that the Git server sees; then the same call again: exactly one commit, with the same content as an undisturbed one.
 * (Boundaries between two looks at the server are walked without an engine, in git/killed.test.ts.)
 * It ends the engine of GOLDEN_PATH_STATE: name one that nobody else uses.
 */
const LIMIT = 900
const VICTIMS = ["client", "exec", "engine"] as const
type Victim = (typeof VICTIMS)[number]

interface Action {
  args: string[]
  /** The branch before it. */
  before: string
  /** The tree that it leaves, but for what tells of the run. */
  after: string
  /** How often an undisturbed run asked to fetch. */
  fetches: number
}

let folder = ""
let bare = ""
let checkout = ""
let port = 0
let server: ChildProcess | undefined
const actions: Record<string, Action> = {}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "golden-path-killed-"))
  bare = join(folder, "gitops.git")
  git(folder, "init", "--quiet", "--bare", "--initial-branch=main", bare)
  await serve()
  checkout = scratchCheckout("killed")
  addHello(checkout)
  await released(20)
  await succeed(["promote", "--to", "stage"])
  commit(checkout, "A line more", { "service/hello/src/more.js": "// More.\n" })
  await released(21)
  for (const [name, args] of [["promote", ["promote", "--to", "stage"]], ["rollback", ["rollback", "--env", "stage", "--reason", "killed"]]] as const) {
    const before = tip()
    rmSync(join(folder, "fetches"), { force: true })
    await succeed([...args])
    const fetches = readFileSync(join(folder, "fetches"), "utf8").length
    expect(commitsSince(before)).toBe(1)
    actions[name] = { args: [...args], before, after: tree(), fetches }
    console.log(`  ${name} asks ${fetches} times to fetch`)
  }
}, 3_600_000)
afterAll(() => {
  server?.kill("SIGKILL")
  for (const one of [folder, checkout]) if (one !== "") rmSync(one, { recursive: true, force: true })
})

/** git's daemon, which stops at the boundary that the file `stop` names, says so in `stopped`, and goes on when told. */
async function serve(): Promise<void> {
  port = await freePort()
  const stop = (name: string): string =>
    `if [ "$(cat ${folder}/stop 2>/dev/null)" = "${name}" ]; then : > ${folder}/stopped; i=0; while [ -e ${folder}/stopped ] && [ $i -lt 600 ]; do sleep 0.1; i=$((i+1)); done; fi`
  const script = (name: string, lines: string[]): void => writeFileSync(name, ["#!/bin/sh", ...lines, "exit 0", ""].join("\n"), { mode: 0o755 })
  // One byte for each, written at once: two that ask together are counted apart.
  script(join(folder, "access"), [`case $1 in upload-pack) printf x >> ${folder}/fetches; n=$(wc -c < ${folder}/fetches); ${stop("fetch $((n))")} ;; receive-pack) ${stop("asked to push")} ;; esac`])
  script(join(bare, "hooks/pre-receive"), ["cat > /dev/null", stop("received")])
  script(join(bare, "hooks/post-receive"), ["cat > /dev/null", stop("moved")])
  const program = join(execFileSync("git", ["--exec-path"], { encoding: "utf8" }).trim(), "git-daemon")
  server = spawn(program, ["--listen=127.0.0.1", `--port=${port}`, "--reuseaddr", `--base-path=${folder}`, "--export-all", "--enable=receive-pack", `--access-hook=${join(folder, "access")}`], { stdio: "ignore" })
}

const begin = (args: string[], limit = LIMIT): Running => call(checkout, ["call", `--gitops-service=tcp://127.0.0.1:${port}`, ...args], limit)
const tip = (): string => git(bare, "rev-parse", "main")
const commitsSince = (commit: string): number => Number(git(bare, "rev-list", "--count", `${commit}..main`))

async function succeed(args: string[], limit = LIMIT): Promise<string> {
  const done = await begin(args, limit).ended
  expect(done.code, done.output.slice(-3000)).toBe(0)
  return done.stdout
}

/** A release in dev, of an image that the registry has: how it was proven is not under test, so nothing proves it. */
async function released(day: number): Promise<void> {
  const image = /\S+@sha256:[0-9a-f]{64}/.exec(await succeed(["publish", "--service", "hello"], 3000))![0]
  await write(rendered(`file://${bare}`, [release("hello", day, { image, digest: image.split("@")[1]! })], { runId: `run-${day}` }))
}

/** All that lies in the repository, without the run's id, its time, and what follows from them. */
function tree(): string {
  const paths = git(bare, "ls-tree", "-r", "--name-only", "main").split("\n")
  return paths.map((path) => `${path}\n${git(bare, "show", `main:${path}`).replaceAll(/^(run|at|since|checksum| {2}provenBy| {4}evidence): .*$/gm, "$1")}`).join("\n")
}

/** The exec that waits for this test's server: its git, and the program above it. */
function programs(): number[] {
  return contained(STATE).filter(({ line }) => line.includes(`:${port}/gitops.git`)).flatMap(({ pid }) => {
    for (let at = pid; at > 1; at = parentOf(at)) {
      if (readFileSync(`/proc/${at}/cmdline`, "utf8").includes("programs/gitops-")) return [at]
    }
    return []
  })
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0)
}

function kill(victim: Victim, running: Running): void {
  if (victim === "client") return void process.kill(running.pid, "SIGKILL")
  const pids = victim === "exec" ? programs() : [enginePid(STATE)!]
  expect(pids.length, `no ${victim} to kill`).toBeGreaterThan(0)
  for (const pid of new Set(pids)) process.kill(pid, "SIGKILL")
}

/** The first fetch is a look, the last one the writer's. */
function boundariesOf({ fetches }: Action, victim: Victim): string[] {
  const asked = victim === "client" ? Array.from({ length: fetches }, (_, index) => index + 1) : [1, fetches]
  return [...asked.map((number) => `fetch ${number}`), "asked to push", "received", "moved"]
}

describe.each(["promote", "rollback"])("%s", (name) => {
  test.each(VICTIMS)("the %s is killed at every boundary: the same call again ends in one commit", async (victim) => {
    const action = actions[name]!
    for (const boundary of boundariesOf(action, victim)) {
      git(bare, "update-ref", "refs/heads/main", action.before)
      rmSync(join(folder, "fetches"), { force: true })
      writeFileSync(join(folder, "stop"), boundary)
      const running = begin(action.args)
      await until(`the server to be at: ${boundary}`, LIMIT, () => existsSync(join(folder, "stopped")))
      kill(victim, running)
      rmSync(join(folder, "stop"))
      rmSync(join(folder, "stopped"))
      const killed = await running.ended
      expect(killed.code, boundary).not.toBe(0)
      // What the server has received by then is its own to finish.
      await new Promise((resolve) => setTimeout(resolve, 1000))
      const left = commitsSince(action.before)
      expect(left, boundary).toBe(boundary === "moved" ? 1 : Math.min(left, 1))
      const again = await begin(action.args).ended
      expect(again.code, `${boundary}: ${again.output.slice(-3000)}`).toBe(0)
      expect(commitsSince(action.before), boundary).toBe(1)
      expect(tree(), boundary).toBe(action.after)
      git(bare, "fsck", "--strict")
      console.log(`  ${name}, ${victim} killed at "${boundary}": ${left} commit then, 1 in the end, ${(killed.seconds + again.seconds).toFixed(1)} s`)
    }
  }, 3_000_000)
})
