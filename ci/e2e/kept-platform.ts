import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { PlatformStatus } from "../../.dagger/src/lib/local-platform.ts"
import { PROJECT, git } from "./harness.ts"

/** The kept cluster under test, and a service of another team to release to it. */

export interface Kept extends PlatformStatus {
  running: boolean
  pid: number
  url: string
}

/** `npm run platform -- …` of the checkout under test. */
export function platform(...words: string[]): { code: number; stdout: string; output: string } {
  console.log(`$ npm run platform -- ${words.join(" ")}`)
  const result = spawnSync("npm", ["run", "--silent", "platform", "--", ...words], { cwd: PROJECT, encoding: "utf8", timeout: 1_200_000 })
  console.log(result.stdout + result.stderr)
  return { code: result.status ?? 137, stdout: result.stdout, output: result.stdout + result.stderr }
}

export function status(): Kept {
  return JSON.parse(platform("status", "--json").stdout) as Kept
}

/** The same, from the platform itself: asking often costs nothing. */
export async function statusAt(url: string): Promise<PlatformStatus> {
  return (await (await fetch(`${url}/-/status`, { signal: AbortSignal.timeout(5000) })).json()) as PlatformStatus
}

export async function within<T>(seconds: number, what: string, probe: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + seconds * 1000
  let last: unknown
  for (;;) {
    const found = await probe().catch((error: unknown) => {
      last = error
      return undefined
    })
    if (found !== undefined) return found
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`, { cause: last })
    await new Promise((done) => setTimeout(done, 250))
  }
}

/** Adds the service that the README gives to copy, with the README's own words, and commits it. */
export function addHello(checkout: string): void {
  const readme = readFileSync(join(PROJECT, "README.md"), "utf8")
  const script = /^A complete one, to copy:\n\n```sh\n([\s\S]*?)```/m.exec(readme)?.[1]
  if (script === undefined) throw new Error("README.md no longer gives a complete service to copy")
  const own = script.split("\n").filter((line) => !line.startsWith("./daggerw") && !line.includes("git commit")).join("\n")
  const made = spawnSync("sh", ["-euc", own.replace("git add service/hello", "true")], { cwd: checkout, encoding: "utf8", timeout: 120_000 })
  if (made.status !== 0) throw new Error(`adding the README's service: ${made.stderr}`)
  commit(checkout, "Add the service hello")
}

/** Writes files of the service, and commits all. */
export function commit(checkout: string, message: string, files: Record<string, string> = {}): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(checkout, path, ".."), { recursive: true })
    writeFileSync(join(checkout, path), text)
  }
  git(checkout, "add", "--all", "service")
  git(checkout, "commit", "--quiet", "--message", message)
  return git(checkout, "rev-parse", "HEAD")
}
