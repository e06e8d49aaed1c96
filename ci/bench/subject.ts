import { spawn, spawnSync } from "node:child_process"
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { UserError } from "../engine/errors.ts"
import { PROJECT } from "../engine/paths.ts"
import type { Revision } from "./results.ts"
import { writeServices } from "./services.ts"

/** How a command ended. */
export interface Outcome {
  stdout: string
  seconds: number
}

export interface CallOptions {
  /** Seconds after which the command and all that it started are ended. */
  limit?: number
  /** Where it is called; the clone by default. */
  cwd?: string
  env?: Record<string, string>
}

/** Runs git; its own words are the error. */
export function git(folder: string, ...args: string[]): string {
  const who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null"]
  const result = spawnSync("git", ["-C", folder, ...who, ...args], { encoding: "utf8", maxBuffer: 1 << 26 })
  if (result.status !== 0) throw new UserError(`git ${args.join(" ")}: ${(result.stderr || result.error?.message || "failed").trim()}`)
  return result.stdout.trim()
}

/** Which commit a name means in the user's checkout. */
export function resolve(ref: string): Revision {
  const commit = git(PROJECT, "rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`)
  return { ref, commit, subject: git(PROJECT, "log", "-1", "--format=%s", commit) }
}

/**
 * A revision of this project in a clone of its own, with a GitOps repository of its own: whatever is measured,
 * neither the user's checkout nor the user's releases change.
 */
export class Subject {
  readonly revision: Revision
  readonly checkout: string
  /** Constructor flags of every call, the GitOps repository among them. */
  readonly flags: string[]
  /** Constructor flags for calls that shall see no release of another measurement. */
  readonly apart: string[]
  private readonly log: string
  private lines = 0

  constructor(folder: string, revision: Revision, ports: { gitops: number; apart: number }) {
    this.revision = revision
    this.checkout = join(folder, "checkout")
    this.log = join(folder, "log")
    this.flags = [`--gitops-service=tcp://127.0.0.1:${ports.gitops}`]
    this.apart = [`--gitops-service=tcp://127.0.0.1:${ports.apart}`]
    mkdirSync(folder, { recursive: true })
    git(PROJECT, "clone", "--quiet", "--no-checkout", PROJECT, this.checkout)
    git(this.checkout, "checkout", "--quiet", "-B", "bench", revision.commit)
    // Defaults that the user gives to the module's constructor: images, mirrors, a registry.
    if (existsSync(join(PROJECT, ".env"))) copyFileSync(join(PROJECT, ".env"), join(this.checkout, ".env"))
    // The same packages as the user's, unless the lock differs: then daggerw installs this revision's.
    if (sameLock(this.checkout)) symlinkSync(join(PROJECT, "node_modules"), join(this.checkout, "node_modules"))
  }

  /** `./daggerw call <constructor flags> <words>`; throws with the end of its output when it fails. */
  async call(words: string[], options: CallOptions = {}): Promise<Outcome> {
    return await this.daggerw(["call", ...this.flags, ...words], options)
  }

  async daggerw(words: string[], options: CallOptions = {}): Promise<Outcome> {
    return await this.run(join(this.checkout, "daggerw"), ["--progress=plain", ...words], options)
  }

  /** `npm run engine -- <word>`, without npm's own half second. */
  async engine(word: string, options: CallOptions = {}): Promise<Outcome> {
    if (!existsSync(join(this.checkout, "node_modules"))) await this.run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {})
    return await this.run(join(this.checkout, "node_modules/.bin/tsx"), ["ci/engine/main.ts", word], { limit: 7200, ...options })
  }

  /** Changes one line of a service that was there, and commits it. */
  changeOneLine(service: string): void {
    const file = this.someSource(service)
    this.lines += 1
    const text = readFileSync(file, "utf8").replace(/\n*# bench: .*\n$/, "\n").trimEnd()
    writeFileSync(file, `${text}\n\n# bench: ${Date.now()} ${this.lines}\n`)
    git(this.checkout, "commit", "--quiet", "--all", "-m", "bench: one line changed")
  }

  /** Puts `count` new services into a folder of their own and commits them. */
  addServices(folder: string, count: number): void {
    writeServices(join(this.checkout, folder), count, `${Date.now()}-${this.revision.commit.slice(0, 7)}`)
    git(this.checkout, "add", "--force", folder)
    git(this.checkout, "commit", "--quiet", "-m", `bench: ${count} services`)
  }

  private someSource(service: string): string {
    const found = git(this.checkout, "ls-files", `service/${service}/src/*/__init__.py`).split("\n")[0]
    if (found === undefined || found === "") throw new UserError(`changing one line: service/${service} has no src/<package>/__init__.py at ${this.revision.ref}`)
    return join(this.checkout, found)
  }

  private async run(command: string, args: string[], { limit = 1800, cwd = this.checkout, env = {} }: CallOptions): Promise<Outcome> {
    appendFileSync(this.log, `$ ${command} ${args.join(" ")}\n`)
    const begun = performance.now()
    const child = spawn(command, args, { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1", ...env } })
    running.add(child.pid!)
    let stdout = ""
    let tail = ""
    child.stdout.on("data", (data: Buffer) => (stdout += data.toString()))
    child.stderr.on("data", (data: Buffer) => {
      appendFileSync(this.log, data)
      tail = (tail + data.toString()).slice(-4000)
    })
    const timer = setTimeout(() => endGroup(child.pid!), limit * 1000)
    const status = await new Promise<number>((done, failed) => {
      child.once("error", failed)
      // Not `close`: an engine that this started keeps the pipe.
      child.once("exit", (code) => done(code ?? 137))
    })
    const seconds = (performance.now() - begun) / 1000
    clearTimeout(timer)
    running.delete(child.pid!)
    // What was written last may still be in the pipe.
    await new Promise((done) => setTimeout(done, 50))
    if (status !== 0) {
      const what = args.filter((arg) => !arg.startsWith("--gitops-service") && !arg.startsWith("--progress")).join(" ")
      throw new UserError(`${what} at ${this.revision.ref} ended with ${status} after ${seconds.toFixed(0)} s: ${cause(tail)}`)
    }
    return { stdout, seconds }
  }
}

const running = new Set<number>()

/** Ends what is being run; for a bench that is stopped. */
export function endRunning(): void {
  for (const pid of running) endGroup(pid)
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL")
  } catch {
    // Already gone.
  }
}

/** The sentence that dagger ends with, else the last lines. */
function cause(tail: string): string {
  const at = tail.lastIndexOf("\nError: ")
  return (at < 0 ? tail.trim().split("\n").slice(-6).join(" | ") : tail.slice(at + 8).trim()).slice(0, 1500)
}

function sameLock(checkout: string): boolean {
  const lock = (folder: string): string => readFileSync(join(folder, "package-lock.json"), "utf8")
  return existsSync(join(PROJECT, "node_modules")) && lock(PROJECT) === lock(checkout)
}
