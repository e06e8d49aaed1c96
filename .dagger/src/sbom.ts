import type { File } from "@dagger.io/dagger";
import type { BuiltImage } from "./image.ts";
import { type Context, moduleFile } from "./mirrors.ts";
import { debian, syft } from "./toolbox.ts";

/** Bill of materials of an image (CycloneDX JSON): Debian, Python and npm packages, and upstream's binaries. */
export async function billOfMaterials(
  context: Context, image: BuiltImage, name: string, version: string,
): Promise<File> {
  return debian(context)
    .withFile("/usr/local/bin/syft", await syft(context), { permissions: 0o755 })
    .withMountedFile("/run/image.tar", image.archive)
    .withNewFile("/run/list-contents.sh", await moduleFile("recipes/list-contents.sh"))
    .withExec(["sh", "/run/list-contents.sh", "/run/image.tar", name, version, `/out/${name}.cdx.json`], {
      // For `unshare --net` alone: the recipe drops every right before the lister starts.
      insecureRootCapabilities: true,
    })
    .file(`/out/${name}.cdx.json`);
}
