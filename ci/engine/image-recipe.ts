import type { ImageConfig } from "./oci.ts"
import type { RootRecipe } from "./image-root.ts"

/** How one of the engine's own images is made: a Debian root, and a layer of files above it. */
export interface ImageRecipe {
  root: RootRecipe
  /** Paths that the root brings and the image must not have. */
  removed?: string[]
  config: ImageConfig
  /** Everything besides the root and the configuration that decides the result. */
  inputs: (string | { path: string })[]
  /** Fills the upper layer's folder. */
  layer?: (folder: string) => Promise<void>
}

export const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
