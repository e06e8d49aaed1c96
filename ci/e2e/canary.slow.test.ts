import { spawn, spawnSync } from "node:child_process"
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { foundBelow, foundIn } from "./canary.ts"
import { searchChanged } from "./canary-search.ts"
import { CanaryScene, passed } from "./canary-scene.ts"
import { freePort } from "./git/fixtures.ts"
import { type Outcome, begin, errorOf } from "./harness.ts"
import { platform, status, statusAt, within } from "./kept-platform.ts"

/**
 * Secrets made up for this run go through every function, succeeding and failing, and are then looked for everywhere.
 * Each search must also find a value that was planted where it looks: one that finds nothing shows nothing.
 */

const STATE = process.env["GOLDEN_PATH_STATE"] ?? "/var/lib/golden-path"
const HOME = process.env["HOME"] ?? "/root"
const PLANTED = join(STATE, "log/canary-planted")
const scene = new CanaryScene()
const { flags, secrets, folder } = scene
const call = async (...words: string[]) => await scene.call(...words)
const all = async (...words: string[]) => await scene.call(...flags.all, ...words)
/** What of a search's hits is the planted value; the rest must be nothing. */
const planted = (hits: readonly string[]): string[] => hits.filter((hit) => /^control\b/.test(hit))
const leaked = (hits: readonly string[]): string[] => hits.filter((hit) => !/^control\b/.test(hit))

beforeAll(async () => {
  await scene.begin()
}, 2_700_000)
afterAll(async () => {
  rmSync(PLANTED, { recursive: true, force: true })
  await scene.end()
}, 300_000)

test("the searches find a value in every form", () => {
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
  const found = Object.keys(texts).map((name) => `value: ${name}`).sort()
  expect(foundBelow(place, { value }).sort()).toEqual(found)
  // Packed as the engine, its registry and Git pack things.
  spawnSync("zstd", ["-q", join(place, "raw"), "-o", join(place, "zstd")])
  const git = (...words: string[]) => spawnSync("git", ["-C", place, "-c", "user.name=e2e", "-c", "user.email=e2e@localhost", ...words])
  git("init", "--quiet")
  git("add", "raw")
  git("commit", "--quiet", "--message", "A leak")
  const loose = searchChanged([place], scene.marker, { value }).hits
  git("repack", "-adq")
  const packs = searchChanged([place], scene.marker, { value }).hits
  // What is too small to be made smaller is found both ways.
  const plain = (hits: string[]): string[] => [...new Set(hits.filter((hit) => !hit.includes(".git/")).map((hit) => hit.replace(`${place}/`, "").replace(" (unpacked)", "")))].sort()
  expect(plain(loose)).toEqual([...found, "value: zstd"].sort())
  expect(loose.filter((hit) => hit.endsWith("(Git object)"))).toHaveLength(1)
  expect(packs.filter((hit) => hit.endsWith("(Git pack)"))).toHaveLength(1)
  expect(searchChanged([place], scene.marker, { other: secrets["signingPassword"]! }).hits).toEqual([])
})

describe("through every function", () => {
  test("ci --promote over ssh, with a key and mirrors", async () => {
    const { stdout } = passed(await all("ci", "--service", "backend", "--promote"))
    expect(stdout).toMatch(/\| sign +\| passed/)
    expect(scene.gitops.tip()).not.toBe("")
  })

  test("what works on a service", async () => {
    for (const words of [["plan"], ["lint"], ["test"], ["build", "entrypoint"], ["sbom", "name"], ["scan", "json"], ["publish"], ["sign"], ["verify"], ["integrate"]]) {
      passed(await all(words[0]!, "--service", "backend", ...words.slice(1)))
    }
    passed(await all("report", "entries"))
    const port = await freePort()
    const serving = begin(join(scene.checkout, "daggerw"), ["--progress=plain", "call", ...flags.all, "serve", "--service", "backend", "up", "--ports", `${port}:8080`], 600, { cwd: scene.checkout })
    try {
      await within(300, "the served service to answer", async () => ((await fetch(`http://127.0.0.1:${port}/health`)).ok ? true : undefined))
    } finally {
      serving.kill()
      scene.outputs.push({ call: "serve", outcome: await serving.ended })
    }
  })

  test("what works on an environment", async () => {
    passed(await all("verify", "--env", "dev"))
    passed(await all("promote", "--to", "stage"))
    scene.change("Another release")
    passed(await all("promote", "--service", "backend"))
    passed(await all("promote", "--to", "stage"))
    passed(await all("rollback", "--env", "stage", "--reason", `a test of ${scene.control}`))
    passed(await all("lift", "--env", "stage", "--service", "backend", "--reason", "a test"))
    passed(await all("plan", "--to", "stage"))
    passed(await all("status"))
    passed(await all("history", "--env", "stage"))
  })

  test("mirrors with a password: packages of Debian and npm, nothing reused", async () => {
    for (const mirror of scene.mirrors) mirror.asked.length = 0
    passed(await all("relock", "--runtime", "python", "name"))
    passed(await all("sign", "--service", "frontend"))
    passed(await all("verify", "--service", "frontend", "--rebuild"))
    expect(scene.mirrors.map(({ asked }) => asked.length > 0)).toEqual([true, true, true])
  })

  test("the local platform, with the key of a service's secret", async () => {
    platform("down")
    passed(await call(scene.open.flag, ...flags.sign, "ci", "--service", "backend", "--promote"))
    // Beside this process, which goes on being the mirrors, the collector and who looks at processes.
    const up = await begin("npm", ["run", "--silent", "platform", "--", "up", scene.open.flag, scene.ageKey, ...flags.sign], 1200).ended
    scene.outputs.push({ call: "local-platform", outcome: up })
    try {
      passed(up)
      const { url } = status()
      await within(240, "the backend with its secret to be well", async () => {
        const { applications } = await statusAt(url)
        return applications.some(({ env, service, health }) => env === "dev" && service === "backend" && health === "Healthy") ? true : undefined
      })
    } finally {
      platform("down")
    }
  })
})

describe("and where each of them fails", () => {
  test("a password that is wrong", async () => {
    const [, version = ""] = /^version: (\S+)$/m.exec(scene.gitops.show("env/dev/backend/release.yaml")) ?? []
    for (const words of [["sign", "--service", "backend"], ["verify", "--env", "dev"], ["promote", "--to", "stage"], ["rollback", "--env", "stage", "--release", version], ["ci", "--service", "backend", "--promote", "--fresh"]]) {
      const outcome = await call(...flags.git, ...flags.mirrors, ...flags.wrong, ...words)
      expect(outcome.code, words.join(" ")).not.toBe(0)
      expect(errorOf(outcome)).toMatch(/the signing key cannot be read/)
    }
  }, 3_000_000)

  test("what is not there", async () => {
    expect(errorOf(await all("verify", "--env", "prod"))).toMatch(/has no release there/)
    expect(errorOf(await all("verify", "--image", scene.control))).toContain(scene.control)
    expect(errorOf(await all("rollback", "--env", "stage", "--release", "nothing"))).toMatch(/never had "nothing"/)
    expect(errorOf(await all("lift", "--env", "dev", "--service", "backend", "--reason", ""))).toMatch(/reason/)
    expect(errorOf(await call(...flags.git.map((flag) => flag.replace("/gitops.git", "/nothing.git")), "status"))).toMatch(/nothing\.git/)
  })

  test("servers that do not answer, or are not trusted", async () => {
    expect((await call(...flags.auth, "publish", "--service", "backend")).code).not.toBe(0)
    expect((await call(...flags.auth, ...flags.sign, "sign", "--service", "backend")).code).not.toBe(0)
    const keyless = await call(...flags.identity, "sign", "--service", "backend")
    expect(errorOf(keyless)).toMatch(/Fulcio, .* was asked at https:\/\/fulcio\.sigstore\.dev and (does not answer|did not take the identity token)/)
    expect(keyless.code).toBe(29)
    expect((await call(...flags.broken, "relock", "--runtime", "node", "contents")).code).not.toBe(0)
    expect(errorOf(await call(...flags.token, "status"))).toMatch(/certificate/)
    expect(errorOf(await call(...flags.token.map((flag) => flag.replace("https:", "http:")), "status"))).toMatch(/it would travel unencrypted/)
  })
})

describe("then no secret is", () => {
  test("in what any call printed, errors among it", () => {
    const hits = scene.outputs.flatMap(({ call: name, outcome }) => foundIn(outcome.output, scene.values).map((one) => `${one}: ${name}`))
    expect(leaked(hits)).toEqual([])
    expect(planted(hits).some((hit) => hit.includes("verify"))).toBe(true)
    expect(planted(foundIn(errorOf(scene.outputs.find(({ call: name }) => name === `verify ${scene.control}`)!.outcome), scene.values))).toEqual(["control"])
  })

  test("in an argument or the environment of a process", async () => {
    const child = spawn("sleep", ["60"], { env: { ...process.env, PLANTED: scene.control } })
    await new Promise((done) => setTimeout(done, 3000))
    child.kill()
    const { hits, looks } = scene.processes!.stop()
    expect(looks).toBeGreaterThan(50)
    // A service's own process has what is meant for it.
    expect(leaked(hits).filter((hit) => !/^serviceSecret: environ of (python3|\/\S*python)/.test(hit))).toEqual([])
    expect(planted(hits)).toEqual(expect.arrayContaining([expect.stringMatching(/cmdline of \S*dagger$/), "control: environ of sleep"]))
  })

  test("in traces, logs and metrics that were sent to a collector", () => {
    console.log(`  ${scene.traced.megabytes.toFixed(1)} MB`)
    expect([...scene.traced.found]).toEqual(["control"])
  })

  test("in the reports, the bills of materials and the image's layers", async () => {
    const place = join(folder, "out")
    // One that passed and one that failed; those of all runs lie in the engine's state, too.
    const runOf = (outcome: Outcome | undefined): string => /report --run (\S+)/.exec(outcome?.output ?? "")?.[1] ?? ""
    const made = scene.outputs.map(({ outcome }) => outcome).filter((outcome) => runOf(outcome) !== "")
    const runs = [runOf(made.find(({ code }) => code === 0)), runOf(made.find(({ code }) => code !== 0))]
    for (const run of runs) passed(await call("report", "--run", run, "export", "--path", join(place, "reports", run)))
    for (const format of ["cyclonedx", "spdx"]) passed(await call("sbom", "--service", "backend", "--format", format, "export", "--path", join(place, "sboms", `${format}.json`)))
    passed(await call("archive", "--service", "backend", "export", "--path", join(folder, "backend.tar")))
    mkdirSync(join(place, "image"))
    expect(spawnSync("tar", ["-xf", join(folder, "backend.tar"), "-C", join(place, "image")]).status).toBe(0)
    const hits = foundBelow(place, scene.values)
    expect(leaked(hits)).toEqual([])
    for (const run of runs) expect(planted(hits).some((hit) => hit.includes(`reports/${run}/`)), run).toBe(true)
    for (const part of ["sboms/cyclonedx.json", "sboms/spdx.json", "image/blobs"]) expect(planted(hits).some((hit) => hit.includes(part)), part).toBe(true)
  })

  test("in Git", () => {
    for (const repository of [scene.gitops.bare, scene.open.bare, scene.checkout]) {
      const objects = spawnSync("git", ["-C", repository, "cat-file", "--batch-all-objects", "--batch"], { maxBuffer: 1e9 }).stdout
      expect(foundIn(objects, scene.values)).toEqual(["control"])
    }
  })

  test("in the engine's state: caches, databases, snapshots, its registry, logs", () => {
    mkdirSync(PLANTED, { recursive: true })
    writeFileSync(join(PLANTED, "planted.log"), `a line with ${Buffer.from(`x${scene.control}`).toString("base64")}\n`)
    const ours = [".cache/dagger", ".config/dagger", ".local/share/dagger", ".local/state/dagger"].map((name) => join(HOME, name))
    const folders = [...readdirSync(STATE).filter((name) => !["build", "cache", "bin", "content"].includes(name)).map((name) => join(STATE, name)), ...ours]
    const { hits, files, megabytes, packed, seconds } = searchChanged(folders, scene.marker, scene.values)
    console.log(`  ${files} files of ${megabytes} MB that were made or written since, ${packed} of them unpacked, in ${seconds.toFixed(0)} s; the planted value in ${planted(hits).length} places`)
    for (const [place, shown] of Object.entries({
      snapshots: /\/worker\/snapshots\/\S*__init__\.py$/, "the registry's layers": /\/blobs\/sha256\/\S+ \(unpacked\)$/, "Git objects": /\(Git (object|pack)\)$/,
      databases: /\.db(-wal)?$/, logs: /planted\.log$/,
    })) {
      const there = planted(hits).filter((hit) => shown.test(hit))
      console.log(`  ${place}: ${there.length}, as in ${there[0] ?? "none"}`)
      expect(there.length, place).toBeGreaterThan(0)
    }
    expect(leaked(hits)).toEqual([])
  })
})

