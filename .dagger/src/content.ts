import type { Directory } from "@dagger.io/dagger";
import { type Context, run } from "./mirrors.ts";
import { debian } from "./toolbox.ts";

/**
 * Folders of a checkout, each known to the engine by its content alone.
 *
 * The engine names a folder of the checkout after the whole checkout, so that a
 * change anywhere (a commit, a document) would run every service's stages anew.
 * It names a file after its content: each folder therefore passes through an
 * archive with nothing in it but names, modes and bytes.
 */
export async function contentAddressed(context: Context, checkout: Directory, folders: readonly string[]): Promise<Map<string, Directory>> {
  const packing = await run(debian(context).withMountedDirectory("/checkout", checkout), "pack-folders", ["/checkout", "/packed", ...folders]);
  // A directory's file is named by content; a container's is not.
  const packed = packing.directory("/packed");
  const entries = folders.map(async (folder, index) => {
    const archive = packed.file(`${index}.tar`);
    const unpacked = await run(debian(context).withMountedFile("/run/folder.tar", archive), "unpack-folder", ["/run/folder.tar", "/folder"]);
    return [folder, unpacked.directory("/folder")] as const;
  });
  return new Map(await Promise.all(entries));
}
