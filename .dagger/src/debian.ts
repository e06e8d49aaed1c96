import { type CacheVolume, type Container, dag, type File } from "@dagger.io/dagger";
import type { Language } from "./lib/service-spec.ts";
import { fetchList, type Lock, parseLock, relock as resolve, renderLock } from "./lib/lock.ts";
import { type Context, fetchingRecipe, fetchingRecipes, moduleFile } from "./mirrors.ts";
import { debian } from "./toolbox.ts";

const CACHE = "/var/cache/debs";
const LIST = "/run/packages.list";
const REMOVE = "/run/remove.list";

/** Reads a runtime's lock. */
export async function readLock(runtime: Language): Promise<Lock> {
  const file = `locks/${runtime}.json`;
  return parseLock(await moduleFile(file), `.dagger/${file}`);
}

/**
 * Unpacks locked packages into a root without package manager. One exec downloads, checks and unpacks: were they two,
 * a volume that was lost or damaged between them would fail the second for ever, with the first answered from the cache.
 */
export async function unpackPackages(context: Context, tools: Container, runtime: Language, lock: Lock, root: string): Promise<Container> {
  // Kept by checksum and never thrown away: mirrors drop a version when the next one comes.
  const cache: CacheVolume = dag.cacheVolume("golden-path-debs");
  const ready = tools
    .withMountedCache(CACHE, cache)
    .withNewFile(LIST, fetchList(lock))
    .withNewFile(REMOVE, lock.remove.map((pattern) => `${pattern}\n`).join(""));
  return fetchingRecipes(context, ready, [
    ["fetch-debs", LIST, CACHE, relockCommand(runtime)],
    ["unpack-debs", LIST, CACHE, root, REMOVE],
  ]);
}

function relockCommand(runtime: Language): string {
  return `dagger call relock --runtime ${runtime} export --path .dagger/locks/${runtime}.json`;
}

/**
 * Resolves a runtime's packages anew from Debian's signed indexes. The lock's
 * own part (roots, what is left out) stays as it is. `day` keys the cache: the
 * answer changes with the archive.
 */
export async function relock(context: Context, runtime: Language, day: string): Promise<File> {
  const lock = await readLock(runtime);
  const fresh = debian(context).withEnvVariable("INDEX_OF", day);
  const asked = await fetchingRecipe(context, fresh, "apt-records", [lock.architecture, ...lock.roots]);
  return dag.file(`${runtime}.json`, renderLock(resolve(lock, await asked.stdout())));
}
