import { rmSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { ApplicationState, PlatformStatus } from "../../.dagger/src/lib/local-platform.ts"
import { type Bridge, openBridge } from "../platform/bridge.ts"
import { type Running, begin, daggerw, scratchCheckout } from "./harness.ts"
import { OwnGitOps } from "./own-gitops.ts"

/** What somebody commits to the GitOps repository by hand, past every gate of the pipeline, meets the cluster's own. */

let checkout = ""
let bridge: Bridge | undefined
let platform: Running | undefined
const gitops = new OwnGitOps()

beforeAll(async () => {
  checkout = scratchCheckout("by-hand")
  await gitops.serve()
  const released = await daggerw(checkout, ["call", gitops.flag, "ci", "--service", "backend", "--promote"], 1800)
  expect(released.code, released.output.slice(-3000)).toBe(0)
  bridge = await openBridge(0, 0)
  platform = begin(join(checkout, "daggerw"), ["--progress=plain", "call", gitops.flag, "local-platform", "--entry", `tcp://127.0.0.1:${bridge.entryPort}`], 1800, { cwd: checkout })
}, 2_000_000)
afterAll(async () => {
  // As a person would end it: Dagger's command then ends its session.
  if (platform !== undefined) process.kill(-platform.pid, "SIGINT")
  await Promise.race([platform?.ended, new Promise((done) => setTimeout(done, 60_000))])
  platform?.kill()
  bridge?.close()
  gitops.close()
  rmSync(checkout, { recursive: true, force: true })
}, 120_000)

async function application(service: string, what: string, is: (found: ApplicationState) => boolean, seconds = 180): Promise<ApplicationState> {
  const end = Date.now() + seconds * 1000
  for (let last: unknown = "nothing yet"; ; await new Promise((done) => setTimeout(done, 500))) {
    const status = (await fetch(`http://127.0.0.1:${bridge!.port}/-/status`).then((answer) => answer.json()).catch(() => undefined)) as PlatformStatus | undefined
    const found = status?.applications.find((one) => one.service === service)
    if (found !== undefined && is(found)) return found
    last = found ?? status?.doing ?? last
    if (Date.now() > end) throw new Error(`${service} ${what}: not within ${seconds} s; last seen: ${JSON.stringify(last)}`)
  }
}

/** The backend's own release under another name, with another image: all else is as the pipeline renders it. */
function byHand(name: string, image: (reference: string) => string): Record<string, string> {
  return Object.fromEntries(["release.yaml", "manifests/deployment.yaml", "manifests/service.yaml", "manifests/serviceaccount.yaml"].map((file) => {
    const text = gitops.show(`env/dev/backend/${file}`)
    const named = text.replace(/^( +image: )(\S+)$/m, (_, before: string, reference: string) => `${before}${image(reference)}`).replace(/: backend$/gm, `: ${name}`)
    return [`env/dev/${name}/${file}`, named]
  }))
}

test("what the pipeline released runs", async () => {
  await application("backend", "Synced and Healthy", ({ sync, health }) => sync === "Synced" && health === "Healthy", 900)
})

test("an image pushed to another registry, and one named by tag: refused, and the Application says why", async () => {
  gitops.scene.push(gitops.bare, {
    ...byHand("elsewhere", (reference) => reference.replace(/^[^/]+/, "elsewhere.example/team")),
    ...byHand("by-tag", (reference) => reference.replace(/@.*$/, ":latest")),
  }, "Deployed by hand")
  const elsewhere = await application("elsewhere", "refused", ({ message }) => message?.includes("golden-path-workloads") === true)
  expect(elsewhere.message).toMatch(/deployments\.apps "elsewhere" is forbidden: ValidatingAdmissionPolicy 'golden-path-workloads' .*denied request: images come from an allowed registry/)
  expect(elsewhere).toMatchObject({ sync: "OutOfSync", health: "Missing" })
  const byTag = await application("by-tag", "refused", ({ message }) => message?.includes("golden-path-workloads") === true)
  expect(byTag.message).toContain("images are named by digest: write <registry>/<name>@sha256:<64 hex digits>, since a tag can move")
  expect(byTag).toMatchObject({ sync: "OutOfSync", health: "Missing" })
  console.log(`  ${elsewhere.message}\n  ${byTag.message}`)
})

test("a release that was changed by hand: refused, and what ran goes on", async () => {
  const path = "env/dev/backend/manifests/deployment.yaml"
  gitops.scene.push(gitops.bare, { [path]: gitops.show(path).replace(/^( +image: \S+)@sha256:\S+$/m, "$1:latest") }, "Changed by hand")
  const backend = await application("backend", "refused", ({ message }) => message?.includes("golden-path-workloads") === true)
  expect(backend.message).toContain("images are named by digest")
  expect(backend).toMatchObject({ sync: "OutOfSync", health: "Healthy" })
  const answer = await fetch(`http://127.0.0.1:${bridge!.port}/-/backend.dev/health`)
  expect(answer.status).toBe(200)
})
