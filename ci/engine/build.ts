import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from "node:fs"
import { basename, join } from "node:path"
import { damageOf, takeInventory } from "./inventory.ts"
import { STATE, state } from "./paths.ts"
import { say, step } from "./progress.ts"

/** Stands for every state folder in keys: what was built below one is as good below another. */
const USUAL_STATE = "/var/lib/golden-path/"

/** A short hash over strings and the contents of files and folders: the key of a thing that is built once. */
export function keyOf(...inputs: (string | { path: string })[]): string {
  const hash = createHash("sha256")
  const add = (path: string): void => {
    if (statSync(path).isDirectory()) for (const name of readdirSync(path).sort()) add(join(path, name))
    else hash.update(path.split("/").pop() ?? "").update("\0").update(readFileSync(path)).update("\0")
  }
  for (const input of inputs) {
    if (typeof input === "string") hash.update(input.replaceAll(`${STATE}/`, USUAL_STATE)).update("\0")
    else add(input.path)
  }
  return hash.digest("hex").slice(0, 16)
}

/** A build that is not there while builds are only looked at. */
export class NotBuilt extends Error {}

const seen = new Set<string>()
let looking = false

/**
 * Builds a folder once: `<state>/build/<name>-<key>`. It is made beside its final
 * place and renamed, so that a kill leaves nothing that looks finished. One that
 * was damaged since (a file gone or cut off) is built again.
 */
export async function buildOnce(name: string, key: string, make: (dir: string) => Promise<void>): Promise<string> {
  const done = state("build", `${name}-${key}`)
  seen.add(basename(done))
  if (existsSync(done)) {
    const damage = looking ? undefined : damageOf(done)
    if (damage === undefined) return done
    say(`${basename(done)} is damaged (${damage}): it is built again`)
    rmSync(done, { recursive: true, force: true })
  }
  if (looking) throw new NotBuilt(name)
  return await step(`build ${name}`, async () => {
    const partial = `${done}.partial`
    rmSync(partial, { recursive: true, force: true })
    mkdirSync(partial, { recursive: true })
    await make(partial)
    takeInventory(partial, done)
    renameSync(partial, done)
    return done
  })
}

/** The names of the builds that `work` asks for, without building any: what this checkout uses. */
export async function buildsUsedBy(...work: (() => Promise<unknown>)[]): Promise<Set<string>> {
  seen.clear()
  looking = true
  try {
    for (const one of work) {
      try {
        await one()
      } catch (error) {
        // What is not built has no files to keep; one that is damaged may fail in any way.
        if (!(error instanceof NotBuilt) && (error as NodeJS.ErrnoException).code !== "ENOENT") throw error
      }
    }
    return new Set(seen)
  } finally {
    looking = false
  }
}
