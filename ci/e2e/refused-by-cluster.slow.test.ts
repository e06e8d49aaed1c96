import { rmSync } from "node:fs"
import { afterAll, beforeAll, expect, test } from "vitest"
import { daggerw, scratchCheckout } from "./harness.ts"
import { OnPlatform, byHand } from "./on-platform.ts"
import { OwnGitOps } from "./own-gitops.ts"

/** What somebody commits to the GitOps repository by hand, past every gate of the pipeline, meets the cluster's own. */

let checkout = ""
const platform = new OnPlatform()
const gitops = new OwnGitOps()

beforeAll(async () => {
  checkout = scratchCheckout("by-hand")
  await gitops.serve()
  const released = await daggerw(checkout, ["call", gitops.flag, "ci", "--service", "backend", "--promote"], 1800)
  expect(released.code, released.output.slice(-3000)).toBe(0)
  await platform.start(checkout, gitops.flag)
}, 2_000_000)
afterAll(async () => {
  await platform.end()
  gitops.close()
  rmSync(checkout, { recursive: true, force: true })
}, 120_000)

test("what the pipeline released runs", async () => {
  await platform.application("backend", "Synced and Healthy", ({ sync, health }) => sync === "Synced" && health === "Healthy", 900)
})

test("an image pushed to another registry, and one named by tag: refused, and the Application says why", async () => {
  gitops.scene.push(gitops.bare, {
    ...byHand(gitops, "elsewhere", (reference) => reference.replace(/^[^/]+/, "elsewhere.example/team")),
    ...byHand(gitops, "by-tag", (reference) => reference.replace(/@.*$/, ":latest")),
  }, "Deployed by hand")
  const elsewhere = await platform.application("elsewhere", "refused", ({ message }) => message?.includes("golden-path-workloads") === true)
  expect(elsewhere.message).toMatch(/deployments\.apps "elsewhere" is forbidden: ValidatingAdmissionPolicy 'golden-path-workloads' .*denied request: images come from an allowed registry/)
  expect(elsewhere).toMatchObject({ sync: "OutOfSync", health: "Missing" })
  const byTag = await platform.application("by-tag", "refused", ({ message }) => message?.includes("golden-path-workloads") === true)
  expect(byTag.message).toContain("images are named by digest: write <registry>/<name>@sha256:<64 hex digits>, since a tag can move")
  expect(byTag).toMatchObject({ sync: "OutOfSync", health: "Missing" })
  console.log(`  ${elsewhere.message}\n  ${byTag.message}`)
})

test("a release that was changed by hand: refused, and what ran goes on", async () => {
  const path = "env/dev/backend/manifests/deployment.yaml"
  gitops.scene.push(gitops.bare, { [path]: gitops.show(path).replace(/^( +image: \S+)@sha256:\S+$/m, "$1:latest") }, "Changed by hand")
  const backend = await platform.application("backend", "refused", ({ message }) => message?.includes("golden-path-workloads") === true)
  expect(backend.message).toContain("images are named by digest")
  expect(backend).toMatchObject({ sync: "OutOfSync", health: "Healthy" })
  const answer = await platform.ask("backend.dev/health")
  expect(answer.status).toBe(200)
})
