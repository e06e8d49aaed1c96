import { readFileSync } from "node:fs"
import { join } from "node:path"
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
  for (const layer of layers) await umoci("add an image layer", ["raw", "add-layer", "--image", image, layer])
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
