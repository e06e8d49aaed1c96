// The quick way of `daggerw`: when everything runs as an earlier call left it, and nothing that decides
// the settings has changed, they are read instead of worked out. Plain JavaScript with Node's own modules,
// so that neither npm packages nor a loader have to start.
//
//   node ci/engine/ready.mjs <daggerw's words>     prints the settings, or ends with 1 and says nothing
import { Buffer } from "node:buffer"
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, readdirSync, realpathSync, statSync, statfsSync } from "node:fs"
import { connect } from "node:net"
import { dirname, join, resolve } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

/**
 * What an earlier call found and left running.
 * @typedef {object} Ready
 * @property {string} settings what daggerw evaluates
 * @property {string} engineKey content of run/engine.key
 * @property {string[]} files paths that must still be there
 * @property {number} freeGigabytes how much of the state folder's disk must be free
 * @property {string[][]} rules iptables' words, each of which must say that a packet rule is there
 * @property {{ pid: number, match: string, ask: Ask }[]} servers processes that must run and answer
 *
 * @typedef {{ path: string } | { port: number }} Address
 * @typedef {object} Ask
 * @property {Address} to
 * @property {string} send what is sent first, base64
 * @property {string} expect what the answer begins with, base64
 */

const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), "../..")
const STATE = resolve(process.env["GOLDEN_PATH_STATE"] ?? "/var/lib/golden-path")
/** A server that says nothing for so long is looked at more closely by the slow way. */
const ANSWER_MILLISECONDS = 2000

/** What the settings are worked out from, beside what daggerw is called with. */
const RECIPES = ["ci/engine", "ci/embedded", ".dagger/tools", "package-lock.json"]
const HOME = process.env["HOME"] ?? "/root"
const HOST_SETTINGS = [
  "/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/pip.conf", `${HOME}/.config/pip/pip.conf`, `${HOME}/.pip/pip.conf`,
  "/etc/npmrc", "/usr/etc/npmrc", "/usr/local/etc/npmrc", `${HOME}/.npmrc`, `${PROJECT}/.npmrc`, `${HOME}/.config/go/env`,
  "/usr/local/share/ca-certificates", `${STATE}/listen`, "/usr/local/go/VERSION", "/usr/lib/go/VERSION",
]
const ENVIRONMENT = /^(GO(PROXY|FLAGS|ROOT|ENV|TOOLCHAIN|NOSUMDB|PRIVATE)|PIP_.*|npm_config_(registry|userconfig|globalconfig|prefix)|HOME|PATH|GOLDEN_PATH_.*|https?_proxy|no_proxy)$/i

/**
 * Where the findings of a call like this one are kept: named after all that decides them.
 * @param {string[]} words
 */
export function readyFile(words) {
  const hash = createHash("sha256").update(PROJECT).update("\0")
  /** @param {string} path */
  const add = (path) => {
    if (!existsSync(path)) return
    if (statSync(path).isDirectory()) for (const name of readdirSync(path).sort()) add(join(path, name))
    else hash.update(path).update("\0").update(readFileSync(path)).update("\0")
  }
  for (const path of [...RECIPES.map((name) => join(PROJECT, name)), ...HOST_SETTINGS]) add(path)
  for (const name of Object.keys(process.env).filter((key) => ENVIRONMENT.test(key)).sort()) {
    if (name !== "GOLDEN_PATH_CWD") hash.update(`${name}=${process.env[name]}\0`)
  }
  hash.update(moduleFolder()).update("\0")
  // Functions and named images decide which images are handed over; what else is said does not.
  const deciding = words.filter((word) => /^[a-z][a-z-]*$/.test(word) || (word.includes("=") && !/^--(?!images=)/.test(word)))
  hash.update(deciding.join("\0"))
  return join(STATE, "run", `ready-${hash.digest("hex").slice(0, 16)}.json`)
}

/** The folder of the module that dagger will find from where daggerw was called, or "". */
export function moduleFolder() {
  let folder = process.env["GOLDEN_PATH_CWD"] ?? process.cwd()
  while (!existsSync(join(folder, "dagger.json"))) {
    if (folder === dirname(folder)) return ""
    folder = dirname(folder)
  }
  return folder
}

/**
 * Whether everything still is as it was found: bounded, and by asking each server, not only by looking for its process.
 * @param {Ready} ready
 * @param {number} milliseconds how long a server may be silent
 */
export async function stillReady(ready, milliseconds) {
  const key = join(STATE, "run/engine.key")
  if (!existsSync(key) || readFileSync(key, "utf8") !== ready.engineKey) return false
  if (!ready.files.every((path) => existsSync(path))) return false
  const { bavail, bsize } = statfsSync(STATE)
  if ((bavail * bsize) / 1e9 < ready.freeGigabytes) return false
  if (!ready.servers.every(({ pid, match }) => runs(pid, match))) return false
  if (!ready.rules.every((words) => spawnSync("iptables", ["--wait", "2", ...words], { stdio: "ignore", timeout: 5000 }).status === 0)) return false
  const answers = await Promise.all(ready.servers.map(({ ask }) => answered(ask, milliseconds)))
  return answers.every(Boolean)
}

/**
 * @param {number} pid
 * @param {string} match
 */
function runs(pid, match) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").includes(match)
  } catch {
    return false
  }
}

/**
 * @param {Ask} ask
 * @param {number} milliseconds
 * @returns {Promise<boolean>}
 */
function answered({ to, send, expect }, milliseconds) {
  const wanted = Buffer.from(expect, "base64")
  return new Promise((done) => {
    const socket = "path" in to ? connect({ path: to.path }) : connect({ port: to.port, host: "127.0.0.1" })
    let got = Buffer.alloc(0)
    /** @param {boolean} result */
    const end = (result) => {
      socket.destroy()
      done(result)
    }
    socket.setTimeout(milliseconds, () => end(false))
    socket.once("error", () => end(false))
    socket.once("close", () => end(false))
    socket.once("connect", () => socket.write(Buffer.from(send, "base64")))
    socket.on("data", (data) => {
      got = Buffer.concat([got, data])
      if (got.length >= wanted.length) end(got.subarray(0, wanted.length).equals(wanted))
    })
  })
}

/**
 * The settings of an earlier call like this one, or undefined: then the slow way finds out.
 * @param {string[]} words
 * @param {number} milliseconds how long a server may be silent
 * @returns {Promise<string | undefined>}
 */
export async function keptSettings(words, milliseconds = ANSWER_MILLISECONDS) {
  try {
    /** @type {Ready} */
    const ready = JSON.parse(readFileSync(readyFile(words), "utf8"))
    return (await stillReady(ready, milliseconds)) ? ready.settings : undefined
  } catch {
    // Nothing kept, or not readable.
    return undefined
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const settings = await keptSettings(process.argv.slice(2))
  if (settings === undefined) process.exitCode = 1
  else process.stdout.write(settings)
}
