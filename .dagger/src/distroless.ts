import type { Container } from "@dagger.io/dagger";
import type { Language } from "./lib/service-spec.ts";
import { PACKAGES, readLock, withPackages } from "./debian.ts";
import { type Layer, packLayer } from "./image.ts";
import { type Context, run } from "./mirrors.ts";
import { debian, debianTools, nodePackage } from "./toolbox.ts";

const ROOT = "/build/root";
const REMOVE = "/run/remove.list";

/** The layer that a language's images stand on: Debian packages, without shell or package manager. */
export async function runtimeRoot(context: Context, language: Language): Promise<Layer> {
  const lock = await readLock(language);
  const tools = language === "node" ? await debianTools(context, ["binutils"]) : debian(context);
  const fetched = await withPackages(context, tools, language, lock);
  const unpacked = await run(
    fetched.withNewFile(REMOVE, lock.remove.map((pattern) => `${pattern}\n`).join("")),
    "unpack-debs",
    [PACKAGES.list, PACKAGES.cache, ROOT, REMOVE],
  );
  const finished = await FINISH[language](context, unpacked);
  return packLayer(finished, ROOT, `${language} runtime from ${lock.packages.length} locked Debian ${lock.suite} packages`, lock.architecture);
}

const FINISH: Record<Language, (context: Context, unpacked: Container) => Promise<Container>> = {
  python: (_, unpacked) => run(unpacked, "finish-python", [ROOT]),
  node: async (context, unpacked) =>
    run(unpacked.withMountedDirectory("/run/node", await nodePackage(context)), "finish-node", [ROOT, "/run/node"]),
};
