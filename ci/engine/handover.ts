import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ensureGitServer } from "./git-server.ts"
import { debianMirror, securityMirror } from "./debian.ts"
import { type ImageName, buildImage } from "./images.ts"
import { imagesFolder } from "./image-server.ts"
import { PROJECT, state } from "./paths.ts"
import { run } from "./process.ts"
import { moduleFolder } from "./ready.mjs"

/** Functions that need a cluster; what only they use is made when one of them is first called. */
const NEED_CLUSTER = ["ci", "integrate", "promote"]

/** Flags for the module's constructor: what this machine brings and a module cannot reach by itself. */
export async function constructorFlags(words: string[]): Promise<{ flags: string[]; files: string[] }> {
  if (!words.includes("call") || moduleFolder() !== PROJECT) return { flags: [], files: [] }
  const names: ImageName[] = ["debian"]
  if (words.some((word) => NEED_CLUSTER.includes(word))) names.push("cluster", "argocd", "redis")
  const flags: string[] = []
  // What the flags name on this machine's disk.
  const files: string[] = []
  // An image that the user names goes before the machine's own.
  const named = (name: string): boolean => words.some((word) => word.startsWith(`${name}=`) || word.startsWith(`--images=${name}=`))
  for (const name of names) {
    if (named(name)) continue
    const { reference, link } = await imageReference(name)
    flags.push(`--images=${name}=${reference}`)
    files.push(link)
  }
  const { port } = await ensureGitServer()
  flags.push(`--gitops-service=tcp://127.0.0.1:${port}`)
  const mirrors = await mirrorSettings()
  if (mirrors) {
    flags.push(`--mirrors=file:${mirrors}`)
    files.push(mirrors)
  }
  return { flags, files }
}

async function imageReference(name: ImageName): Promise<{ reference: string; link: string }> {
  const { layout, digest } = await buildImage(name)
  const short = digest.replace("sha256:", "").slice(0, 12)
  const link = join(imagesFolder(), `${name}-${short}`)
  rmSync(link, { force: true })
  symlinkSync(layout, link)
  return { reference: `embedded.golden-path.internal/${name}-${short}@${digest}`, link }
}

/** Mirrors that this machine is set to, as a file of KEY=VALUE; undefined when they are the usual ones. */
async function mirrorSettings(): Promise<string | undefined> {
  const ask = async (command: string, args: string[]): Promise<string> =>
    (await run(command, args, { what: `read ${command}'s settings`, limit: 60 })).trim()
  const settings: Record<string, [string, string]> = {
    DEBIAN_MIRROR: [debianMirror(), "http://deb.debian.org/debian"],
    DEBIAN_SECURITY_MIRROR: [securityMirror(), "http://deb.debian.org/debian-security"],
    NPM_CONFIG_REGISTRY: [await ask("npm", ["config", "get", "registry"]), "https://registry.npmjs.org/"],
    PIP_INDEX_URL: [pipIndex(), ""],
    GOPROXY: [await ask("go", ["env", "GOPROXY"]), "https://proxy.golang.org,direct"],
  }
  const lines = Object.entries(settings).filter(([, [value, usual]]) => value !== "" && value !== usual).map(([name, [value]]) => `${name}=${value}`)
  if (lines.length === 0) return undefined
  const file = state("run", "mirrors.env")
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 })
  return file
}

function pipIndex(): string {
  if (process.env["PIP_INDEX_URL"]) return process.env["PIP_INDEX_URL"]
  const files = ["/etc/pip.conf", join(process.env["HOME"] ?? "/root", ".config/pip/pip.conf"), join(process.env["HOME"] ?? "/root", ".pip/pip.conf")]
  const texts = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, "utf8"))
  return /^\s*index-url\s*=\s*(\S+)/m.exec(texts.join("\n"))?.[1] ?? ""
}
