import { type Container, dag, type Directory, type Secret } from "@dagger.io/dagger";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { ImageName } from "./lib/images.ts";

/** What every part that runs something needs to know of the network it runs in. */
export interface Context {
  images: Record<ImageName, string>;
  /** `KEY=VALUE` lines: DEBIAN_MIRROR, DEBIAN_SECURITY_MIRROR, NPM_CONFIG_REGISTRY, PIP_INDEX_URL, GOPROXY. */
  mirrors?: Secret;
  /** Part of every exec's cache key when something is to be done anew. */
  anew?: string;
}

const RECIPES = "/run/recipes";
const MIRRORS = "/run/mirrors.env";

const texts = new Map<string, Promise<string>>();

/** A file of the module, read once. */
export function moduleFile(path: string): Promise<string> {
  const known = texts.get(path) ?? ownFile(path);
  texts.set(path, known);
  return known;
}

/** The module's files lie beside its code where it runs; an engine that brings its code alone is asked for the others. */
async function ownFile(path: string): Promise<string> {
  try {
    return await readFile(join(import.meta.dirname, "..", path), "utf8");
  } catch {
    return await dag.currentModule().source().file(path).contents();
  }
}

/** The paths of a folder's files in the module whose names begin with `prefix`, in order. */
export async function moduleFiles(folder: string, prefix = ""): Promise<string[]> {
  const names = await readdir(join(import.meta.dirname, "..", folder)).catch(() => dag.currentModule().source().directory(folder).entries());
  return names.filter((name) => name.startsWith(prefix)).sort().map((name) => `${folder}/${name}`);
}

/**
 * Recipes as a directory made from their texts: an exec's cache key then
 * depends on the recipe alone, not on the whole module's source.
 */
async function recipes(names: readonly string[]): Promise<Directory> {
  const contents = await Promise.all(names.map((name) => moduleFile(`recipes/${name}.sh`)));
  return names.reduce((folder, name, i) => folder.withNewFile(`${name}.sh`, contents[i]!), dag.directory());
}

/** Runs a recipe of `.dagger/recipes`; it may not rely on the network. */
export async function run(container: Container, recipe: string, args: readonly string[] = []): Promise<Container> {
  return container
    .withMountedDirectory(RECIPES, await recipes([recipe]))
    .withExec(["sh", `${RECIPES}/${recipe}.sh`, ...args])
    .withoutMount(RECIPES);
}

/** Runs a command that downloads, with this network's mirrors; they are gone from the container afterwards. */
export async function fetching(context: Context, container: Container, command: readonly string[]): Promise<Container> {
  return wrapped(context, container, ["fetching"], command);
}

/** Runs a recipe that downloads. */
export async function fetchingRecipe(
  context: Context, container: Container, recipe: string, args: readonly string[] = [],
): Promise<Container> {
  return wrapped(context, container, ["fetching", recipe], ["sh", `${RECIPES}/${recipe}.sh`, ...args]);
}

/** Runs recipes that download one after the other in one exec; each is its name and its arguments. */
export async function fetchingRecipes(context: Context, container: Container, steps: readonly (readonly [string, ...string[]])[]): Promise<Container> {
  const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
  const script = steps.map(([name, ...args]) => ["sh", `${RECIPES}/${name}.sh`, ...args].map(quoted).join(" ")).join("\n");
  return wrapped(context, container, ["fetching", ...steps.map(([name]) => name)], ["sh", "-ec", script]);
}

async function wrapped(
  context: Context, container: Container, names: readonly string[], command: readonly string[],
): Promise<Container> {
  let ready = container.withMountedDirectory(RECIPES, await recipes(names));
  if (context.mirrors !== undefined) ready = ready.withMountedSecret(MIRRORS, context.mirrors);
  const done = ready.withExec(["sh", `${RECIPES}/fetching.sh`, ...command]).withoutMount(RECIPES);
  return context.mirrors === undefined ? done : done.withoutMount(MIRRORS);
}
