import { join } from "node:path"
import type { ApplicationState, PlatformStatus } from "../../.dagger/src/lib/local-platform.ts"
import { type Bridge, openBridge } from "../platform/bridge.ts"
import { type Running, begin } from "./harness.ts"
import type { OwnGitOps } from "./own-gitops.ts"

/** A local platform of a test's own, and what its Applications say. */
export class OnPlatform {
  #bridge: Bridge | undefined
  #platform: Running | undefined

  async start(checkout: string, flag: string): Promise<void> {
    this.#bridge = await openBridge(0, 0)
    this.#platform = begin(join(checkout, "daggerw"), ["--progress=plain", "call", flag, "local-platform", "--entry", `tcp://127.0.0.1:${this.#bridge.entryPort}`], 1800, { cwd: checkout })
  }

  /** What its call said so far. */
  output(): string {
    return this.#platform?.output() ?? ""
  }

  async status(): Promise<PlatformStatus | undefined> {
    return (await this.ask("status").then((answer) => answer.json()).catch(() => undefined)) as PlatformStatus | undefined
  }

  async ask(path: string): Promise<Response> {
    return await fetch(`http://127.0.0.1:${this.#bridge!.port}/-/${path}`)
  }

  async application(service: string, what: string, is: (found: ApplicationState) => boolean, seconds = 180): Promise<ApplicationState> {
    const end = Date.now() + seconds * 1000
    for (let last: unknown = "nothing yet"; ; await new Promise((done) => setTimeout(done, 500))) {
      const status = await this.status()
      const found = status?.applications.find((one) => one.service === service)
      if (found !== undefined && is(found)) return found
      last = found ?? status?.doing ?? last
      if (Date.now() > end) throw new Error(`${service} ${what}: not within ${seconds} s; last seen: ${JSON.stringify(last)}`)
    }
  }

  /** As a person would end it: Dagger's command then ends its session. */
  async end(): Promise<void> {
    if (this.#platform !== undefined) process.kill(-this.#platform.pid, "SIGINT")
    await Promise.race([this.#platform?.ended, new Promise((done) => setTimeout(done, 60_000))])
    this.#platform?.kill()
    this.#bridge?.close()
  }
}

/** The backend's own release under another name, with another image: all else is as the pipeline renders it. */
export function byHand(gitops: OwnGitOps, name: string, image: (reference: string) => string): Record<string, string> {
  return Object.fromEntries(["release.yaml", "manifests/deployment.yaml", "manifests/service.yaml", "manifests/serviceaccount.yaml"].map((file) => {
    const text = gitops.show(`env/dev/backend/${file}`)
    const named = text.replace(/^( +image: )(\S+)$/m, (_, before: string, reference: string) => `${before}${image(reference)}`).replace(/: backend$/gm, `: ${name}`)
    return [`env/dev/${name}/${file}`, named]
  }))
}
