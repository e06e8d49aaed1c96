import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { type Server, connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { readyFile } from "../engine/ready.mjs"
import { connections, established, untilUnused } from "../engine/sessions.ts"

const PROGRAM = join(import.meta.dirname, "../engine/ready.mjs")
const base64 = (text: string): string => Buffer.from(text, "latin1").toString("base64")

let state = ""
let server: Server
let silent = false
let port = 0

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), "golden-path-ready-"))
  mkdirSync(join(state, "run"))
  silent = false
  server = createServer((socket) => socket.once("data", () => !silent && socket.write("pong, and more")))
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  const address = server.address()
  port = typeof address === "object" && address ? address.port : 0
  writeFileSync(join(state, "run/engine.key"), "k1")
})
afterEach(() => {
  server.close()
  rmSync(state, { recursive: true, force: true })
})

/** What the program prints for a call, or undefined when it leaves the call to the slow way. */
async function ask(words: string[]): Promise<string | undefined> {
  const child = spawn(process.execPath, [PROGRAM, ...words], { env: { ...process.env, GOLDEN_PATH_STATE: state }, stdio: ["ignore", "pipe", "inherit"] })
  let text = ""
  child.stdout.on("data", (data: Buffer) => (text += data.toString()))
  const code = await new Promise((done) => child.once("close", done))
  return code === 0 ? text : undefined
}

function keep(words: string[], change: object = {}): void {
  process.env["GOLDEN_PATH_STATE"] = state
  const name = basename(readyFile(words))
  delete process.env["GOLDEN_PATH_STATE"]
  const ready = {
    settings: "flags='x'\n",
    engineKey: "k1",
    files: [PROGRAM],
    freeGigabytes: 0,
    servers: [{ pid: process.pid, match: "node", ask: { to: { port }, send: base64("ping"), expect: base64("pong") } }],
    ...change,
  }
  writeFileSync(join(state, "run", name), JSON.stringify(ready))
}

test("settings are read as long as everything runs and answers", async () => {
  expect(await ask(["call", "lint"])).toBeUndefined()
  keep(["call", "lint"])
  expect(await ask(["call", "lint"])).toBe("flags='x'\n")
  expect(await ask(["--progress=plain", "call", "lint", "--fail-on=low"])).toBe("flags='x'\n")
})

test("another function or a named image is another call", async () => {
  keep(["call", "lint"])
  expect(await ask(["call", "ci"])).toBeUndefined()
  expect(await ask(["call", "--images=debian=x", "lint"])).toBeUndefined()
})

test("a server that does not answer, has gone, or was started anew is left to the slow way", async () => {
  keep(["call", "lint"])
  silent = true
  expect(await ask(["call", "lint"])).toBeUndefined()
  silent = false
  keep(["call", "lint"], { servers: [{ pid: process.pid, match: "no such words", ask: { to: { port }, send: "", expect: "" } }] })
  expect(await ask(["call", "lint"])).toBeUndefined()
  keep(["call", "lint"], { engineKey: "k0" })
  expect(await ask(["call", "lint"])).toBeUndefined()
  keep(["call", "lint"], { files: [join(dirname(PROGRAM), "no-such-file")] })
  expect(await ask(["call", "lint"])).toBeUndefined()
})

test("sessions are the connected sockets that the engine itself holds", () => {
  const table = [
    "Num       RefCount Protocol Flags    Type St Inode Path",
    "0000: 00000002 00000000 00010000 0001 01 100 /run/golden-path/run/engine.sock",
    "0000: 00000003 00000000 00000000 0001 03 101 /run/golden-path/run/engine.sock",
    "0000: 00000003 00000000 00000000 0001 03 102 /run/golden-path/run/engine.sock",
    "0000: 00000003 00000000 00000000 0001 03 103 /run/other.sock",
    "0000: 00000003 00000000 00000000 0001 03 104",
  ].join("\n")
  expect(established(table, new Set(["100", "101", "103", "104"]))).toEqual(["101"])
})

test("an engine that serves a session is waited for, within a bound, with what to do", async () => {
  const serving = createServer()
  const path = join(state, "engine.sock")
  await new Promise<void>((done) => serving.listen(path, done))
  const session = connect(path)
  await new Promise<void>((done) => session.once("connect", () => done()))
  expect(connections(process.pid)).toBeGreaterThan(0)
  await expect(untilUnused(() => process.pid, 0.1)).rejects.toThrow(/still serves a session after 0\.1 s; .*npm run engine -- stop/)
  session.destroy()
  await untilUnused(() => process.pid, 10)
  await untilUnused(() => undefined, 0.1)
  await new Promise((done) => serving.close(done))
})
