import { mkdirSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

/** The checkout that this file belongs to. */
export const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), "../..")

/** Recipes of what is built: Go tool modules, SDK contents, images. */
export const EMBEDDED = join(PROJECT, "ci/embedded")

/** Everything that the embedded engine keeps lies below this folder. */
export const STATE = resolve(process.env["GOLDEN_PATH_STATE"] ?? "/var/lib/golden-path")

/** A path below the state folder, its parent made if absent. */
export function state(...parts: string[]): string {
  const path = join(STATE, ...parts)
  mkdirSync(dirname(path), { recursive: true })
  return path
}
