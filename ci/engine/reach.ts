import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { debianMirror, securityMirror } from "./debian.ts"
import { run } from "./process.ts"

const SECONDS = 15

export type MirrorName = "DEBIAN_MIRROR" | "DEBIAN_SECURITY_MIRROR" | "NPM_CONFIG_REGISTRY" | "PIP_INDEX_URL" | "GOPROXY"

/** The package mirrors that this machine is set to; pip's is empty where nothing sets it. */
export async function mirrorSettings(): Promise<Record<MirrorName, string>> {
  const ask = async (command: string, args: string[]): Promise<string> =>
    (await run(command, args, { what: `read ${command}'s settings`, limit: 60 })).trim()
  return {
    DEBIAN_MIRROR: debianMirror(),
    DEBIAN_SECURITY_MIRROR: securityMirror(),
    NPM_CONFIG_REGISTRY: await ask("npm", ["config", "get", "registry"]),
    PIP_INDEX_URL: pipIndex(),
    GOPROXY: await ask("go", ["env", "GOPROXY"]),
  }
}

function pipIndex(): string {
  if (process.env["PIP_INDEX_URL"]) return process.env["PIP_INDEX_URL"]
  const files = ["/etc/pip.conf", join(process.env["HOME"] ?? "/root", ".config/pip/pip.conf"), join(process.env["HOME"] ?? "/root", ".pip/pip.conf")]
  const texts = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, "utf8"))
  return /^\s*index-url\s*=\s*(\S+)/m.exec(texts.join("\n"))?.[1] ?? ""
}

/** Asks for the first bytes of an address, as a package tool would. */
export async function reach(url: string): Promise<{ problem?: string; milliseconds: number; date?: string }> {
  const begun = performance.now()
  const took = (): number => Math.round(performance.now() - begun)
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(SECONDS * 1000), headers: { range: "bytes=0-0" } })
    await answer.body?.cancel()
    const date = answer.headers.get("date") ?? undefined
    return { milliseconds: took(), ...(answer.ok ? {} : { problem: `${hostOf(url)} answers ${answer.status}` }), ...(date === undefined ? {} : { date }) }
  } catch (error) {
    const { message, cause } = error as Error & { cause?: Error }
    return { milliseconds: took(), problem: `${hostOf(url)} cannot be reached within ${SECONDS} s (${cause?.message ?? message})` }
  }
}

/** How far this machine's clock is ahead of a server's; undefined when the server tells no time. */
export async function secondsOff(url: string): Promise<number | undefined> {
  const { date } = await reach(url)
  const there = Date.parse(date ?? "")
  return Number.isNaN(there) ? undefined : Math.round((Date.now() - there) / 1000)
}

/** Without what may be a password in the address. */
function hostOf(url: string): string {
  return new URL(url).host
}
