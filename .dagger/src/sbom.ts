import type { Directory, File } from "@dagger.io/dagger";
import type { BuiltImage } from "./image.ts";
import { UserError } from "./lib/errors.ts";
import { type Context, moduleFile } from "./mirrors.ts";
import { debian, syft } from "./toolbox.ts";

/** What is in an image, in the two formats that tools read. */
export interface Bills {
  cyclonedx: File;
  spdx: File;
}

/** Bills of materials of an image: Debian, Python and npm packages, and upstream's binaries; one listing, two formats. */
export async function billsOfMaterials(context: Context, image: BuiltImage, name: string, version: string): Promise<Bills> {
  const out: Directory = debian(context)
    .withFile("/usr/local/bin/syft", await syft(context), { permissions: 0o755 })
    .withMountedFile("/run/image.tar", image.archive)
    .withNewFile("/run/list-contents.sh", await moduleFile("recipes/list-contents.sh"))
    .withExec(["sh", "/run/list-contents.sh", "/run/image.tar", name, version, `/out/${name}.cdx.json`, `/out/${name}.spdx.json`], {
      // For `unshare --net` alone: the recipe drops every right before the lister starts.
      insecureRootCapabilities: true,
    })
    .directory("/out");
  return { cyclonedx: out.file(`${name}.cdx.json`), spdx: out.file(`${name}.spdx.json`) };
}

/** The one that `--format` names. */
export function billIn(bills: Bills, format: string): File {
  if (format !== "cyclonedx" && format !== "spdx") throw new UserError(`--format: unknown format "${format}"; use cyclonedx or spdx`);
  return bills[format];
}
