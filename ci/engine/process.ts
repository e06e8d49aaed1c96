import { spawn } from "node:child_process"
import { closeSync, openSync, readFileSync } from "node:fs"
import { UserError } from "./errors.ts"
import { state } from "./paths.ts"

export interface RunOptions {
  /** What this does, for errors: "build the engine". */
  what: string
  /** Seconds after which it is ended. */
  limit: number
  cwd?: string
  env?: Record<string, string | undefined>
  /** What to do when it fails, added to the error. */
  hint?: string
}

/** Runs a command to its end and returns its standard output; standard error goes to a log that an error quotes. */
export async function run(command: string, args: string[], options: RunOptions): Promise<string> {
  const log = state("log", `${options.what.replace(/[^a-z0-9]+/gi, "-")}.log`)
  const fd = openSync(log, "w")
  // A group of its own, so that the time limit ends grandchildren (compilers, package tools) as well.
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", fd],
    detached: true,
  })
  closeSync(fd)
  const endGroup = (): void => {
    try {
      if (child.pid) process.kill(-child.pid, "SIGKILL")
    } catch {
      // Already gone.
    }
  }
  const onSignal = (): void => {
    endGroup()
    process.exit(130)
  }
  process.once("SIGINT", onSignal)
  process.once("SIGTERM", onSignal)
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    endGroup()
  }, options.limit * 1000)
  const output: Buffer[] = []
  child.stdout?.on("data", (data: Buffer) => output.push(data))
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", (error) => reject(new UserError(`${options.what}: ${command} cannot be started (${error.message})`)))
      child.once("close", (status, signal) => resolve(status ?? (signal ? 128 : 1)))
    })
    const text = Buffer.concat(output).toString()
    if (timedOut) throw new UserError(`${options.what}: no end after ${options.limit} s, so it was stopped; ${tail(log, text)}`)
    if (code !== 0) {
      const hint = options.hint ? `\n${options.hint}` : ""
      throw new UserError(`${options.what}: ${command} ended with ${code}; ${tail(log, text)}${hint}`)
    }
    return text
  } finally {
    clearTimeout(timer)
    process.removeListener("SIGINT", onSignal)
    process.removeListener("SIGTERM", onSignal)
  }
}

function tail(log: string, stdout: string): string {
  const lines = `${stdout}\n${readFileSync(log, "utf8")}`.trim().split("\n").slice(-12).join("\n  ")
  return `the log ${log} ends with:\n  ${lines}`
}

/** True when a process with this id runs (and, where given, its command line contains `match`). */
export function alive(pid: number, match?: string): boolean {
  try {
    process.kill(pid, 0)
    if (!match) return true
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
    // Empty while one program becomes the next, which takes seconds on a busy machine; and when it has ended unreaped.
    return words === "" ? !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8")) : words.includes(match)
  } catch {
    return false
  }
}

/** Waits until `probe` answers true; on the limit throws a sentence with what it waited for. */
export async function waitUntil(what: string, seconds: number, probe: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    if (await probe()) return
    if (Date.now() > end) throw new UserError(`waiting for ${what}: not there after ${seconds} s`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
