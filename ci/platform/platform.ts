import { spawn } from "node:child_process"
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { allWell } from "../../.dagger/src/lib/local-platform.ts"
import type { PlatformStatus } from "../../.dagger/src/lib/local-platform.ts"
import { logFile, logTail, pidOf, portOf, startDaemon, stopDaemon } from "../engine/daemon.ts"
import { UserError } from "../engine/errors.ts"
import { PROJECT, state } from "../engine/paths.ts"
import { alive, waitUntil } from "../engine/process.ts"
import { say, step } from "../engine/progress.ts"
import { CLIENT_MATCH, CLIENT_PID, HOLDER } from "./names.ts"

/** Building the engine and its images the first time; each step of it has its own limit. */
const PROVISION_SECONDS = 2 * 3600
const ANSWER_SECONDS = 600
const READY_SECONDS = 420
const WELL_SECONDS = 180
const END_SECONDS = 60

export interface Running {
  pid: number
  url: string
  /** Undefined while the platform has not called yet. */
  status: PlatformStatus | undefined
}

/** What runs, or undefined. */
export async function running(): Promise<Running | undefined> {
  const pid = pidOf(HOLDER)
  if (pid === undefined) return undefined
  const url = `http://127.0.0.1:${await portOf("platform")}`
  return { pid, url, status: await ask(url) }
}

async function ask(url: string): Promise<PlatformStatus | undefined> {
  try {
    const answer = await fetch(`${url}/-/status`, { signal: AbortSignal.timeout(5000) })
    return answer.ok ? ((await answer.json()) as PlatformStatus) : undefined
  } catch {
    return undefined
  }
}

/** Starts the platform, or goes on with the one that runs; returns when every Application is well, or none is there. */
export async function up(flags: string[]): Promise<Running> {
  return await locked(async () => {
    const there = await running()
    if (there === undefined) {
      await endClient()
      await step("engine and images", provision)
      await launch(flags)
    } else {
      say(`the platform runs already, process ${there.pid}`)
    }
    await follow()
    return (await running())!
  })
}

/** Ends the platform; true if one ran. Nothing of it is left then. */
export async function down(): Promise<boolean> {
  const client = clientPid()
  const ran = await stopDaemon(HOLDER, END_SECONDS)
  const left = await endClient()
  if (client !== undefined) await waitUntil("the platform's Dagger client to end", 10, () => !alive(client, CLIENT_MATCH))
  return ran || left
}

/** Everything that takes long the first time, with its progress shown here and not in a log. */
async function provision(): Promise<void> {
  const child = spawn(join(PROJECT, "daggerw"), ["--silent", "call", "local-platform", "--help"], { cwd: PROJECT, stdio: ["ignore", "ignore", "inherit"], detached: true })
  const timer = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), PROVISION_SECONDS * 1000)
  const end = (): void => {
    process.kill(-child.pid!, "SIGTERM")
    process.exit(130)
  }
  process.once("SIGINT", end)
  const code = await new Promise<number>((done) => child.once("close", (status) => done(status ?? 137)))
  clearTimeout(timer)
  process.removeListener("SIGINT", end)
  if (code !== 0) throw new UserError(`start the platform: ./daggerw call local-platform --help ended with ${code}; what it said stands above`)
}

async function launch(flags: string[]): Promise<void> {
  const [port, entryPort] = [await portOf("platform"), await portOf("platform-entry")]
  // Not the command tsx, which is only a parent: the id kept is then that of the holder itself.
  const loader = pathToFileURL(join(PROJECT, "node_modules/tsx/dist/loader.mjs")).href
  startDaemon(HOLDER, process.execPath, ["--import", loader, join(PROJECT, HOLDER.match), String(port), String(entryPort), ...flags])
}

/** Shows the platform's own steps until it is ready, then the Applications' until they are well. */
async function follow(): Promise<void> {
  let shown = 0
  let doing = ""
  const look = async (): Promise<PlatformStatus | undefined> => {
    const now = await running()
    if (now === undefined) throw new UserError(`start the platform: it ended; its log ${logFile(HOLDER.name)} ends with:\n${logTail(HOLDER.name)}`)
    const { status } = now
    if (status === undefined) return undefined
    for (const { name, seconds } of status.steps.slice(shown)) say(`${name}: done in ${seconds.toFixed(1)} s`)
    shown = status.steps.length
    if (status.doing !== doing && status.state === "starting") say(status.doing)
    doing = status.doing
    if (status.state === "failed") throw new UserError(`start the platform: ${status.doing}; the log is ${logFile(HOLDER.name)}`)
    return status
  }
  await step("the cluster and the platform's program", () => until("the platform to call", ANSWER_SECONDS, async () => (await look()) !== undefined))
  await until("Argo CD to follow the GitOps repository", READY_SECONDS, async () => (await look())?.state === "ready", () => doing)
  const { tip, reason } = (await look())?.gitops ?? {}
  if (reason !== undefined) say(reason)
  if (!tip) return
  let last = ""
  try {
    await until("every Application to be Synced and Healthy", WELL_SECONDS, async () => {
      const status = await look()
      if (status === undefined) return false
      const unwell = status.applications.filter((app) => app.sync !== "Synced" || app.health !== "Healthy")
      const line = status.applications.length === 0 ? "no Application yet" : unwell.map((app) => `${app.env}-${app.service}: ${app.sync}, ${app.health}`).join("; ")
      if (line !== last && line !== "") say(line)
      last = line
      return status.applications.length > 0 && allWell(status)
    })
  } catch (error) {
    // The platform runs; what it runs is shown as it is.
    say((error as Error).message)
  }
}

async function until(what: string, seconds: number, probe: () => Promise<boolean>, last: () => string = () => ""): Promise<void> {
  const end = Date.now() + seconds * 1000
  while (!(await probe())) {
    if (Date.now() > end) {
      const seen = last() === "" ? "" : ` (${last()})`
      throw new UserError(`waiting for ${what}: not there after ${seconds} s${seen}; the log ${logFile(HOLDER.name)} ends with:\n${logTail(HOLDER.name)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
}

function clientPid(): number | undefined {
  const file = state("run", CLIENT_PID)
  if (!existsSync(file)) return undefined
  const pid = Number(readFileSync(file, "utf8"))
  return pid > 0 && alive(pid, CLIENT_MATCH) ? pid : undefined
}

/** Ends the client that a killed holder left; the engine ends what it had started. True if there was one. */
async function endClient(): Promise<boolean> {
  const pid = clientPid()
  if (pid !== undefined) {
    say(`ending Dagger client ${pid} of the platform`)
    process.kill(pid, "SIGINT")
    try {
      await waitUntil("it to end", 30, () => !alive(pid, CLIENT_MATCH))
    } catch {
      process.kill(pid, "SIGKILL")
    }
  }
  rmSync(state("run", CLIENT_PID), { force: true })
  return pid !== undefined
}

/** One `up` at a time; the second waits and then finds the platform there. */
async function locked<T>(work: () => Promise<T>): Promise<T> {
  const file = state("run", "platform.lock")
  const take = (): boolean => {
    try {
      const fd = openSync(file, "wx")
      writeFileSync(fd, String(process.pid))
      closeSync(fd)
      return true
    } catch {
      const holder = Number(readFileSync(file, { encoding: "utf8", flag: "a+" }))
      // Its owner was killed, or is about to write its number: the next look tells.
      if (holder > 0 && !alive(holder)) rmSync(file, { force: true })
      return false
    }
  }
  if (!take()) {
    say("another `platform up` is at work; waiting for it")
    await waitUntil("another `platform up` to end", PROVISION_SECONDS, take)
  }
  try {
    return await work()
  } finally {
    rmSync(file, { force: true })
  }
}
