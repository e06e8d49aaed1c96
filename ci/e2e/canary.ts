import { spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"

/** Secrets made up for one test run, and the search for them in every form that a leak could give them. */

/** A value that is nowhere by chance, with characters that addresses must escape. */
export function canary(): string {
  const text = plainCanary()
  return `${text.slice(0, 18)}+/%=${text.slice(18)}`
}

/** The same of letters and digits alone, for what must be a name. */
export function plainCanary(): string {
  return randomBytes(39).toString("base64url").replace(/[-_]/g, "x")
}

/** Long enough to be nobody else's, short enough that one of a line's pieces survives a break anywhere. */
const PIECE = 14

/**
 * What to look for: pieces of the value, each as it is, as base64 at any of the three places where it could begin,
 * in hexadecimal, and as an address escapes it. A value broken over lines leaves some piece whole.
 */
export function forms(value: string): string[] {
  const known = remembered.get(value) ?? formsOf(value)
  remembered.set(value, known)
  return known
}

const remembered = new Map<string, string[]>()

function formsOf(value: string): string[] {
  const pieces: string[] = []
  for (let at = 0; at + PIECE <= value.length; at += PIECE) pieces.push(value.slice(at, at + PIECE))
  return [...new Set(pieces.flatMap((piece) => [piece, encodeURIComponent(piece), ...base64Of(piece), ...hexOf(piece)]))]
}

function base64Of(piece: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(piece)])
    // Characters at both ends also hold bits of what stands beside the piece.
    const text = bytes.toString("base64").replace(/=+$/, "").slice(before === 0 ? 0 : before + 1)
    const whole = (bytes.length * 8) % 6 === 0 ? text : text.slice(0, -1)
    return [whole, whole.replaceAll("+", "-").replaceAll("/", "_")]
  })
}

function hexOf(piece: string): string[] {
  const hex = Buffer.from(piece).toString("hex")
  return [hex, hex.toUpperCase()]
}

/** Which of the values are in a text or in bytes; compressed ones are looked into. */
export function foundIn(content: Buffer | string, values: Record<string, string>): string[] {
  const bytes = typeof content === "string" ? Buffer.from(content) : content
  const inside = bytes.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b])) ? tryGunzip(bytes) : bytes
  // One look for all of them is enough where there is none; grep is much quicker at that.
  if (inside.length > 1e6 && !grepFinds(inside, values)) return []
  return Object.entries(values).filter(([, value]) => forms(value).some((form) => inside.includes(form))).map(([name]) => name)
}

function grepFinds(bytes: Buffer, values: Record<string, string>): boolean {
  const scratch = mkdtempSync(join(tmpdir(), "golden-path-canary-"))
  const patterns = join(scratch, "patterns")
  writeFileSync(patterns, `${Object.values(values).flatMap(forms).join("\n")}\n`)
  const { status } = spawnSync("grep", ["-aFqs", "-f", patterns], { input: bytes })
  rmSync(scratch, { recursive: true, force: true })
  return status !== 1
}

function tryGunzip(bytes: Buffer): Buffer {
  try {
    return gunzipSync(bytes)
  } catch {
    return bytes
  }
}

/** The same in every file of a folder: `<value>: <path>` for each hit. */
export function foundBelow(folder: string, values: Record<string, string>): string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => statSync(join(folder, path)).isFile())
  return paths.flatMap((path) => foundIn(readFileSync(join(folder, path)), values).map((name) => `${name}: ${path}`))
}

/** Looks at the arguments and the environment of every process, again and again, until it is stopped. */
export function watchProcesses(values: Record<string, string>, except: () => readonly number[]): { stop: () => { hits: string[]; looks: number } } {
  const hits = new Set<string>()
  let looks = 0
  const look = (): void => {
    looks++
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name) && !except().includes(Number(name)))) {
      for (const file of ["cmdline", "environ"]) {
        try {
          for (const name of foundIn(readFileSync(`/proc/${pid}/${file}`), values)) hits.add(`${name}: ${file} of ${readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0]!}`)
        } catch {
          // It has ended meanwhile.
        }
      }
    }
  }
  const timer = setInterval(look, 1000)
  return { stop: () => (clearInterval(timer), { hits: [...hits], looks }) }
}
