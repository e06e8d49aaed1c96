import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { buildOnce, keyOf } from "./build.ts"
import { argocd } from "./image-argocd.ts"
import { cluster } from "./image-cluster.ts"
import { PATH, type ImageRecipe } from "./image-recipe.ts"
import { imageRoot, rootKey } from "./image-root.ts"
import { CERTIFICATE_COMMAND, createImage, packLayer, removalLayer } from "./oci.ts"

/** The images that differ between networks; here they are made from packages alone. */
export const IMAGES: Record<"debian" | "cluster" | "argocd" | "redis", ImageRecipe> = {
  debian: {
    root: { packages: ["ca-certificates"], variant: "minbase" },
    removed: [CERTIFICATE_COMMAND],
    config: { env: { PATH } },
    inputs: [],
  },
  cluster,
  argocd,
  redis: {
    root: {
      packages: ["redis-server"],
      variant: "essential",
      // Argo CD's manifests run it as 999; /data is where upstream's image works.
      setup: ['install -d -o 999 -g 999 "$1/data"'],
    },
    config: { env: { PATH }, user: "999", workdir: "/data", entrypoint: ["redis-server"] },
    inputs: [],
  },
}

export type ImageName = keyof typeof IMAGES

export interface BuiltImage {
  /** Digest of the image's manifest. */
  digest: string
  /** The OCI layout that holds the image, tagged `latest`. */
  layout: string
}

/** Makes one of the images once; the same recipe never twice. What was finished before a kill is kept. */
export async function buildImage(name: ImageName): Promise<BuiltImage> {
  const { root, removed = [], config, inputs, layer }: ImageRecipe = IMAGES[name]
  const key = keyOf(rootKey(root), JSON.stringify(config), ...removed, ...inputs)
  const dir = await buildOnce(`image-${name}`, key, async (out) => {
    const layers = [await imageRoot(name, root)]
    for (const path of removed) layers.push(await removalLayer(out, path))
    if (layer) {
      const folder = join(out, "layer")
      mkdirSync(folder)
      await layer(folder)
      await packLayer(folder, join(out, "layer.tar"))
      layers.push(join(out, "layer.tar"))
    }
    const digest = await createImage(join(out, "layout"), layers, config)
    writeFileSync(join(out, "digest"), digest)
    for (const part of ["layer", "layer.tar", "removal.tar"]) rmSync(join(out, part), { recursive: true, force: true })
  })
  return { digest: readFileSync(join(dir, "digest"), "utf8"), layout: join(dir, "layout") }
}
