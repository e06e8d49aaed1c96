import { type Container, dag, type File } from "@dagger.io/dagger";
import {
  blobPath, imageConfig, type ImageFacts, imageIndex, imageManifest, type LayerFacts,
} from "./lib/oci.ts";
import { type Context, run } from "./mirrors.ts";
import { debian } from "./toolbox.ts";

/** A packed layer: the blob, and what a manifest says about it. */
export interface Layer {
  blob: File;
  facts: LayerFacts;
  architecture: string;
}

/** An image that the pipeline wrote: an OCI archive, and the name it has everywhere from here on. */
export interface BuiltImage {
  archive: File;
  /** The manifest's digest. */
  digest: string;
  /** Compressed bytes that a node pulls. */
  size: number;
  /** From the bottom up. */
  layers: LayerFacts[];
}

/** Packs a directory of a container as a layer with reproducible bytes. */
export async function packLayer(container: Container, directory: string, title: string, architecture = "amd64"): Promise<Layer> {
  const packed = (await run(container, "pack-layer", [directory, "/layer"])).directory("/layer");
  const [digest = "", size = "", diffId = ""] = (await packed.file("facts").contents()).trim().split(" ");
  return { blob: packed.file("layer.tar.gz"), facts: { digest, size: Number(size), diffId, title }, architecture };
}

/**
 * Writes the image. Dagger's own export puts times into what it writes; here
 * every byte follows from the layers and the facts, so that two builds of one
 * source have one digest.
 */
export async function assembleImage(
  context: Context, layers: readonly Layer[], image: Omit<ImageFacts, "architecture">,
): Promise<BuiltImage> {
  const facts = layers.map((layer) => layer.facts);
  const complete = { ...image, architecture: layers[0]!.architecture };
  const config = imageConfig(complete, facts);
  const manifest = imageManifest(config, facts);
  const documents = dag.directory()
    .withNewFile("oci-layout", '{"imageLayoutVersion":"1.0.0"}')
    .withNewFile("index.json", imageIndex(manifest, complete).text)
    .withNewFile(blobPath(config.digest), config.text)
    .withNewFile(blobPath(manifest.digest), manifest.text);
  let layout = debian(context).withDirectory("/layout", documents);
  // Mounted, not copied: layers are most of the bytes.
  for (const layer of layers) layout = layout.withMountedFile(`/layout/${blobPath(layer.facts.digest)}`, layer.blob);
  const packed = await run(layout, "pack-archive", ["/layout", "/image.tar"]);
  return {
    archive: packed.file("/image.tar"),
    digest: manifest.digest,
    size: facts.reduce((sum, layer) => sum + layer.size, config.size + manifest.size),
    layers: facts,
  };
}

/** The image as Dagger sees one: to look into it, run it or serve it. */
export function asContainer(image: BuiltImage): Container {
  return dag.container().import_(image.archive);
}
