import { spawnSync } from "node:child_process"
import { existsSync, lstatSync, readdirSync, readlinkSync, realpathSync, rmSync } from "node:fs"
import { basename, join } from "node:path"
import { buildsUsedBy } from "./build.ts"
import { pidOf } from "./daemon.ts"
import { ENGINE, askEngine, damagedState, engineBinaries, enginePid } from "./engine.ts"
import { GIT_SERVER } from "./git-server.ts"
import { type ImageName, IMAGES, buildImage } from "./images.ts"
import { IMAGE_SERVER, imagesFolder, registryProgram } from "./image-server.ts"
import { finishedBuilds, removeBuild } from "./inventory.ts"
import { STATE } from "./paths.ts"
import { buildSdks } from "./sdk.ts"
import { connections } from "./sessions.ts"

const LOG_HOURS = 24

export interface PruneOptions {
  /** Say what would go; remove nothing. */
  dryRun: boolean
  /** Also Go's modules and build cache: the next build of anything downloads and compiles from nothing. */
  go: boolean
  /** Also everything in the engine's cache that no call uses, not only what is beyond its limits. */
  engine: boolean
}

export interface Freed {
  what: string
  why: string
  bytes: number
}

/** Removes what is no longer used below the state folder; nobody else may build meanwhile. */
export async function prune(options: PruneOptions): Promise<Freed[]> {
  const folders = [...unfinished(), ...(await oldBuilds()), ...damagedStates(), ...oldLogs(), ...(options.go ? goCaches() : [])]
  const freed = folders.map(({ path, why }) => ({ what: path.slice(STATE.length + 1), why, bytes: sizeOf(path) }))
  if (!options.dryRun) for (const { path } of folders) removeBuild(path)
  const links = danglingLinks(new Set(folders.map(({ path }) => path)))
  freed.push(...links.map((path) => ({ what: path.slice(STATE.length + 1), why: "its image is gone", bytes: 0 })))
  if (!options.dryRun) for (const path of links) rmSync(path, { force: true })
  const engine = await engineCache(options)
  return engine === undefined ? freed : [...freed, engine]
}

interface Candidate {
  path: string
  why: string
}

/** What a build that was cut off left. */
function unfinished(): Candidate[] {
  const folder = join(STATE, "build")
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".partial")) : []
  return names.map((name) => ({ path: join(folder, name), why: "a build that was cut off" }))
}

/**
 * Builds that this checkout has replaced by others of the same name. Parts that finished images were made
 * of are not asked for any more; of those the newest stays, so that a change of the image does not compile all anew.
 */
async function oldBuilds(): Promise<Candidate[]> {
  const used = await buildsUsedBy(
    async () => await registryProgram(),
    async () => await buildSdks(await engineBinaries()),
    ...(Object.keys(IMAGES) as ImageName[]).map((name) => async () => await buildImage(name)),
  )
  const nameOf = (build: string): string => build.replace(/-[0-9a-f]{16}$/, "")
  const current = new Map([...used].map((build) => [nameOf(build), build]))
  const running = runningBuilds()
  const newest = new Map<string, string>()
  const changed = (path: string): number => lstatSync(path).mtimeMs
  for (const path of finishedBuilds().sort((one, other) => changed(one) - changed(other))) newest.set(nameOf(basename(path)), basename(path))
  return finishedBuilds()
    .filter((path) => basename(path) !== (current.get(nameOf(basename(path))) ?? newest.get(nameOf(basename(path)))))
    // While the current one is not built yet, an older one may still run.
    .filter((path) => existsSync(join(STATE, "build", current.get(nameOf(basename(path))) ?? ".")))
    .filter((path) => !running.has(path))
    .map((path) => ({ path, why: "an older build; this checkout uses another" }))
}

/** What runs was perhaps started by another checkout: its programs, and while it serves calls every image that it may be asked for. */
function runningBuilds(): Set<string> {
  const engine = enginePid()
  const images = pidOf(IMAGE_SERVER)
  const links = engine === undefined ? [] : ["bin", "content"].map((name) => join(STATE, name))
  if (images !== undefined) links.push(`/proc/${images}/exe`)
  if (engine !== undefined && connections(engine) > 0) links.push(...imageLinks())
  const folder = join(STATE, "build")
  const targets = links.filter((path) => existsSync(path)).map((path) => realpathSync(path))
  return new Set(finishedBuilds().filter((build) => targets.some((target) => `${target}/`.startsWith(`${realpathSync(folder)}/${basename(build)}/`))))
}

/** What steps of builds said more than a day ago, and daemons in the run before their last. */
function oldLogs(): Candidate[] {
  const folder = join(STATE, "log")
  const daemons = new Set([ENGINE, IMAGE_SERVER, GIT_SERVER].map(({ name }) => `${name}.log`))
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".log") && !daemons.has(name)) : []
  const old = names.filter((name) => Date.now() - lstatSync(join(folder, name)).mtimeMs > LOG_HOURS * 3_600_000)
  return old.map((name) => ({ path: join(folder, name), why: `a log of more than ${LOG_HOURS} hours ago` }))
}

function damagedStates(): Candidate[] {
  return existsSync(damagedState()) ? [{ path: damagedState(), why: "a damaged engine state that was moved aside" }] : []
}

function goCaches(): Candidate[] {
  const path = join(STATE, "cache", "go")
  // A link leads to somebody else's cache.
  if (!existsSync(path) || lstatSync(path).isSymbolicLink()) return []
  return [{ path, why: "Go's modules and build cache, as asked" }]
}

function imageLinks(): string[] {
  const folder = imagesFolder()
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)).filter((path) => lstatSync(path).isSymbolicLink()) : []
}

function danglingLinks(going: Set<string>): string[] {
  return imageLinks().filter((path) => {
    const target = readlinkSync(path)
    return !existsSync(target) || [...going].some((gone) => target.startsWith(`${gone}/`))
  })
}

interface CacheSet {
  diskSpaceBytes: number
}

/** Has the engine clean its own cache: by its limits, or all that no call uses. */
async function engineCache({ dryRun, engine }: PruneOptions): Promise<Freed | undefined> {
  if (enginePid() === undefined) return undefined
  const size = (): number => askEngine<{ engine: { localCache: { entrySet: CacheSet } } }>("{engine{localCache{entrySet{diskSpaceBytes}}}}").engine.localCache.entrySet.diskSpaceBytes
  const why = engine ? "all that no call uses, as asked" : "what is beyond the engine's own limits"
  const before = size()
  // What its limits would remove only the engine knows, by doing it.
  if (dryRun) return { what: "engine's cache", why, bytes: engine ? before : 0 }
  askEngine(engine ? "{engine{localCache{prune}}}" : "{engine{localCache{prune(useDefaultPolicy: true)}}}")
  return { what: "engine's cache", why, bytes: Math.max(0, before - size()) }
}

/** Bytes that removing a folder frees: a file with a second name elsewhere stays. */
function sizeOf(path: string): number {
  // Go's caches hold a million files: du is quicker, and counts as the disk does.
  const result = spawnSync("du", ["-s", "-B1", "--", path], { encoding: "utf8", timeout: 300_000 })
  return Number(result.stdout.split("\t")[0]) || 0
}
