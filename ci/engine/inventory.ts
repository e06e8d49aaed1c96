import { createHash } from "node:crypto"
import { existsSync, lstatSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { basename, join, relative } from "node:path"
import { state } from "./paths.ts"

/** A file's size and, where it was built here since inventories are taken, the SHA-256 of its bytes. */
type Inventory = Record<string, [size: number, sha256?: string]>

/** Beside the folder, not in it: what is built goes on as it is. */
export const inventoryOf = (folder: string): string => `${folder}.inventory.json`

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}

const digest = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex")

/** Writes down what a finished build consists of, so that damage can be told from a build that is meant so. */
export function takeInventory(folder: string, finished: string): void {
  const inventory: Inventory = {}
  for (const file of filesOf(folder)) inventory[file] = [lstatSync(join(folder, file)).size, digest(join(folder, file))]
  writeFileSync(inventoryOf(finished), JSON.stringify(inventory))
}

/**
 * What is wrong with a build; undefined when it is whole. Sizes take milliseconds and tell what a full disk or a cut-off
 * copy does; contents take seconds for a gigabyte. A build from before inventories were taken is believed as it is.
 */
export function damageOf(folder: string, look: "sizes" | "contents" = "sizes"): string | undefined {
  const file = inventoryOf(folder)
  if (!existsSync(file)) {
    const inventory: Inventory = {}
    for (const name of filesOf(folder)) inventory[name] = [lstatSync(join(folder, name)).size]
    writeFileSync(file, JSON.stringify(inventory))
    return undefined
  }
  let inventory: Inventory
  try {
    inventory = JSON.parse(readFileSync(file, "utf8")) as Inventory
  } catch {
    return "its inventory cannot be read"
  }
  for (const [name, [size, sha256]] of Object.entries(inventory)) {
    const found = lstatSync(join(folder, name), { throwIfNoEntry: false })
    if (found === undefined) return `${name} is gone`
    if (found.size !== size) return `${name} has ${found.size} bytes instead of ${size}`
    if (look === "contents" && sha256 !== undefined && digest(join(folder, name)) !== sha256) return `${name} has other contents`
  }
  return undefined
}

/** Every finished build below the state folder. */
export function finishedBuilds(): string[] {
  const folder = state("build", "x").slice(0, -2)
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.endsWith(".partial"))
    .map((entry) => join(folder, entry.name))
}

/** Removes builds whose contents are not what was built; says which and why. */
export function removeDamaged(): string[] {
  return finishedBuilds().flatMap((folder) => {
    const damage = damageOf(folder, "contents")
    if (damage === undefined) return []
    removeBuild(folder)
    return [`${basename(folder)} is damaged (${damage})`]
  })
}

/** Removes a build and what is known of it. */
export function removeBuild(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  rmSync(inventoryOf(folder), { force: true })
}
