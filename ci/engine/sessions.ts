import { readFileSync, readdirSync, readlinkSync } from "node:fs"
import { UserError } from "./errors.ts"
import { STATE } from "./paths.ts"
import { say } from "./progress.ts"

const WAIT_SECONDS = 900

/** How many connections of callers a process holds on its socket: what /proc says, so that nothing has to be asked. */
export function connections(pid: number): number {
  try {
    const folder = `/proc/${pid}/fd`
    const held = new Set(readdirSync(folder).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.[1]
      } catch {
        return undefined
      }
    }))
    return established(readFileSync(`/proc/${pid}/net/unix`, "utf8"), held).length
  } catch {
    // It ended meanwhile.
    return 0
  }
}

/** Inodes of the connected sockets of an engine in a table like /proc/net/unix. */
export function established(table: string, held: ReadonlySet<string | undefined>): string[] {
  const found: string[] = []
  for (const line of table.split("\n").slice(1)) {
    // Num RefCount Protocol Flags Type St Inode Path; 03 is connected, 01 the one that listens.
    const [, , , , , state, inode, path] = line.trim().split(/\s+/)
    if (state === "03" && inode && held.has(inode) && path?.endsWith("/engine.sock")) found.push(inode)
  }
  return found
}

/** Before an engine is started anew for this checkout: lets the sessions that it serves end, for a while. `running` tells its process. */
export async function untilUnused(running: () => number | undefined, seconds = WAIT_SECONDS): Promise<void> {
  const end = Date.now() + seconds * 1000
  let said = 0
  for (;;) {
    const pid = running()
    if (pid === undefined || connections(pid) === 0) return
    if (Date.now() > end) {
      throw new UserError(
        `start the engine of this checkout: the engine below ${STATE}, of another build, still serves a session after ${seconds} s; ` +
        `wait for it to end, end it with npm run engine -- stop, or set GOLDEN_PATH_STATE to another folder`,
      )
    }
    if (Date.now() - said > 30_000) {
      say(`an engine of another build serves a session; waiting at most ${Math.round((end - Date.now()) / 1000)} s for it to end`)
      said = Date.now()
    }
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}
