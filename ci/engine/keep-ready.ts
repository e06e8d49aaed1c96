import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pidOf, portOf } from "./daemon.ts"
import { HOST_FILES } from "./debian.ts"
import { ENGINE, enginePid, socket } from "./engine.ts"
import { GIT_SERVER, gitServer } from "./git-server.ts"
import { FREE_GB_TO_RUN } from "./host.ts"
import { IMAGE_SERVER } from "./image-server.ts"
import { networkChecks } from "./network.ts"
import { STATE } from "./paths.ts"
import { readyFile } from "./ready.mjs"

const KEPT = 50
const encode = (text: string): string => Buffer.from(text, "latin1").toString("base64")
// gRPC is HTTP/2: after the client's preface and an empty SETTINGS frame, a server that works sends its own.
const HTTP2_PREFACE = encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
const gitRequest = (repository: string): string => {
  const text = `git-upload-pack /${repository}\0host=127.0.0.1\0`
  return encode((text.length + 4).toString(16).padStart(4, "0") + text)
}

/** Keeps the settings for the next call like this one (see ready.mjs). `files`: what they name on disk. */
export async function keepReady(words: string[], settings: string, files: string[]): Promise<void> {
  const engine = enginePid()
  const images = pidOf(IMAGE_SERVER)
  const key = join(STATE, "run/engine.key")
  if (engine === undefined || images === undefined || !existsSync(key)) return
  const servers = [
    // The first bytes of a SETTINGS frame are its length, which is the server's affair: its first one is enough.
    { pid: engine, match: ENGINE.match, ask: { to: { path: socket() }, send: HTTP2_PREFACE, expect: encode("\0") } },
    { pid: images, match: IMAGE_SERVER.match, ask: { to: { port: await portOf(IMAGE_SERVER.name) }, send: encode("GET /v2/ HTTP/1.0\r\n\r\n"), expect: encode("HTTP/1.") } },
  ]
  const git = await gitServer()
  const gitPid = pidOf(GIT_SERVER)
  if (git && gitPid !== undefined) {
    // An answer begins with four hexadecimal digits; how many references it then names is the repository's affair.
    servers.push({ pid: gitPid, match: GIT_SERVER.match, ask: { to: { port: git.port }, send: gitRequest("gitops.git"), expect: encode("0") } })
  }
  const ready = { settings, engineKey: readFileSync(key, "utf8"), files: [...HOST_FILES, ...files], freeGigabytes: FREE_GB_TO_RUN, rules: networkChecks(), servers }
  mkdirSync(join(STATE, "run"), { recursive: true })
  writeFileSync(readyFile(words), JSON.stringify(ready), { mode: 0o600 })
  forget()
}

/** The oldest go when there are many: each change of a recipe leaves one. */
function forget(): void {
  const folder = join(STATE, "run")
  const kept = readdirSync(folder).filter((name) => /^ready-.*\.json$/.test(name)).map((name) => join(folder, name))
  kept.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
  for (const path of kept.slice(KEPT)) rmSync(path, { force: true })
}
