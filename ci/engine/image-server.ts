import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { type Daemon, logTail, pidOf, portOf, startDaemon, stopDaemon } from "./daemon.ts"
import { UserError } from "./errors.ts"
import { goBuild } from "./go.ts"
import { STATE } from "./paths.ts"
import { waitUntil } from "./process.ts"

export const IMAGE_SERVER: Daemon = { name: "images", match: "olareg" }

/** Where the images that the embedded engine brings are kept: one OCI layout a folder. */
export const imagesFolder = (): string => join(STATE, "images")

/** The folder of the registry's program. */
export async function registryProgram(): Promise<string> {
  return await goBuild("registry", { module: "../../.dagger/tools", packages: ["github.com/olareg/olareg/cmd/olareg"] })
}

/** Serves those layouts as a read-only registry on loopback, for the engine to pull from; returns the port. */
export async function ensureImageServer(): Promise<number> {
  const port = await portOf(IMAGE_SERVER.name)
  if (pidOf(IMAGE_SERVER) !== undefined && (await answersOn(port))) return port
  await stopDaemon(IMAGE_SERVER)
  const bin = await registryProgram()
  mkdirSync(imagesFolder(), { recursive: true })
  startDaemon(IMAGE_SERVER, join(bin, "olareg"), ["serve", "--store-ro", "--dir", imagesFolder(), "--addr", "127.0.0.1", "--port", String(port)])
  try {
    await waitUntil(`the image server on 127.0.0.1:${port}`, 15, async () => await answersOn(port))
  } catch (error) {
    throw new UserError(`${(error as Error).message}; its log ends with:\n${logTail(IMAGE_SERVER.name)}`)
  }
  return port
}

/** True when the image server runs and answers. */
export async function imageServerAnswers(): Promise<boolean> {
  return pidOf(IMAGE_SERVER) !== undefined && (await answersOn(await portOf(IMAGE_SERVER.name)))
}

/** Ends the image server; true if one ran. */
export async function stopImageServer(): Promise<boolean> {
  return await stopDaemon(IMAGE_SERVER)
}

async function answersOn(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/v2/`, { signal: AbortSignal.timeout(2000) })).ok
  } catch {
    return false
  }
}
