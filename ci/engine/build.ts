import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { STATE, state } from "./paths.ts"
import { step } from "./progress.ts"

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

/**
 * Builds a folder once: `<state>/build/<name>-<key>`. It is made beside its final
 * place and renamed, so that a kill leaves nothing that looks finished.
 */
export async function buildOnce(name: string, key: string, make: (dir: string) => Promise<void>): Promise<string> {
  const done = state("build", `${name}-${key}`)
  if (existsSync(done)) return done
  return await step(`build ${name}`, async () => {
    const partial = `${done}.partial`
    rmSync(partial, { recursive: true, force: true })
    mkdirSync(partial, { recursive: true })
    await make(partial)
    renameSync(partial, done)
    return done
  })
}
