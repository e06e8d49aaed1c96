import { UserError } from "./errors.ts";

/** Path (with `/`, from the repository's root) to text. */
export type Tree = Record<string, string>;

/** One file to write, or to remove where the content is null. */
export interface Edit {
  path: string;
  content: string | null;
}

/**
 * The edits that turn the owned places of `tip` into `desired`; everything
 * else in the repository, other teams' files included, stays untouched.
 * An owned place is a directory, or one file. No edits means: nothing to commit.
 */
export function planEdits(tip: Tree, desired: Tree, owned: readonly string[]): Edit[] {
  const places = owned.map(checkedPath);
  for (const path of Object.keys(desired)) {
    checkedPath(path);
    if (!isOwned(path, places)) {
      throw new UserError(`planning the commit: ${path} lies outside ${places.join(", ") || "every owned folder"}; nothing was changed`);
    }
  }
  const removed = Object.keys(tip)
    .filter((path) => isOwned(path, places) && !Object.hasOwn(desired, path))
    .map((path): Edit => ({ path, content: null }));
  const written = Object.keys(desired)
    .filter((path) => tip[path] !== desired[path])
    .map((path): Edit => ({ path, content: desired[path]! }));
  refuseFileInTheWay(tip, desired, removed);
  // Removals come first: a file may make place for a folder of its name.
  return [...removed.sort(byPath), ...written.sort(byPath)];
}

/** The tree after the edits; the given one is not changed. */
export function applyEdits(tree: Tree, edits: readonly Edit[]): Tree {
  const entries = new Map(Object.entries(tree));
  for (const { path, content } of edits) {
    if (content === null) entries.delete(path);
    else entries.set(path, content);
  }
  return Object.fromEntries(entries);
}

/** Whether the path is one of the places or lies in one, whether or not they are written with a `/` at their end. */
export function isInAny(path: string, places: readonly string[]): boolean {
  return isOwned(path, places.map((place) => place.replace(/\/$/, "")));
}

/** Whether the path is an owned place or lies in one; `env/dev/back` does not own `env/dev/backend`. */
function isOwned(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || path.startsWith(`${place}/`));
}

/** A path that could leave the repository, or reach Git's own files, is refused. */
function checkedPath(path: string): string {
  const plain = path.replace(/\/$/, "");
  const bad = plain.split("/").some((part) => part === "" || part === "." || part === ".." || part.toLowerCase() === ".git");
  if (bad || /[\\\0\n]/.test(plain)) {
    throw new UserError(`planning the commit: "${path}" is not a path inside the repository; use names joined by "/"`);
  }
  return plain;
}

/** Git cannot hold a file and a folder of one name. */
function refuseFileInTheWay(tip: Tree, desired: Tree, removed: readonly Edit[]): void {
  const gone = new Set(removed.map((edit) => edit.path));
  const stays = new Set([...Object.keys(tip).filter((path) => !gone.has(path)), ...Object.keys(desired)]);
  for (const path of Object.keys(desired)) {
    const parts = path.split("/");
    for (let length = 1; length < parts.length; length++) {
      const parent = parts.slice(0, length).join("/");
      if (stays.has(parent)) {
        throw new UserError(`planning the commit: ${parent} is a file where a folder is needed for ${path}; move it away`);
      }
    }
  }
}

function byPath(one: Edit, other: Edit): number {
  return one.path < other.path ? -1 : one.path > other.path ? 1 : 0;
}
