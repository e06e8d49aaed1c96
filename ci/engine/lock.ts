import { spawn } from "node:child_process"
import { UserError } from "./errors.ts"
import { state } from "./paths.ts"

/** Does something while nobody else builds below the state folder: the lock is the one that daggerw takes. */
export async function locked<T>(what: string, work: () => Promise<T>): Promise<T> {
  // Node has no flock of its own. The holder ends with its standard input, so also when this process is killed.
  const holder = spawn("flock", ["-n", state("lock"), "sh", "-c", "echo held; exec cat >/dev/null"], { stdio: ["pipe", "pipe", "inherit"] })
  const got = await new Promise<boolean>((resolve, reject) => {
    holder.once("error", (error) => reject(new UserError(`${what}: flock cannot be started (${error.message}); install Debian's util-linux`)))
    holder.stdout.once("data", () => resolve(true))
    holder.once("exit", () => resolve(false))
  })
  if (!got) throw new UserError(`${what}: a daggerw is building below the same state folder; try again when it has ended`)
  try {
    return await work()
  } finally {
    holder.stdin.end()
  }
}
