import { spawnSync } from "node:child_process"
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { networkInterfaces, tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { mirrorSettings } from "../engine/reach.ts"
import { canary, foundBelow, foundByGrep, foundIn, watchProcesses } from "./canary.ts"
import { SSHD } from "./git/fixtures.ts"
import { type FaultyMirror, faultyMirror } from "./faulty-mirror.ts"
import { type Outcome, daggerw, errorOf, git, scratchCheckout } from "./harness.ts"
import { OwnGitOps } from "./own-gitops.ts"

/** Secrets made up for this run go through every function that takes one, and are then looked for everywhere. */

const STATE = process.env["GOLDEN_PATH_STATE"] ?? "/var/lib/golden-path"
/** The engine's containers reach this machine by it; loopback is their own. */
const ADDRESS = Object.values(networkInterfaces()).flat().find((one) => one?.family === "IPv4" && !one.internal)?.address ?? ""

const control = { control: canary() }
const secrets: Record<string, string> = {
  registryPassword: canary(), gitToken: canary(), signingPassword: canary(), wrongPassword: canary(), mirrorPassword: canary(), identityToken: canary(),
}
const outputs: { call: string; outcome: Outcome }[] = []
const gitops = new OwnGitOps()
const mirrors: FaultyMirror[] = []
let checkout = ""
let folder = ""
let marker = ""
let processes: ReturnType<typeof watchProcesses> | undefined
const flags: Record<"git" | "token" | "sign" | "mirrors" | "auth", string[]> = { git: [], token: [], sign: [], mirrors: [], auth: [] }

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text, { mode: 0o600 })
  return `file:${join(folder, name)}`
}

async function call(...words: string[]): Promise<Outcome> {
  const outcome = await daggerw(checkout, ["call", ...words], 1800)
  outputs.push({ call: words.filter((word) => !word.startsWith("-")).join(" "), outcome })
  return outcome
}

function passed(outcome: Outcome): Outcome {
  expect(outcome.code, outcome.output.slice(-3000)).toBe(0)
  return outcome
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "golden-path-canary-"))
  checkout = scratchCheckout("canary")
  marker = join(folder, "marker")
  writeFileSync(marker, "")
  // No secret: it is looked for with the same search, and must be found where a secret must not be.
  appendFileSync(join(checkout, "service/backend/src/backend/__init__.py"), `\n# ${control.control}\n`)
  appendFileSync(join(checkout, "service/backend/service.yaml"), `\nenv:\n  CONTROL: "${control.control}"\n`)
  git(checkout, "commit", "--quiet", "--all", "--message", "A control value")

  passed(await daggerw(checkout, ["call", "cosign", "export", "--path", join(folder, "cosign")], 2400))
  const made = spawnSync(join(folder, "cosign"), ["generate-key-pair", "--output-key-prefix", join(folder, "key")], { encoding: "utf8", env: { ...process.env, COSIGN_PASSWORD: secrets["signingPassword"]! } })
  expect(made.status, made.stderr).toBe(0)
  secrets["signingKey"] = readFileSync(join(folder, "key.key"), "utf8").split("\n").slice(-4, -2).join("").slice(-60)
  flags.sign = [`--signing-key=file:${join(folder, "key.key")}`, `--signing-password=${file("password", secrets["signingPassword"]!)}`]

  // No certificate of a test is trusted in the engine's containers, so a token is never sent here: it fails on the way.
  const url = await gitops.scene.http("x-access-token", secrets["gitToken"]!, undefined, gitops.scene.certificate(), ADDRESS)
  if (!existsSync(SSHD)) spawnSync("apt-get", ["install", "-qq", "-y", "--no-install-recommends", "openssh-server"], { env: { ...process.env, RUNLEVEL: "1", DEBIAN_FRONTEND: "noninteractive" } })
  flags.token = [`--gitops=${url}`, `--gitops-token=${file("token", secrets["gitToken"]!)}`]
  const ssh = await gitops.scene.ssh(ADDRESS)
  secrets["sshKey"] = readFileSync(ssh.sshKeyFile, "utf8").split("\n").slice(3, 5).join("").slice(0, 60)
  flags.git = [`--gitops=${ssh.url}`, `--gitops-ssh-key=file:${ssh.sshKeyFile}`, `--gitops-known-hosts=${ssh.knownHostsFile}`]

  // pip takes nothing over http from another host, and no certificate of a test is trusted: its index stays this machine's.
  const { DEBIAN_MIRROR, DEBIAN_SECURITY_MIRROR, NPM_CONFIG_REGISTRY, ...others } = await mirrorSettings()
  const named = Object.entries(others).filter(([, value]) => value !== "").map(([name, value]) => `${name}=${value}`)
  for (const [name, upstream] of Object.entries({ DEBIAN_MIRROR, DEBIAN_SECURITY_MIRROR, NPM_CONFIG_REGISTRY })) {
    const { origin, pathname } = new URL(upstream)
    const mirror = await faultyMirror(origin, () => "pass", ADDRESS)
    mirrors.push(mirror)
    named.push(`${name}=http://reader:${encodeURIComponent(secrets["mirrorPassword"]!)}@${ADDRESS}:${mirror.port}${pathname}`)
  }
  flags.mirrors = [`--mirrors=${file("mirrors.env", `${named.join("\n")}\n`)}`]
  const auth = Buffer.from(`robot:${secrets["registryPassword"]!}`).toString("base64")
  flags.auth = [`--registry=${ADDRESS}:1/team`, `--registry-auth=${file("config.json", JSON.stringify({ auths: { [`${ADDRESS}:1`]: { auth } } }))}`]
  // This process holds them all, and so does every child between fork and exec: only what the pipeline starts counts.
  processes = watchProcesses(secrets, () => [process.pid])
}, 2_700_000)
afterAll(async () => {
  processes?.stop()
  gitops.close()
  for (const mirror of mirrors) await mirror.close()
  for (const place of [checkout, folder]) rmSync(place, { recursive: true, force: true })
})

test("the search finds a value in every form", () => {
  const value = secrets["gitToken"]!
  const base64 = (before: string): string => Buffer.from(`${before}${value} and more`).toString("base64")
  const texts: Record<string, string | Buffer> = {
    raw: `x${value}y`, "base64 at 0": base64(""), "base64 at 1": base64("a"), "base64 at 2": base64("ab"), "base64url": Buffer.from(value).toString("base64url"),
    "an address": encodeURIComponent(value), hex: Buffer.from(value).toString("hex"), HEX: Buffer.from(value).toString("hex").toUpperCase(),
    "two lines": `${value.slice(0, 20)}\n${value.slice(20)}`, "base64 in lines": base64("q").replace(/.{60}/g, "$&\n"), gzip: gzipSync(value),
  }
  const place = join(folder, "forms")
  mkdirSync(place)
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(place, name), text)
  expect(foundBelow(place, { value }).sort()).toEqual(Object.keys(texts).map((name) => `value: ${name}`).sort())
  expect(foundByGrep([place], marker, { value }).hits).toHaveLength(Object.keys(texts).length - 1)
  expect(foundBelow(place, { other: secrets["signingPassword"]! })).toEqual([])
})

describe("through every function that takes a secret", () => {
  test("ci --promote over ssh, with a key and mirrors", async () => {
    const { stdout } = passed(await call(...flags.git, ...flags.sign, ...flags.mirrors, "ci", "--service", "backend", "--promote"))
    expect(stdout).toMatch(/\| sign +\| passed/)
    expect(gitops.tip()).not.toBe("")
  })

  test("sign, verify, promote, status and rollback", async () => {
    passed(await call(...flags.sign, "sign", "--service", "backend"))
    passed(await call(...flags.git, ...flags.sign, "verify", "--env", "dev"))
    passed(await call(...flags.git, ...flags.sign, "promote", "--to", "stage"))
    passed(await call(...flags.git, "status"))
    expect((await call(...flags.git, ...flags.sign, "rollback", "--env", "stage", "--reason", "a test")).code).not.toBe(0)
  })

  test("mirrors with a password: packages of Debian and npm, nothing reused", async () => {
    passed(await call(...flags.mirrors, "relock", "--runtime", "python", "contents"))
    passed(await call(...flags.sign, "sign", "--service", "frontend"))
    for (const mirror of mirrors) mirror.asked.length = 0
    passed(await call(...flags.mirrors, ...flags.sign, "verify", "--service", "frontend", "--rebuild"))
    expect(mirrors.map(({ asked }) => asked.length > 0)).toEqual([true, true, true])
  })

  test("and where each of them fails", async () => {
    const wrong = `--signing-password=${file("wrong", secrets["wrongPassword"]!)}`
    expect(errorOf(await call(flags.sign[0]!, wrong, "sign", "--service", "backend"))).toMatch(/the signing key cannot be read/)
    expect((await call(...flags.auth, "publish", "--service", "backend")).code).not.toBe(0)
    expect((await call(...flags.auth, ...flags.sign, "sign", "--service", "backend")).code).not.toBe(0)
    const token = `--identity-token=${file("identity", `eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.${secrets["identityToken"]!}`)}`
    expect((await call(token, "--signing-identity=someone@example.com", "--signing-issuer=https://issuer.example.com", "sign", "--service", "backend")).code).not.toBe(0)
    const broken = `--mirrors=${file("broken.env", `DEBIAN_MIRROR=http://reader:${encodeURIComponent(secrets["mirrorPassword"]!)}@${ADDRESS}:1/debian\n`)}`
    expect((await call(broken, "relock", "--runtime", "node", "contents")).code).not.toBe(0)
    expect(errorOf(await call(...flags.token, "status"))).toMatch(/certificate/)
    expect(errorOf(await call(...flags.token.map((flag) => flag.replace("https:", "http:")), "status"))).toMatch(/it would travel unencrypted/)
    expect((await call(...flags.git.map((flag) => flag.replace("/gitops.git", "/nothing.git")), "status")).code).not.toBe(0)
  })
})

describe("then no secret is", () => {
  test("in what any call printed", () => {
    expect(outputs.flatMap(({ call: name, outcome }) => foundIn(outcome.output, secrets).map((one) => `${one}: ${name}`))).toEqual([])
  })

  test("in an argument or the environment of a process", () => {
    const { hits, looks } = processes!.stop()
    expect(looks).toBeGreaterThan(50)
    expect(hits).toEqual([])
  })

  test("in the reports, the bills of materials and the image's layers", async () => {
    const place = join(folder, "out")
    passed(await call("report", "export", "--path", join(place, "report")))
    for (const format of ["cyclonedx", "spdx"]) passed(await call("sbom", "--service", "backend", "--format", format, "export", "--path", join(place, `${format}.json`)))
    passed(await call("archive", "--service", "backend", "export", "--path", join(folder, "backend.tar")))
    mkdirSync(join(place, "image"))
    expect(spawnSync("tar", ["-xf", join(folder, "backend.tar"), "-C", join(place, "image")]).status).toBe(0)
    expect(foundBelow(place, secrets)).toEqual([])
    const planted = foundBelow(place, control)
    expect(planted.some((path) => path.includes("image/blobs"))).toBe(true)
    expect(planted.some((path) => path.includes("report/"))).toBe(true)
  })

  test("in Git", () => {
    const objects = spawnSync("git", ["-C", gitops.bare, "cat-file", "--batch-all-objects", "--batch"], { maxBuffer: 1e9 }).stdout
    expect(foundIn(objects, secrets)).toEqual([])
    expect(foundIn(objects, control)).toEqual(["control"])
    const source = spawnSync("git", ["-C", checkout, "cat-file", "--batch-all-objects", "--batch"], { maxBuffer: 1e9 }).stdout
    expect(foundIn(source, secrets)).toEqual([])
  })

  test("in the engine's state: caches, databases, snapshots, logs", () => {
    const home = process.env["HOME"] ?? "/root"
    const folders = [...readdirSync(STATE).filter((name) => !["build", "cache"].includes(name)).map((name) => join(STATE, name)), ...[".cache/dagger", ".config/dagger", ".local/share/dagger", ".local/state/dagger"].map((name) => join(home, name))]
    const { hits, files } = foundByGrep(folders, marker, secrets)
    console.log(`  ${files} files that changed since`)
    expect(hits).toEqual([])
    expect(foundByGrep(folders, marker, control).hits.length).toBeGreaterThan(0)
  })
})
