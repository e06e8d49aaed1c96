import { spawnSync } from "node:child_process"
import { accessSync, constants, existsSync, mkdirSync, statfsSync } from "node:fs"
import { join } from "node:path"
import { UserError } from "./errors.ts"
import { STATE } from "./paths.ts"

const GO_AT_LEAST = [1, 25] as const
// Building everything takes the first, running what was built the second.
const FREE_GB_TO_BUILD = 15
export const FREE_GB_TO_RUN = 3

/** Why the embedded engine cannot work here, each with what to do; empty where it can. */
export function obstacles(): string[] {
  const found: string[] = []
  if (process.platform !== "linux") found.push(`this is ${process.platform}, and the engine runs containers of Linux; install Docker or Podman`)
  if (process.arch !== "x64") found.push(`this is ${process.arch}, and what it is built from is pinned for x64; install Docker or Podman`)
  if (process.getuid?.() !== 0) found.push("it needs root to make containers; run as root, or install Docker or Podman")
  const go = goProblem()
  if (go !== undefined) found.push(`Go ${go}; install Go ${GO_AT_LEAST.join(".")} or newer (Debian: golang from backports)`)
  if (spawnSync("apt-get", ["--version"]).error) found.push("apt-get is missing; the engine's system packages are Debian's")
  mkdirSync(STATE, { recursive: true })
  if (!writable(STATE)) found.push(`${STATE} cannot be written; make it writable, or set GOLDEN_PATH_STATE to another folder`)
  const free = freeGigabytes()
  const needed = neededGigabytes()
  if (free < needed) found.push(`${STATE} has ${free.toFixed(1)} GB free; it needs ${needed}, or set GOLDEN_PATH_STATE to a larger place`)
  return found
}

/** Refuses clearly where the embedded engine cannot work. */
export function requireHost(): void {
  const found = obstacles()
  if (found.length > 0) throw new UserError(`the embedded engine cannot run here:\n${found.map((line) => `  - ${line}`).join("\n")}`)
}

/** Whether a folder can be written: for root a matter of the file system alone. */
export function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** What is wrong with this machine's Go; undefined when it will do. */
export function goProblem(): string | undefined {
  const go = goVersion()
  if (!go) return "is missing"
  return go[0] < GO_AT_LEAST[0] || (go[0] === GO_AT_LEAST[0] && go[1] < GO_AT_LEAST[1]) ? `${go.join(".")} is too old` : undefined
}

/** What the next start needs: a first build takes most. */
export const neededGigabytes = (): number => (existsSync(join(STATE, "run/engine.key")) ? FREE_GB_TO_RUN : FREE_GB_TO_BUILD)

function goVersion(): [number, number] | undefined {
  const match = /go(\d+)\.(\d+)/.exec(spawnSync("go", ["env", "GOVERSION"], { encoding: "utf8" }).stdout ?? "")
  return match ? [Number(match[1]), Number(match[2])] : undefined
}

/** Free space where the state lies. */
export function freeGigabytes(): number {
  mkdirSync(STATE, { recursive: true })
  const { bavail, bsize } = statfsSync(STATE)
  return (bavail * bsize) / 1e9
}
