import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { type Server, connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest"
import { networkChecks, networkName, networkRange, packetRules } from "../engine/network.ts"
import { connections, established, untilUnused } from "../engine/sessions.ts"

const PROGRAM = join(import.meta.dirname, "../engine/ready.mjs")
const base64 = (text: string): string => Buffer.from(text, "latin1").toString("base64")

const state = mkdtempSync(join(tmpdir(), "golden-path-ready-"))
vi.stubEnv("GOLDEN_PATH_STATE", state)
// Files share their modules; this one needs its own, which reads the variable when it is loaded.
vi.resetModules()
const { keptSettings, readyFile } = await import("../engine/ready.mjs")
afterAll(() => {
  rmSync(state, { recursive: true, force: true })
  vi.unstubAllEnvs()
  vi.resetModules()
})

let server: Server
let silent = false
let port = 0

beforeEach(async () => {
  rmSync(join(state, "run"), { recursive: true, force: true })
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
})

function keep(words: string[], change: object = {}): void {
  const ready = {
    settings: "flags='x'\n",
    engineKey: "k1",
    files: [PROGRAM],
    freeGigabytes: 0,
    rules: [],
    servers: [{ pid: process.pid, match: "node", ask: { to: { port }, send: base64("ping"), expect: base64("pong") } }],
    ...change,
  }
  writeFileSync(readyFile(words), JSON.stringify(ready))
}

test("settings are read as long as everything runs and answers", async () => {
  expect(await keptSettings(["call", "lint"])).toBeUndefined()
  keep(["call", "lint"])
  expect(await keptSettings(["call", "lint"])).toBe("flags='x'\n")
  expect(await keptSettings(["--progress=plain", "call", "lint", "--fail-on=low"])).toBe("flags='x'\n")
})

test("the program prints them, or says nothing and ends with 1", () => {
  const program = (words: string[]) => spawnSync(process.execPath, [PROGRAM, ...words], { encoding: "utf8" })
  // Nobody to ask: this process waits for the program, and would not answer.
  keep(["call", "lint"], { servers: [] })
  expect(program(["call", "lint"])).toMatchObject({ status: 0, stdout: "flags='x'\n", stderr: "" })
  expect(program(["call", "ci"])).toMatchObject({ status: 1, stdout: "", stderr: "" })
})

test("another function or a named image is another call", async () => {
  keep(["call", "lint"])
  expect(await keptSettings(["call", "ci"])).toBeUndefined()
  expect(await keptSettings(["call", "--images=debian=x", "lint"])).toBeUndefined()
})

test("a server that does not answer, has gone, or was started anew is left to the slow way", async () => {
  keep(["call", "lint"])
  silent = true
  expect(await keptSettings(["call", "lint"], 100)).toBeUndefined()
  silent = false
  keep(["call", "lint"], { servers: [{ pid: process.pid, match: "no such words", ask: { to: { port }, send: "", expect: "" } }] })
  expect(await keptSettings(["call", "lint"])).toBeUndefined()
  keep(["call", "lint"], { engineKey: "k0" })
  expect(await keptSettings(["call", "lint"])).toBeUndefined()
  keep(["call", "lint"], { files: [join(dirname(PROGRAM), "no-such-file")] })
  expect(await keptSettings(["call", "lint"])).toBeUndefined()
  keep(["call", "lint"], { rules: [["-t", "filter", "-C", "NO-SUCH-CHAIN", "-j", "ACCEPT"]] })
  expect(await keptSettings(["call", "lint"])).toBeUndefined()
})

test("an engine's packet rules are of its range and name it, and are asked for as they are set", () => {
  const rules = packetRules("10.99.0.0/16", "gpab12")
  expect(rules.map(([table, chain]) => `${table} ${chain}`)).toEqual(["nat POSTROUTING", "filter FORWARD", "filter FORWARD"])
  for (const rule of rules) {
    expect(rule).toContain("10.99.0.0/16")
    expect(rule.slice(-2)).toEqual(["--comment", "golden-path engine gpab12"])
  }
  const [table, chain, ...rest] = packetRules(networkRange(), networkName())[0]!
  expect(networkChecks()[0]).toEqual(["-t", table, "-C", chain, ...rest])
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
