import { spawn } from "node:child_process"
import { existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { UserError } from "./errors.ts"
import { STATE, state } from "./paths.ts"
import { alive, waitUntil } from "./process.ts"

export interface Daemon {
  name: string
  /** A word of its command line, so that another process with a reused id is never taken for it. */
  match: string
}

const pidFile = (name: string): string => state("run", `${name}.pid`)

/** Where a daemon's output goes. */
export const logFile = (name: string): string => state("log", `${name}.log`)

/** What a daemon said in its run before: the one that is asked for after it died and was started anew. */
export const earlierLog = (name: string): string => state("log", `${name}.before.log`)

/** The process id of a daemon that runs, or undefined. */
export function pidOf(daemon: Daemon): number | undefined {
  const file = pidFile(daemon.name)
  if (!existsSync(file)) return undefined
  const pid = Number(readFileSync(file, "utf8").trim())
  return pid > 0 && alive(pid, daemon.match) ? pid : undefined
}

/** Starts a command in a session of its own, its output appended to its log. */
export function startDaemon(daemon: Daemon, command: string, args: string[], env: Record<string, string> = {}): void {
  mkdirSync(`${STATE}/run`, { recursive: true })
  if (existsSync(logFile(daemon.name))) renameSync(logFile(daemon.name), earlierLog(daemon.name))
  const log = openSync(logFile(daemon.name), "w")
  const child = spawn(command, args, { detached: true, stdio: ["ignore", log, log], env: { ...process.env, ...env } })
  if (!child.pid) throw new UserError(`start ${daemon.name}: ${command} cannot be started`)
  writeFileSync(pidFile(daemon.name), String(child.pid))
  child.unref()
}

/** Ends a daemon: asks, waits up to `seconds`, then forces. Nothing to do when it does not run. */
export async function stopDaemon(daemon: Daemon, seconds = 30): Promise<boolean> {
  const pid = pidOf(daemon)
  if (pid !== undefined) {
    process.kill(pid, "SIGTERM")
    try {
      await waitUntil(`${daemon.name} to end`, seconds, () => !alive(pid, daemon.match))
    } catch {
      process.kill(pid, "SIGKILL")
      await waitUntil(`${daemon.name} to end after SIGKILL`, 10, () => !alive(pid, daemon.match))
    }
  }
  rmSync(pidFile(daemon.name), { force: true })
  return pid !== undefined
}

/** A loopback port kept for a daemon, so that its address stays the same from start to start. */
export async function portOf(name: string): Promise<number> {
  const file = state("run", `${name}.port`)
  if (existsSync(file)) return Number(readFileSync(file, "utf8"))
  const port = await new Promise<number>((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0))
    })
  })
  writeFileSync(file, String(port))
  return port
}

/** The last lines of a daemon's log, for errors. */
export function logTail(name: string, lines = 8): string {
  const file = logFile(name)
  if (!existsSync(file)) return "(no log)"
  return readFileSync(file, "utf8").trim().split("\n").slice(-lines).map((line) => `  ${line}`).join("\n")
}
