import { spawnSync } from "node:child_process"
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { type Outcome, daggerw, git, scratchCheckout } from "./harness.ts"
import { OnPlatform, byHand } from "./on-platform.ts"
import { OwnGitOps } from "./own-gitops.ts"

/**
 * A GitOps repository that demands signatures, and somebody who may push to it and to the registry: what was not signed
 * with the demanded key is refused by the cluster itself, though it lies in the allowed registry and is named by digest.
 */

const PASSWORD = "a password of this test"
let checkout = ""
let folder = ""
const gitops = new OwnGitOps()
const platform = new OnPlatform()
const withKey = (name: string): string[] => [`--signing-key=file:${join(folder, `${name}.key`)}`, "--signing-password=env:GOLDEN_PATH_E2E_PASSWORD"]
/** The digest of an image that was pushed past the pipeline's gates. */
const pushed = { unsigned: "", theirs: "" }
let released: Outcome

beforeAll(async () => {
  process.env["GOLDEN_PATH_E2E_PASSWORD"] = PASSWORD
  checkout = scratchCheckout("refused-unsigned")
  folder = mkdtempSync(join(tmpdir(), "golden-path-keys-"))
  await gitops.serve()
  await run(["cosign", "export", "--path", join(folder, "cosign")])
  for (const name of ["ours", "theirs"]) {
    const made = spawnSync(join(folder, "cosign"), ["generate-key-pair", "--output-key-prefix", join(folder, name)], { encoding: "utf8", env: { ...process.env, COSIGN_PASSWORD: PASSWORD } })
    expect(made.status, made.stderr).toBe(0)
  }
  gitops.scene.push(gitops.bare, { "policy/cosign.pub": readFileSync(join(folder, "ours.pub"), "utf8") }, "Demand signatures")
  // States of the source that no registry has: one that was signed before would not be unsigned.
  change("Signed by nobody")
  pushed.unsigned = digestIn((await run(["publish", "--service", "backend"])).stdout)
  change("Signed with another key")
  pushed.theirs = digestIn((await run([...withKey("theirs"), "sign", "--service", "backend"])).stdout)
  change("Signed with the demanded key")
  released = await run([...withKey("ours"), "ci", "--service", "backend", "--promote"])
  await platform.start(checkout, gitops.flag)
}, 4_000_000)
afterAll(async () => {
  await platform.end()
  gitops.close()
  for (const place of [checkout, folder]) rmSync(place, { recursive: true, force: true })
}, 120_000)

async function run(words: string[]): Promise<Outcome> {
  const outcome = await daggerw(checkout, ["call", gitops.flag, ...words], 2400)
  expect(outcome.code, outcome.output.slice(-3000)).toBe(0)
  return outcome
}

/** Another state of the backend, as a commit. */
function change(words: string): void {
  appendFileSync(join(checkout, "service/backend/README.md"), `\n${words} ${Date.now()}.\n`)
  git(checkout, "commit", "--quiet", "--all", "--message", words)
}

function digestIn(text: string): string {
  const digest = /sha256:[0-9a-f]{64}/.exec(text)?.[0] ?? ""
  expect(digest, text).not.toBe("")
  return digest
}

const imageOf = (digest: string) => (reference: string) => reference.replace(/@.*$/, `@${digest}`)
const refused = ({ message }: { message?: string }): boolean => message?.includes("policy.sigstore.dev") === true

test("the proof's cluster asks for signatures too, of what the run signed before", () => {
  expect(released.output).toContain("signatures: what runs is signed; refuses an image that carries no signature")
  console.log(released.output.split("\n").filter((line) => /\| +[\d.]+ s {2}(signatures|Argo CD available|Synced and Healthy)/.test(line)).map((line) => `  ${line}`).join("\n"))
})

test("what was signed with the demanded key is admitted and runs", async () => {
  const backend = await platform.application("backend", "Synced and Healthy", ({ sync, health }) => sync === "Synced" && health === "Healthy", 900)
  const steps = (await platform.status())?.steps.map(({ name, seconds }) => `${name} ${seconds} s`)
  console.log(`  ${JSON.stringify(backend)}\n  ${steps?.join(", ")}`)
})

test("an image that nobody signed: refused, and the Application names it and says why", async () => {
  gitops.scene.push(gitops.bare, byHand(gitops, "unsigned", imageOf(pushed.unsigned)), "Deployed by hand")
  const unsigned = await platform.application("unsigned", "refused", refused)
  console.log(`  ${unsigned.message}`)
  expect(unsigned).toMatchObject({ sync: "OutOfSync", health: "Missing" })
  expect(unsigned.message).toContain(`/backend@${pushed.unsigned}`)
  expect(unsigned.message).toMatch(/no signatures found/)
})

test("an image that was signed with another key: refused", async () => {
  gitops.scene.push(gitops.bare, byHand(gitops, "theirs", imageOf(pushed.theirs)), "Deployed by hand")
  const theirs = await platform.application("theirs", "refused", refused)
  console.log(`  ${theirs.message}`)
  expect(theirs).toMatchObject({ sync: "OutOfSync", health: "Missing" })
  expect(theirs.message).toContain(`/backend@${pushed.theirs}`)
  expect(theirs.message).toMatch(/no matching signatures/)
})

test("the same release by hand with the signed image is admitted", async () => {
  gitops.scene.push(gitops.bare, byHand(gitops, "signed", (reference) => reference), "Deployed by hand")
  await platform.application("signed", "Synced and Healthy", ({ sync, health }) => sync === "Synced" && health === "Healthy")
})

test("another key in Git is the one that is demanded from then on", async () => {
  const key = readFileSync(join(folder, "theirs.pub"), "utf8")
  gitops.scene.push(gitops.bare, { "policy/cosign.pub": key, ...byHand(gitops, "late", imageOf(pushed.theirs)) }, "Demand another key")
  await platform.application("late", "Synced and Healthy", ({ sync, health }) => sync === "Synced" && health === "Healthy")
  gitops.scene.push(gitops.bare, byHand(gitops, "former", (reference) => reference), "Deployed by hand")
  const former = await platform.application("former", "refused", refused)
  expect(former.message).toMatch(/no matching signatures/)
})

test("a running release that is changed to an unsigned image: refused, and what ran goes on", async () => {
  const path = "env/dev/backend/manifests/deployment.yaml"
  gitops.scene.push(gitops.bare, { [path]: gitops.show(path).replace(/^( +image: \S+)@sha256:\S+$/m, `$1@${pushed.unsigned}`) }, "Changed by hand")
  const backend = await platform.application("backend", "refused", refused)
  expect(backend).toMatchObject({ sync: "OutOfSync", health: "Healthy" })
  expect((await platform.ask("backend.dev/health")).status).toBe(200)
})
