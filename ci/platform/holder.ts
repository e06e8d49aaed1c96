/**
 * Holds the local platform: opens the bridge, calls the module, and stays as long as the call does.
 * What Dagger runs ends with its session, so someone has to stay; `npm run platform -- up` starts this detached.
 *
 * Arguments: port, entry port, then flags for the module's constructor.
 */
import { spawn } from "node:child_process"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { PROJECT, state } from "../engine/paths.ts"
import { CLIENT_PID } from "./names.ts"
import { openBridge } from "./bridge.ts"

const END_SECONDS = 30

const [port = "", entryPort = "", ...flags] = process.argv.slice(2)
const bridge = await openBridge(Number(port), Number(entryPort)).catch((error: Error) => {
  console.error(`hold the platform: it cannot listen (${error.message}); end what listens there, or remove ${state("run", "platform*.port")} for other ports`)
  process.exit(1)
})
const call = ["--progress=plain", "call", ...flags, "local-platform", "--entry", `tcp://127.0.0.1:${bridge.entryPort}`]
// A group of its own: a signal for the group must reach the wrapper and what it becomes, never this process first.
const client = spawn(join(PROJECT, "daggerw"), call, { cwd: PROJECT, stdio: "inherit", detached: true, env: { ...process.env, NO_COLOR: "1" } })
writeFileSync(state("run", CLIENT_PID), String(client.pid))

// Dagger's command ends its session at an interrupt; a termination just ends it.
const end = (): void => {
  client.kill("SIGINT")
  setTimeout(() => client.kill("SIGKILL"), END_SECONDS * 1000).unref()
}
process.on("SIGTERM", end)
process.on("SIGINT", end)
client.once("exit", (code) => {
  bridge.close()
  rmSync(state("run", CLIENT_PID), { force: true })
  process.exit(code ?? 1)
})
