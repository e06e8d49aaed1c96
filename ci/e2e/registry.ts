import { type ChildProcess, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { readdirSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"

const MANIFEST = "application/vnd.oci.image.manifest.v1+json"

interface Manifest {
  schemaVersion: number
  mediaType: string
  config: { mediaType: string; digest: string; size: number }
  layers: { mediaType: string; digest: string; size: number; annotations?: Record<string, string> }[]
}

/** A registry on loopback: the server that the pipeline brings, changed here as an attacker would. */
export class LocalRegistry {
  private server: ChildProcess | undefined
  port = 0

  async start(folder: string): Promise<void> {
    this.port = await freePort()
    // Garbage collection is off, and so is the referrers API: cosign's tag scheme must do.
    this.server = spawn(olareg(), ["serve", "--addr", "127.0.0.1", "--dir", folder, "--port", String(this.port), "--gc-frequency", "-1s", "--api-referrer=false"], { stdio: "ignore" })
    for (let left = 300; left > 0; left--) {
      const answer = await fetch(this.url("")).catch(() => undefined)
      if (answer?.ok) return
      await new Promise((done) => setTimeout(done, 100))
    }
    throw new Error("the registry did not answer within 30 s")
  }

  stop(): void {
    this.server?.kill()
  }

  /** A small image of its own; its digest. */
  async push(repository: string, words: string): Promise<string> {
    const config = JSON.stringify({ architecture: "amd64", os: "linux", config: { Labels: { words } }, rootfs: { type: "layers", diff_ids: [] } })
    const manifest: Manifest = {
      schemaVersion: 2, mediaType: MANIFEST,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: await this.blob(repository, config), size: config.length }, layers: [],
    }
    const text = JSON.stringify(manifest)
    await this.put(repository, digestOf(text), text)
    return digestOf(text)
  }

  async tag(repository: string, digest: string, tag: string): Promise<void> {
    await this.put(repository, tag, JSON.stringify(await this.manifest(repository, digest)))
  }

  async manifest(repository: string, reference: string): Promise<Manifest> {
    const answer = await fetch(this.url(`${repository}/manifests/${reference}`), { headers: { accept: MANIFEST } })
    if (!answer.ok) throw new Error(`${repository}:${reference}: ${answer.status}`)
    return (await answer.json()) as Manifest
  }

  async put(repository: string, reference: string, text: string): Promise<void> {
    const answer = await fetch(this.url(`${repository}/manifests/${reference}`), { method: "PUT", headers: { "content-type": MANIFEST }, body: text })
    if (!answer.ok) throw new Error(`putting ${repository}:${reference}: ${answer.status} ${await answer.text()}`)
  }

  private async blob(repository: string, text: string): Promise<string> {
    const begun = await fetch(this.url(`${repository}/blobs/uploads/`), { method: "POST" })
    const place = new URL(begun.headers.get("location") ?? "", this.url(""))
    place.searchParams.set("digest", digestOf(text))
    const answer = await fetch(place, { method: "PUT", headers: { "content-type": "application/octet-stream" }, body: text })
    if (!answer.ok) throw new Error(`putting a blob to ${repository}: ${answer.status} ${await answer.text()}`)
    return digestOf(text)
  }

  private url(path: string): string {
    return `http://127.0.0.1:${this.port}/v2/${path}`
  }
}

/** Built with the embedded engine. */
function olareg(): string {
  const builds = join(process.env["GOLDEN_PATH_STATE"] ?? "/var/lib/golden-path", "build")
  const found = readdirSync(builds).find((name) => /^registry-[0-9a-f]+$/.test(name))
  if (found === undefined) throw new Error(`${builds} holds no registry; run npm run engine -- start`)
  return join(builds, found, "olareg")
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  const { port } = server.address() as { port: number }
  await new Promise((done) => server.close(done))
  return port
}

function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`
}
