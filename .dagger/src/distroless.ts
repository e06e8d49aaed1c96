import type { Container } from "@dagger.io/dagger";
import type { Language } from "./lib/service-spec.ts";
import { readLock, unpackPackages } from "./debian.ts";
import { type Layer, packLayer } from "./image.ts";
import { type Context, run } from "./mirrors.ts";
import { debian, debianTools, nodePackage } from "./toolbox.ts";

const ROOT = "/build/root";

/** The layer that a language's images stand on: Debian packages, without shell or package manager. */
export async function runtimeRoot(context: Context, language: Language): Promise<Layer> {
  const lock = await readLock(language);
  const tools = language === "node" ? await debianTools(context, ["binutils"]) : debian(context);
  const unpacked = await unpackPackages(context, tools, language, lock, ROOT);
  const finished = await FINISH[language](context, unpacked);
  return packLayer(finished, ROOT, `${language} runtime from ${lock.packages.length} locked Debian ${lock.suite} packages`, lock.architecture);
}

const FINISH: Record<Language, (context: Context, unpacked: Container) => Promise<Container>> = {
  python: (_, unpacked) => run(unpacked, "finish-python", [ROOT]),
  node: async (context, unpacked) =>
    run(unpacked.withMountedDirectory("/run/node", await nodePackage(context)), "finish-node", [ROOT, "/run/node"]),
};
