import { spawnSync } from "node:child_process"
import { closeSync, existsSync, lstatSync, mkdirSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { inflateSync } from "node:zlib"
import { forms, foundIn } from "./canary.ts"

/**
 * The search in folders too big to be read here, the engine's state above all. What is read follows from what changed,
 * so it ends: only files that were made or written after a marker (a value that did not exist before can be in no
 * other), each inode once however many snapshots link it, in the disk's order, with one pass of grep for all forms.
 */
export interface Searched {
  /** `<value>: <path>`; a path inside of something packed ends with what it was packed as. */
  hits: string[]
  files: number
  megabytes: number
  /** Files that were unpacked to look inside: layers, Git objects. */
  packed: number
  seconds: number
}

const LIMIT_MS = 900_000
/** By the first bytes of a file, what hands out its content. */
const UNPACK: Record<string, string> = { "1f8b": "gzip -dcq", "28b5": "zstd -dcq", "fd37": "xz -dcq" }
const LOOSE = /\/objects\/[0-9a-f]{2}\/[0-9a-f]{38}$/
const PACK = /\/(pack-[0-9a-f]{40})\.pack$/

interface Changed {
  inode: number
  size: number
  path: string
}

export function searchChanged(folders: readonly string[], since: string, values: Record<string, string>): Searched {
  const begun = Date.now()
  const scratch = mkdtempSync(join(tmpdir(), "golden-path-search-"))
  try {
    const changed = changedFiles(folders, since)
    const patterns = join(scratch, "patterns")
    writeFileSync(patterns, `${Object.values(values).flatMap(forms).join("\n")}\n`)
    const named = (path: string, inside: Buffer, as = ""): string[] => foundIn(inside, values).map((name) => `${name}: ${path}${as}`)
    const hits = grep(changed, patterns, scratch).flatMap((path) => named(path, readFileSync(path)))
    let packed = 0
    for (const { path } of changed) {
      const unpack = UNPACK[firstBytes(path)]
      if (LOOSE.test(path)) {
        packed++
        hits.push(...named(path, inflated(path), " (Git object)"))
      } else if (unpack !== undefined) {
        packed++
        hits.push(...through(`${unpack} "$1"`, [path], patterns, values).map((name) => `${name}: ${path} (unpacked)`))
      }
      if (Date.now() - begun > LIMIT_MS) throw new Error(`searching what changed: not ended within ${LIMIT_MS / 1000} s, at ${path} of ${changed.length} files`)
    }
    const packs = new Map(changed.flatMap((file) => (PACK.test(file.path) ? [[`${basename(file.path)} ${file.size}`, file.path] as const] : [])))
    for (const path of packs.values()) {
      packed++
      hits.push(...inPack(path, scratch, patterns, values).map((name) => `${name}: ${path} (Git pack)`))
    }
    return { hits, files: changed.length, megabytes: Math.round(changed.reduce((sum, { size }) => sum + size, 0) / 1e6), packed, seconds: (Date.now() - begun) / 1000 }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/**
 * Every inode once. A file that is only linked into another snapshot has a new change time and old content, so that its
 * birth or its last write must be new as well.
 */
function changedFiles(folders: readonly string[], since: string): Changed[] {
  const { mtimeMs: start } = statSync(since)
  const there = folders.filter((folder) => existsSync(folder))
  // A file that goes away while it is looked at makes find fail, and is nothing to find anything in.
  const found = spawnSync("nice", ["find", ...there, "-xdev", "-type", "f", "-size", "+0", "-cnewer", since, "-print0"], { maxBuffer: 1e9, timeout: LIMIT_MS })
  if (found.error !== undefined) throw new Error(`listing what changed in ${there.join(", ")}: ${found.error.message}`)
  const inodes = new Map<number, Changed>()
  for (const path of found.stdout.toString("utf8").split("\0")) {
    const stat = path === "" ? undefined : lstatSync(path, { throwIfNoEntry: false })
    // A file system that does not know births says 0, or the change time: then the change time decides.
    if (stat !== undefined && (stat.birthtimeMs === 0 || Math.max(stat.birthtimeMs, stat.mtimeMs) >= start)) inodes.set(stat.ino, { inode: stat.ino, size: stat.size, path })
  }
  return [...inodes.values()].sort((a, b) => a.inode - b.inode)
}

function grep(changed: readonly Changed[], patterns: string, scratch: string): string[] {
  const list = join(scratch, "files")
  writeFileSync(list, changed.map(({ path }) => `${path}\0`).join(""))
  const run = spawnSync("sh", ["-c", 'LC_ALL=C nice xargs -0 -r -P 2 -n 500 grep -aFlsZ -f "$1" < "$2"; true', "grep", patterns, list], { maxBuffer: 1e9, timeout: LIMIT_MS })
  if (run.error !== undefined) throw new Error(`searching ${changed.length} changed files: ${run.error.message}`)
  return run.stdout.toString("utf8").split("\0").filter((path) => path !== "" && existsSync(path))
}

/** Which values are in what a command prints; it is only kept where there is one. */
function through(command: string, args: string[], patterns: string, values: Record<string, string>): string[] {
  const run = (script: string): Buffer => {
    const { stdout, error } = spawnSync("sh", ["-c", script, "sh", ...args], { maxBuffer: 1e9, timeout: LIMIT_MS, env: { ...process.env, LC_ALL: "C", PATTERNS: patterns } })
    if (error !== undefined) throw new Error(`looking into ${args.join(" ")}: ${error.message}`)
    return stdout
  }
  const lines = run(`${command} 2>/dev/null | nice grep -aF -f "$PATTERNS"; true`)
  return lines.length === 0 ? [] : foundIn(lines, values)
}

/** A pack alone is no repository, so it is linked into one. */
function inPack(path: string, scratch: string, patterns: string, values: Record<string, string>): string[] {
  const repository = mkdtempSync(join(scratch, "pack-"))
  spawnSync("git", ["init", "--quiet", "--bare", repository])
  const folder = join(repository, "objects/pack")
  mkdirSync(folder, { recursive: true })
  const to = join(folder, basename(path))
  symlinkSync(path, to)
  const indexed = spawnSync("git", ["-C", repository, "index-pack", to], { encoding: "utf8" })
  if (!existsSync(path)) return []
  if (indexed.status !== 0) throw new Error(`looking into ${path}: ${indexed.stderr}`)
  return through('git -C "$1" cat-file --batch-all-objects --batch --unordered', [repository], patterns, values)
}

function firstBytes(path: string): string {
  try {
    const file = openSync(path, "r")
    const bytes = Buffer.alloc(2)
    readSync(file, bytes, 0, 2, 0)
    closeSync(file)
    return bytes.toString("hex")
  } catch {
    return ""
  }
}

function inflated(path: string): Buffer {
  try {
    return inflateSync(readFileSync(path))
  } catch {
    return Buffer.alloc(0)
  }
}
