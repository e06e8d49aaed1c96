import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { contained } from "./faults.ts"
import { Scene, git as plainGit } from "./git/fixtures.ts"
import { daggerw, errorOf, scratchCheckout } from "./harness.ts"
import { addHello, commit, platform, status, within } from "./kept-platform.ts"

/** A service's secret, from a person's sops through Git to the process that reads it; and another key for it. */
const FILE = "service/hello/secrets/dev.yaml"
const LIMIT = 2_700_000

const work = mkdtempSync(join(tmpdir(), "golden-path-e2e-secrets-"))
let scene: Scene
let bare = ""
let checkout = ""
let flag = ""

/** sops or age-keygen, with one key at hand. */
function tool(name: "sops" | "age-keygen", args: string[], key = ""): { code: number | null; stdout: string } {
  const { status: code, stdout } = spawnSync(join(work, "tools", name), args, { cwd: checkout, encoding: "utf8", env: { ...process.env, SOPS_AGE_KEY_FILE: key } })
  return { code, stdout }
}

/** Makes a key; returns its file and whom to encrypt for. */
function key(name: string): { file: string; recipient: string } {
  const file = join(work, name)
  expect(tool("age-keygen", ["-o", file]).code).toBe(0)
  return { file, recipient: /age1\w+/.exec(readFileSync(file, "utf8"))![0] }
}

async function release(): Promise<void> {
  const done = await daggerw(checkout, ["call", flag, "ci", "--promote", "--service", "hello"], 1800)
  expect(done.code, done.output.slice(-3000)).toBe(0)
  expect(done.output).not.toMatch(/the first value|the second value/)
}

/** What the process has in its environment. */
function seen(): string {
  const cluster = contained().find(({ line }) => /^network-policy \S+ node /.test(line))?.pid ?? 0
  const kubectl = ["kubectl", "-n", "dev", "exec", "deployment/hello", "--", "node", "-p", "process.env.GREETING"]
  return spawnSync("nsenter", ["-t", String(cluster), "-m", "-n", "env", "KUBECONFIG=/run/cluster/admin.kubeconfig", ...kubectl], { encoding: "utf8", timeout: 60_000 }).stdout.trim()
}

beforeAll(async () => {
  platform("down")
  scene = new Scene()
  bare = scene.bare()
  flag = `--gitops-service=tcp://127.0.0.1:${await scene.daemon()}`
  checkout = scratchCheckout("secrets")
  addHello(checkout)
  const tools = await daggerw(checkout, ["call", "sops", "export", "--path", join(work, "tools")], 2400)
  expect(tools.code, tools.output.slice(-3000)).toBe(0)
}, LIMIT)
afterAll(() => {
  platform("down")
  scene.close()
  for (const folder of [work, checkout]) rmSync(folder, { recursive: true, force: true })
})

test("one that is not encrypted is refused before anything is built, and not repeated", async () => {
  commit(checkout, "A plain secret", { [FILE]: "GREETING: the first value\n" })
  const outcome = await daggerw(checkout, ["call", flag, "ci", "--service", "hello"], 600)
  expect(outcome.code).not.toBe(0)
  expect(errorOf(outcome)).toContain(`${FILE}: GREETING: not an encrypted text; encrypt the file before you commit it`)
  expect(outcome.output).not.toContain("the first value")
}, LIMIT)

test("a secret reaches the process, and no one else; another key and another value take its place", async () => {
  const old = key("old.txt")
  writeFileSync(join(checkout, FILE), "GREETING: the first value\n")
  expect(tool("sops", ["encrypt", "--age", old.recipient, "-i", FILE]).code).toBe(0)
  const sealed = commitSealed("A secret")
  await release()
  expect(plainGit(["-C", bare, "show", "main:env/dev/hello/manifests/secret.sops.yaml"])).toBe(sealed)
  const up = platform("up", flag, `--age-key=file:${old.file}`)
  expect(up.code, up.output).toBe(0)
  await within(180, "the process to have its secret", () => Promise.resolve(seen() === "the first value" ? true : undefined))

  // The new key beside the old one, the file for the new one alone, a new value.
  const fresh = key("new.txt")
  expect(tool("sops", ["set", FILE, '["GREETING"]', '"the second value"'], old.file).code).toBe(0)
  expect(tool("sops", ["rotate", "-i", "--add-age", fresh.recipient, "--rm-age", old.recipient, FILE], old.file).code).toBe(0)
  expect(tool("sops", ["decrypt", FILE], old.file).code).not.toBe(0)
  expect(tool("sops", ["decrypt", FILE], fresh.file)).toEqual({ code: 0, stdout: "GREETING: the second value\n" })
  commitSealed("Another key and another value")
  await release()
  const { url } = status()
  await within(120, "Argo CD to say that no key fits", async () => {
    const { applications } = (await (await fetch(`${url}/-/status`)).json()) as { applications: { service: string; message?: string }[] }
    return applications.some(({ service, message }) => service === "hello" && /sops|decrypt/i.test(message ?? "")) ? true : undefined
  })
  expect(seen()).toBe("the first value")
  platform("down")
  const again = platform("up", flag, `--age-key=file:${fresh.file}`)
  expect(again.code, again.output).toBe(0)
  await within(180, "the process to have the new secret", () => Promise.resolve(seen() === "the second value" ? true : undefined))
}, LIMIT * 2)

function commitSealed(message: string): string {
  const sealed = readFileSync(join(checkout, FILE), "utf8")
  expect(sealed).not.toContain("value")
  commit(checkout, message, { [FILE]: sealed })
  return sealed
}
