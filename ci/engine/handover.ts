import { rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ensureGitServer } from "./git-server.ts"
import { type ImageName, buildImage } from "./images.ts"
import { imagesFolder } from "./image-server.ts"
import { PROJECT, state } from "./paths.ts"
import { type MirrorName, mirrorSettings } from "./reach.ts"
import { moduleFolder } from "./ready.mjs"

/** Functions that need a cluster; what only they use is made when one of them is first called. */
const NEED_CLUSTER = ["ci", "integrate", "promote", "local-platform"]

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
  const mirrors = await mirrorFile()
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
async function mirrorFile(): Promise<string | undefined> {
  const usual: Record<MirrorName, string> = {
    DEBIAN_MIRROR: "http://deb.debian.org/debian",
    DEBIAN_SECURITY_MIRROR: "http://deb.debian.org/debian-security",
    NPM_CONFIG_REGISTRY: "https://registry.npmjs.org/",
    PIP_INDEX_URL: "",
    GOPROXY: "https://proxy.golang.org,direct",
  }
  const settings = await mirrorSettings()
  const lines = Object.entries(settings).filter(([name, value]) => value !== "" && value !== usual[name as MirrorName]).map(([name, value]) => `${name}=${value}`)
  if (lines.length === 0) return undefined
  const file = state("run", "mirrors.env")
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 })
  return file
}
