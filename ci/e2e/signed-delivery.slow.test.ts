import { spawnSync } from "node:child_process"
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { type Outcome, daggerw, errorOf, git, scratchCheckout } from "./harness.ts"
import { OwnGitOps } from "./own-gitops.ts"

/** A GitOps repository that demands signatures, from the first release to a rollback: nothing unsigned gets in, by any way. */

const PASSWORD = "a password of this test"
let checkout = ""
let folder = ""
const gitops = new OwnGitOps()
const withKey = (name: string): string[] => [`--signing-key=file:${join(folder, `${name}.key`)}`, "--signing-password=env:GOLDEN_PATH_E2E_PASSWORD"]
const call = async (...words: string[]): Promise<Outcome> => await daggerw(checkout, ["call", gitops.flag, ...words], 1800)
const digestIn = (env: string): string => /^digest: (\S+)$/m.exec(gitops.show(`env/${env}/backend/release.yaml`))?.[1] ?? ""
const gateIn = (env: string): string => /signature[\s\S]{0,400}/.exec(gitops.show(`env/${env}/backend/record.yaml`))?.[0] ?? ""

beforeAll(async () => {
  process.env["GOLDEN_PATH_E2E_PASSWORD"] = PASSWORD
  checkout = scratchCheckout("signed-delivery")
  folder = mkdtempSync(join(tmpdir(), "golden-path-signed-"))
  await gitops.serve()
  // A state of the source that no registry has: one that was signed before would not be unsigned.
  change("A state of its own")
  const exported = await daggerw(checkout, ["call", "cosign", "export", "--path", join(folder, "cosign")], 2400)
  expect(exported.code, exported.output.slice(-2000)).toBe(0)
  for (const name of ["ours", "theirs"]) {
    const made = spawnSync(join(folder, "cosign"), ["generate-key-pair", "--output-key-prefix", join(folder, name)], { encoding: "utf8", env: { ...process.env, COSIGN_PASSWORD: PASSWORD } })
    expect(made.status, made.stderr).toBe(0)
  }
}, 2_500_000)
afterAll(() => {
  gitops.close()
  for (const place of [checkout, folder]) rmSync(place, { recursive: true, force: true })
})

/** Another state of the backend, as a commit. */
function change(words: string): void {
  appendFileSync(join(checkout, "service/backend/README.md"), `\n${words} ${Date.now()}.\n`)
  git(checkout, "commit", "--quiet", "--all", "--message", words)
}

function passed(outcome: Outcome): Outcome {
  expect(outcome.code, outcome.output.slice(-3000)).toBe(0)
  return outcome
}

test("without a demand, an unsigned release passes and says so", async () => {
  const { stdout } = passed(await call("ci", "--service", "backend", "--promote"))
  expect(stdout).toContain("Not signed: no --signing-key was given.")
  expect(stdout).toMatch(/Not verified: no --verify-key was given, and the GitOps repository demands no signature/)
  passed(await call("promote", "--to", "stage"))
  expect(digestIn("stage")).toBe(digestIn("dev"))
})

test("with the demand in Git, an unsigned release is refused and nothing is committed", async () => {
  gitops.scene.push(gitops.bare, { "policy/cosign.pub": readFileSync(join(folder, "ours.pub"), "utf8") }, "Demand signatures")
  change("A first change")
  const before = gitops.tip()
  const refused = await call("ci", "--service", "backend", "--promote")
  expect(errorOf(refused)).toMatch(/# Failed: verify[\s\S]*it carries no signature/)
  expect(refused.code).toBe(20)
  const foreign = await call(...withKey("theirs"), "ci", "--service", "backend", "--promote")
  expect(errorOf(foreign)).toMatch(/its signature was made with another key/)
  expect(foreign.code).toBe(21)
  expect(gitops.tip()).toBe(before)
})

test("signed with that key it is released, and moved on by exactly its digest", async () => {
  change("A second change")
  const { stdout } = passed(await call(...withKey("ours"), "ci", "--service", "backend", "--promote"))
  expect(stdout).toMatch(/\| verify +\| passed .*1 digest verified with the key that the GitOps repository demands \(policy\/cosign\.pub\)/)
  expect(gitops.message()).toMatch(/^Verdict: sign=passed$/m)
  expect(gitops.message()).toMatch(/^Verdict: verify=passed$/m)
  // Whatever key is given on the command line, the repository's counts.
  passed(await call(`--verify-key=${join(folder, "theirs.pub")}`, "promote", "--to", "stage"))
  expect(digestIn("stage")).toBe(digestIn("dev"))
  expect(gateIn("stage")).toContain(`${digestIn("dev")} verified with the key that the GitOps repository demands`)
})

test("a rollback to what was never signed is refused, until it is signed", async () => {
  const before = gitops.tip()
  const refused = await call("rollback", "--env", "stage", "--reason", "a test")
  expect(errorOf(refused)).toMatch(/it carries no signature/)
  expect(refused.code).toBe(20)
  expect(gitops.tip()).toBe(before)
  const tip = git(checkout, "rev-parse", "HEAD")
  git(checkout, "checkout", "--quiet", "HEAD~2")
  passed(await call(...withKey("ours"), "sign", "--service", "backend"))
  git(checkout, "checkout", "--quiet", tip)
  passed(await call("rollback", "--env", "stage", "--reason", "a test"))
  expect(digestIn("stage")).not.toBe(digestIn("dev"))
  expect(gateIn("stage")).toContain(`${digestIn("stage")} verified with the key that the GitOps repository demands`)
})

test("built again with nothing reused, it is the same digest", async () => {
  const { stdout } = passed(await call("verify", "--service", "backend", "--rebuild"))
  expect(stdout).toContain(`holds: built again with nothing reused, backend is ${digestIn("dev")}`)
})

test("a build that is not the same each time is refused", async () => {
  // The recipe of this checkout puts chance into the image.
  appendFileSync(join(checkout, ".dagger/recipes/python-app.sh"), 'head -c 16 /dev/urandom > "$root/app/chance"\n')
  const refused = await call("verify", "--service", "backend", "--rebuild")
  expect(errorOf(refused)).toMatch(/verifying backend: built again from [0-9a-f]{40}\S* it is sha256:[0-9a-f]{64}, where sha256:[0-9a-f]{64} was built before; something that is not pinned went in/)
  expect(refused.code).toBe(28)
})
