import type { Container, Directory, File } from "@dagger.io/dagger";
import type { BuiltImage } from "./image.ts";
import { CodedError, GATE_CODES, UserError } from "./lib/errors.ts";
import { execFailure } from "./lib/exec-error.ts";
import { type Context, moduleFile } from "./mirrors.ts";
import { debian, syft } from "./toolbox.ts";

/** What is in an image, in the two formats that tools read. */
export interface Bills {
  cyclonedx: File;
  spdx: File;
}

/** Bills of materials of an image: Debian, Python and npm packages, and upstream's binaries; one listing, two formats. */
export async function billsOfMaterials(context: Context, image: BuiltImage, name: string, version: string): Promise<Bills> {
  const listed = debian(context)
    .withFile("/usr/local/bin/syft", await syft(context), { permissions: 0o755 })
    .withMountedFile("/run/image.tar", image.archive)
    .withNewFile("/run/list-contents.sh", await moduleFile("recipes/list-contents.sh"))
    .withExec(["sh", "/run/list-contents.sh", "/run/image.tar", name, version, `/out/${name}.cdx.json`, `/out/${name}.spdx.json`], {
      // For `unshare --net` alone: the recipe drops every right before the lister starts.
      insecureRootCapabilities: true,
    });
  await told(listed);
  const out: Directory = listed.directory("/out");
  return { cyclonedx: out.file(`${name}.cdx.json`), spdx: out.file(`${name}.spdx.json`) };
}

/** A lister that fell silent is told in its own sentence, not as a command that failed. */
async function told(listed: Container): Promise<void> {
  try {
    await listed.sync();
  } catch (error) {
    const failure = execFailure(error);
    if (failure?.exitCode !== GATE_CODES["scanner-failed"]) throw error;
    throw new CodedError(failure.exitCode, failure.stderr.trim().split("\n").at(-1) ?? "listing what is in an image: the scanner wrote nothing");
  }
}

/** The one that `--format` names. */
export function billIn(bills: Bills, format: string): File {
  if (format !== "cyclonedx" && format !== "spdx") throw new UserError(`--format: unknown format "${format}"; use cyclonedx or spdx`);
  return bills[format];
}
