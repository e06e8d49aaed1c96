import { spawnSync } from "node:child_process"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, expect, test } from "vitest"
import { debianMirror, securityMirror } from "../engine/debian.ts"
import { type Fault, faultyMirror } from "./faulty-mirror.ts"
import { type Outcome, PROJECT, begin } from "./harness.ts"

/**
 * The recipes that fetch, run as they are against this machine's own mirror with a proxy in front that goes wrong.
 * They run on the host here: what they do does not depend on the container, and a fault takes seconds.
 */
interface LockedPackage { name: string; version: string; archive: string; path: string; sha256: string; size: number }

const { packages } = JSON.parse(readFileSync(join(PROJECT, ".dagger/locks/python.json"), "utf8")) as { packages: LockedPackage[] }
// The smallest one of the main archive: the fault is measured, not the download.
const small = packages.filter(({ archive }) => archive !== "security").sort((one, other) => one.size - other.size)[0]!
const undo: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

async function fetched(fault: (path: string) => Fault, prepare: (cache: string) => void = () => undefined, seconds = 600): Promise<Outcome & { cache: string[]; asked: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), "golden-path-e2e-mirror-"))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  const mirror = await faultyMirror(debianMirror(), fault)
  undo.push(mirror.close)
  const cache = join(folder, "cache")
  mkdirSync(cache)
  prepare(cache)
  writeFileSync(join(folder, "list"), `${small.archive} ${small.path} ${small.sha256} ${small.name} ${small.version}\n`)
  const recipes = join(PROJECT, ".dagger/recipes")
  const outcome = await begin("sh", [join(recipes, "fetching.sh"), "sh", join(recipes, "fetch-debs.sh"), join(folder, "list"), cache, "dagger call relock --runtime python"], seconds, {
    env: { DEBIAN_MIRROR: `http://127.0.0.1:${mirror.port}`, DEBIAN_SECURITY_MIRROR: securityMirror() },
  }).ended
  return { ...outcome, cache: readdirSync(cache), asked: mirror.asked }
}

test("a locked package that the mirror no longer has: 404 names it and the relock command", async () => {
  const outcome = await fetched(() => 404)
  expect(outcome.code).toBe(1)
  expect(outcome.output).toContain(`fetching ${small.name} ${small.version}: the mirror no longer has ${small.path}, a newer version has taken its place; run: dagger call relock --runtime python`)
  expect(outcome.cache).toEqual([])
  expect(outcome.seconds).toBeLessThan(120)
})

test("a mirror that answers 500: told after a few tries, nothing half-done is kept", async () => {
  const outcome = await fetched(() => 500)
  expect(outcome.code).toBe(1)
  expect(outcome.output).toContain(`fetching ${small.name} ${small.version}: ${small.path.split("/").at(-1)} did not arrive, or differs from its checksum; run again, or check the Debian mirror`)
  expect(outcome.asked.length).toBeGreaterThan(1)
  expect(outcome.cache).toEqual([])
  expect(outcome.seconds).toBeLessThan(240)
})

test("a network that breaks off half-way, once: fetched again within the same call", async () => {
  let broken = false
  const outcome = await fetched(() => {
    const what = broken ? "pass" : "cut"
    broken = true
    return what
  })
  expect(outcome.code, outcome.output).toBe(0)
  expect(outcome.cache).toEqual([`${small.sha256}.deb`])
})

test("a mirror that falls silent: given up and told within the bound of the fetch", async () => {
  process.env["FETCH_SECONDS"] = "20"
  undo.push(() => void delete process.env["FETCH_SECONDS"])
  const outcome = await fetched(() => "silent")
  expect(outcome.code).not.toBe(0)
  expect(outcome.output).toMatch(/fetching packages: `sh .*fetch-debs\.sh .*` had no end after 20 s; check the network and the package mirrors, then run again/)
  expect(outcome.seconds).toBeLessThan(120)
})

test("a mirror that asks for a password gets it, and nothing that is printed holds it", async () => {
  const password = "two/words+and%a=7.*"
  const seen = new Set<string>()
  const server = createServer((request, response) => {
    seen.add(Buffer.from((request.headers.authorization ?? "").replace("Basic ", ""), "base64").toString())
    response.writeHead(404).end()
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  undo.push(() => void server.close())
  const folder = mkdtempSync(join(tmpdir(), "golden-path-e2e-password-"))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  const address = `http://reader:${encodeURIComponent(password)}@127.0.0.1:${(server.address() as AddressInfo).port}`
  const said = `echo "a tool says ${address}" >&2; env | grep -i -e pip -e npm -e go -e debian; pip config get global.index-url 2>/dev/null; go env GOPROXY; /usr/lib/apt/apt-helper download-file "$DEBIAN_MIRROR/x" ${folder}/x; apt-get update -o Dir::State::Lists=${folder} -o Dir::Cache=${folder}`
  const outcome = await begin("sh", [join(PROJECT, ".dagger/recipes/fetching.sh"), "sh", "-c", said], 300, { env: { DEBIAN_MIRROR: address, DEBIAN_SECURITY_MIRROR: address, NPM_CONFIG_REGISTRY: `${address}/npm`, PIP_INDEX_URL: `${address}/simple`, GOPROXY: `${address}/go,direct` } }).ended
  expect(outcome.output).toContain("404")
  expect(outcome.output).toContain("a tool says http://reader:***@127.0.0.1")
  expect(outcome.output).toMatch(/^NPM_CONFIG_REGISTRY=http:\/\/127\.0\.0\.1:\d+\/npm$/m)
  expect(outcome.output).toMatch(/^http:\/\/reader:\*\*\*@127\.0\.0\.1:\d+\/go,direct$/m)
  expect(outcome.output).not.toMatch(/^(PIP_INDEX_URL|GOPROXY)=/m)
  expect([...seen]).toEqual([`reader:${password}`])
  for (const form of [password, encodeURIComponent(password), Buffer.from(`reader:${password}`).toString("base64")]) expect(outcome.output).not.toContain(form)
})

test("a damaged package in the cache is fetched again", async () => {
  const outcome = await fetched(() => "pass", (cache) => writeFileSync(join(cache, `${small.sha256}.deb`), "damaged"))
  expect(outcome.code, outcome.output).toBe(0)
  expect(outcome.cache).toEqual([`${small.sha256}.deb`])
  expect(outcome.asked).toHaveLength(1)
})

/** `npm ci` of the frontend's lock, as the recipe calls it, with a registry in front that goes wrong. */
async function installed(fault: (path: string) => Fault): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "golden-path-e2e-npm-"))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  const upstream = spawnSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).stdout.trim()
  const mirror = await faultyMirror(upstream, fault)
  undo.push(mirror.close)
  const { name, version, resolved, integrity } = lockedPackage()
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "locked", version: "1.0.0", dependencies: { [name]: version } }))
  const packages = { "": { name: "locked", version: "1.0.0", dependencies: { [name]: version } }, [`node_modules/${name}`]: { version, resolved, integrity } }
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ name: "locked", version: "1.0.0", lockfileVersion: 3, requires: true, packages }))
  return await begin("sh", [join(PROJECT, ".dagger/recipes/fetching.sh"), "npm", "ci", "--ignore-scripts", "--loglevel=error"], 600, {
    cwd: folder,
    // Nothing of it is in this cache yet, and the host's own list of certificates is used.
    env: { NPM_CONFIG_REGISTRY: `http://127.0.0.1:${mirror.port}`, npm_config_cache: join(folder, "cache"), npm_config_replace_registry_host: "always" },
  }).ended
}

function lockedPackage(): { name: string; version: string; resolved: string; integrity: string } {
  const { packages: locked } = JSON.parse(readFileSync(join(PROJECT, "package-lock.json"), "utf8")) as { packages: Record<string, { version: string; resolved: string; integrity: string }> }
  return { name: "yaml", ...locked["node_modules/yaml"]! }
}

test.each([404, 500] as const)("an npm registry that answers %d for a locked package", async (status) => {
  const outcome = await installed(() => status)
  expect(outcome.code).not.toBe(0)
  expect(outcome.output).toMatch(new RegExp(`npm error .*${status}`))
  expect(outcome.output).toMatch(/fetching packages: `npm` ended with 1, its words are above; run again, or check the package mirrors and what the lock names/)
  expect(outcome.seconds).toBeLessThan(180)
})

test("a clock an hour behind the mirror's: the signed index is taken all the same", async () => {
  if (spawnSync("faketime", ["--version"]).error) spawnSync("apt-get", ["install", "-qy", "faketime"])
  const release = await fetch(`${debianMirror().replace(/\/$/, "")}/dists/trixie-updates/InRelease`)
  const date = /^Date: (.*)$/m.exec(await release.text())?.[1] ?? ""
  // An hour before the index was signed: what a clock an hour behind sees of a fresh one.
  const then = new Date(Date.parse(date) - 3_600_000).toISOString().slice(0, 19).replace("T", " ")
  const folder = mkdtempSync(join(tmpdir(), "golden-path-e2e-clock-"))
  undo.push(() => rmSync(folder, { recursive: true, force: true }))
  for (const part of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(folder, part), { recursive: true })
  const update = ["apt-get", "update", "-o", `Dir::State::Lists=${folder}/lists`, "-o", `Dir::Cache=${folder}/cache`, "--error-on=any"]
  const outcome = await begin("faketime", [then, "sh", join(PROJECT, ".dagger/recipes/fetching.sh"), ...update], 300, {
    env: { DEBIAN_MIRROR: debianMirror(), DEBIAN_SECURITY_MIRROR: securityMirror(), TZ: "UTC", APT_SECURITY_ONLY: "" },
  }).ended
  expect(outcome.output).not.toMatch(/trixie-updates.*is not valid yet/)
})
