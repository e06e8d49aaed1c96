import { spawn, spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

/** The checkout under test. */
export const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), "../..")

export interface Outcome {
  code: number
  stdout: string
  /** stdout and stderr as they came, without colours. */
  output: string
  seconds: number
}

/** A command under way. */
export interface Running {
  pid: number
  /** Everything it said so far. */
  output: () => string
  /** Ends it, if it still runs. */
  kill: () => void
  /** Its end, at most `limit` seconds from its start. */
  ended: Promise<Outcome>
}

/** Starts a command in a group of its own and lets it run; one that outlives its limit is killed and fails the test by its code. */
export function begin(command: string, args: string[], limit: number, options: { cwd?: string; env?: Record<string, string> } = {}): Running {
  const begun = Date.now()
  console.log(`$ ${[command.split("/").pop(), ...args].join(" ")}`)
  const child = spawn(command, args, { cwd: options.cwd ?? PROJECT, env: { ...process.env, NO_COLOR: "1", ...options.env }, detached: true })
  let stdout = ""
  let output = ""
  child.stdout.on("data", (data: Buffer) => {
    stdout += data.toString()
    output += data.toString()
  })
  child.stderr.on("data", (data: Buffer) => (output += data.toString()))
  const timer = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), limit * 1000)
  const ended = new Promise<Outcome>((done) => child.once("close", (status, signal) => {
    clearTimeout(timer)
    const seconds = (Date.now() - begun) / 1000
    const code = status ?? (signal === "SIGTERM" ? 143 : 137)
    const words = code === 0 ? "" : `: ${output.trim().split("\n").at(-1) ?? ""}`
    console.log(`  exit code ${code} after ${seconds.toFixed(1)} s${words}`)
    // eslint-disable-next-line no-control-regex -- colours are control characters
    done({ code, stdout, output: output.replace(/\u001b\[[0-9;]*m/g, ""), seconds })
  }))
  const kill = (): void => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, "SIGKILL")
  }
  return { pid: child.pid!, output: () => output, kill, ended }
}

/** Runs `./daggerw` of a checkout to its end, at most `limit` seconds. */
export async function daggerw(checkout: string, args: string[], limit = 900, cwd = checkout): Promise<Outcome> {
  return await begin(join(checkout, "daggerw"), ["--progress=plain", ...args], limit, { cwd }).ended
}

/** The sentence that dagger ends a failed call with. */
export function errorOf(outcome: Outcome): string {
  const at = outcome.output.lastIndexOf("\nError: ")
  return at < 0 ? outcome.output.slice(-2000) : outcome.output.slice(at + 8)
}

/** Runs git in a folder; throws with its words when it fails. */
export function git(folder: string, ...args: string[]): string {
  const who = ["-c", "user.name=e2e", "-c", "user.email=e2e@localhost", "-c", "commit.gpgsign=false"]
  const result = spawnSync("git", ["-C", folder, ...who, ...args], { encoding: "utf8" })
  if (result.status !== 0) throw new Error(`git ${args.join(" ")}: ${result.stderr}`)
  return result.stdout.trim()
}

/** A clone of the committed state, to be changed at will; its npm packages are those of the checkout under test. */
export function scratchCheckout(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `golden-path-e2e-${name}-`))
  rmSync(folder, { recursive: true })
  git(PROJECT, "clone", "--quiet", PROJECT, folder)
  symlinkSync(join(PROJECT, "node_modules"), join(folder, "node_modules"))
  return folder
}

/** A folder of the checkout under test, copied. */
export function copyOf(path: string, to: string): void {
  cpSync(join(PROJECT, path), to, { recursive: true })
}

/** The GitOps repository that daggerw serves. */
export function gitopsRepository(): string {
  return join(process.env["GOLDEN_PATH_STATE"] ?? "/var/lib/golden-path", "git/gitops.git")
}

/** Its newest commit, or "" before the first. */
export function gitopsTip(): string {
  const repository = gitopsRepository()
  if (!existsSync(join(repository, "refs"))) return ""
  const result = spawnSync("git", ["-C", repository, "rev-parse", "--verify", "--quiet", "main"], { encoding: "utf8" })
  return result.stdout.trim()
}
