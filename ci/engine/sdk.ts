import { cpSync, linkSync, mkdirSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { buildOnce, keyOf } from "./build.ts"
import { debianRoot } from "./debian.ts"
import { CERTIFICATE_COMMAND, type Image, addLayer, imageIn, removalLayer } from "./oci.ts"
import { buildGoSdk } from "./sdk-go.ts"
import { buildTypescriptSdk } from "./sdk-typescript.ts"

/** Digests by which the engine finds its builtin SDKs, and the folder of blobs that holds them. */
export interface SdkContent {
  content: string
  go: string
  typescript: string
}

const ROOT_PACKAGES = ["ca-certificates", "git", "libstdc++6", "openssh-client"]

/** Builds the contents of the builtin Go and TypeScript SDKs, each part once. `engineBin` holds codegen. */
export async function buildSdks(engineBin: string): Promise<SdkContent> {
  const rootDir = await buildOnce("sdk-root", keyOf(ROOT_PACKAGES.join()), async (out) => {
    await debianRoot(join(out, "root.tar"), ROOT_PACKAGES)
  })
  const root = join(rootDir, "root.tar")
  const codegen = join(engineBin, "codegen")
  const go = await withRemoval(await buildGoSdk(root, codegen))
  const typescript = await buildTypescriptSdk(root, codegen)
  // One content store for both, without a second copy: blobs are named by digest.
  const content = await buildOnce("sdk-content", keyOf(go.digest, typescript.digest), async (out) => {
    const blobs = join(out, "blobs/sha256")
    mkdirSync(blobs, { recursive: true })
    for (const { layout } of [go, typescript]) {
      const from = join(layout, "blobs/sha256")
      for (const name of readdirSync(from)) {
        try {
          linkSync(join(from, name), join(blobs, name))
        } catch (error) {
          // The Debian root is a layer of both.
          if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
        }
      }
    }
  })
  return { content, go: go.digest, typescript: typescript.digest }
}

/** The Go SDK takes minutes to compile: what is only removed from it is a step of its own. */
async function withRemoval(sdk: Image): Promise<Image> {
  const dir = await buildOnce("sdk-go-image", keyOf(sdk.digest, CERTIFICATE_COMMAND), async (out) => {
    const layout = join(out, "layout")
    cpSync(sdk.layout, layout, { recursive: true })
    const tar = await removalLayer(out, CERTIFICATE_COMMAND)
    await addLayer(layout, tar)
    rmSync(tar)
  })
  return imageIn(join(dir, "layout"))
}
