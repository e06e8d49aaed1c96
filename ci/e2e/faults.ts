import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Outcome, PROJECT, type Running, begin } from "./harness.ts"

/** What the fault tests share: a call that goes on while something is done to it, and what it leaves behind. */

/** The state folder under test. */
export const STATE = process.env["GOLDEN_PATH_STATE"] ?? "/var/lib/golden-path"

/** `npm run engine -- …` of the checkout under test, on a state folder. */
export async function engine(args: string[], state = STATE, limit = 300): Promise<Outcome> {
  return await begin(join(PROJECT, "node_modules/.bin/tsx"), ["ci/engine/main.ts", ...args], limit, { env: { GOLDEN_PATH_STATE: state } }).ended
}

/** `./daggerw …` of a checkout, running. */
export function call(checkout: string, args: string[], limit = 900, env: Record<string, string> = {}): Running {
  return begin(join(checkout, "daggerw"), ["--progress=plain", ...args], limit, { cwd: checkout, env })
}

/** Waits until `seen` gives something; on the limit says what for. */
export async function until<T>(what: string, seconds: number, seen: () => T | undefined | false): Promise<T> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const found = seen()
    if (found !== undefined && found !== false) return found
    if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** The embedded engine's process of a state folder. */
export function enginePid(state = STATE): number | undefined {
  const file = join(state, "run/engine.pid")
  const pid = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0
  return pid > 0 && existsSync(`/proc/${pid}/fd`) ? pid : undefined
}

export interface Leftovers {
  /** Command lines of processes in the engine's containers. */
  processes: string[]
  /** Mounts of the engine besides those it always has. */
  mounts: number
  /** Who holds the provisioning lock. */
  lock: string[]
}

/** The processes in an engine's containers. */
export function contained(state = STATE): { pid: number; line: string }[] {
  const executor = join(state, "engine/worker/executor")
  const ids = new Set(existsSync(executor) ? readdirSync(executor) : [])
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const id = /\/buildkit\/([a-z0-9]+)/.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1]
      if (id === undefined || !ids.has(id)) return []
      return [{ pid: Number(pid), line: readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim() }]
    } catch {
      return []
    }
  })
}

/** What calls left behind: the processes in this engine's containers, its mounts, a held lock. */
export function leftovers(state = STATE): Leftovers {
  const processes = contained(state).map(({ line }) => line)
  const pid = enginePid(state)
  const mounts = pid === undefined ? 0 : readFileSync(`/proc/${pid}/mountinfo`, "utf8").split("\n").filter((line) => line.includes("/run/golden-path/engine/")).length
  const free = spawnSync("flock", ["-n", join(state, "lock"), "true"]).status === 0
  return { processes, mounts, lock: free ? [] : [join(state, "lock")] }
}

/** Waits until nothing of any call is left; says what is. */
export async function untilClean(seconds: number, state = STATE): Promise<number> {
  const begun = Date.now()
  let last: Leftovers | undefined
  try {
    await until("nothing to be left behind", seconds, () => {
      last = leftovers(state)
      return last.processes.length === 0 && last.lock.length === 0
    })
  } catch (error) {
    throw new Error(`${(error as Error).message}: ${JSON.stringify(last)}`, { cause: error })
  }
  return (Date.now() - begun) / 1000
}

/** An empty folder for a state of its own, gone at the end. */
export function ownState(name: string): string {
  return mkdtempSync(join(tmpdir(), `golden-path-e2e-${name}-`))
}

/** Mounts something at a folder, made if absent; returns what undoes it. */
export function mount(folder: string, ...args: string[]): () => void {
  mkdirSync(folder, { recursive: true })
  const result = spawnSync("mount", [...args, folder], { encoding: "utf8" })
  if (result.status !== 0) throw new Error(`mount ${args.join(" ")} ${folder}: ${result.stderr}`)
  return () => {
    spawnSync("umount", ["-l", folder])
    rmSync(folder, { recursive: true, force: true })
  }
}
