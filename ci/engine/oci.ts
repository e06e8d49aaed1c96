import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { run } from "./process.ts"

export interface ImageConfig {
  env?: Record<string, string>
  entrypoint?: string[]
  user?: string
  workdir?: string
}

/** An image in an OCI layout. */
export interface Image {
  layout: string
  /** The manifest's digest. */
  digest: string
}

/** Makes an OCI layout with one image, `<layout>:latest`, from layer tars; returns the manifest's digest. */
export async function createImage(layout: string, layers: string[], config: ImageConfig): Promise<string> {
  const image = `${layout}:latest`
  const umoci = async (what: string, args: string[]): Promise<string> => await run("umoci", args, { what, limit: 600 })
  await umoci("create an image layout", ["init", "--layout", layout])
  await umoci("create an image", ["new", "--image", image])
  for (const layer of layers) await addLayer(layout, layer)
  await umoci("configure an image", [
    "config",
    "--image",
    image,
    ...Object.entries(config.env ?? {}).flatMap(([name, value]) => ["--config.env", `${name}=${value}`]),
    ...(config.entrypoint ?? []).flatMap((word) => ["--config.entrypoint", word]),
    ...(config.user ? ["--config.user", config.user] : []),
    ...(config.workdir ? ["--config.workingdir", config.workdir] : []),
  ])
  await umoci("drop unused blobs", ["gc", "--layout", layout])
  return imageIn(layout).digest
}

/** The one image of a layout. */
export function imageIn(layout: string): Image {
  const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as { manifests: { digest: string }[] }
  const digest = index.manifests[0]?.digest
  if (!digest) throw new Error(`${layout}/index.json names no manifest`)
  return { layout, digest }
}

/** Packs a folder as a layer: sorted, owned by root, no times, so that the same files give the same layer. */
export async function packLayer(folder: string, tar: string): Promise<void> {
  const fixed = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"]
  await run("tar", ["-C", folder, ...fixed, "-cf", tar, "."], { what: "pack a layer", limit: 600 })
}

/**
 * Removed from images that execs run in. Where the host has certificates of its own, the engine runs this command
 * before and after each exec of a container that has it, most of a second each time; without it, it writes them into
 * the list of certificates itself.
 */
export const CERTIFICATE_COMMAND = "usr/sbin/update-ca-certificates"

/** A layer that removes what is named; `folder` is where it is made. */
export async function removalLayer(folder: string, removed: string): Promise<string> {
  const root = join(folder, "removal")
  const tar = join(folder, "removal.tar")
  mkdirSync(join(root, dirname(removed)), { recursive: true })
  // OCI's mark for "not there any more".
  writeFileSync(join(root, dirname(removed), `.wh.${basename(removed)}`), "")
  await packLayer(root, tar)
  rmSync(root, { recursive: true })
  return tar
}

/** Adds a layer to the image of a layout. */
export async function addLayer(layout: string, tar: string): Promise<void> {
  await run("umoci", ["raw", "add-layer", "--image", `${layout}:latest`, tar], { what: "add an image layer", limit: 600 })
}
