import { spawn, spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { PROJECT, daggerw, git, gitopsTip, scratchCheckout } from "./harness.ts"
import { platform, status, within } from "./kept-platform.ts"

/** The local platform on a real cluster: releases appear by themselves, nothing outlives it. */

const STATE = process.env["GOLDEN_PATH_STATE"] ?? "/var/lib/golden-path"

/** Command lines of everything that runs on this machine, containers included. */
function processes(): string {
  return spawnSync("ps", ["-eo", "args"], { encoding: "utf8" }).stdout
}

beforeAll(() => {
  platform("down")
})
afterAll(() => {
  platform("down")
})

test("it starts, shows what is released, and starting it again changes nothing", async () => {
  const promoted = await daggerw(PROJECT, ["call", "ci", "--promote"], 3000)
  expect(promoted.code, promoted.output.slice(-3000)).toBe(0)
  const first = platform("up")
  expect(first.code, first.output).toBe(0)
  const now = status()
  expect(now).toMatchObject({ running: true, state: "ready" })
  expect(now.gitops.tip).toBe(gitopsTip())
  expect(now.own).toMatchObject({ sync: "Synced", health: "Healthy", revision: gitopsTip() })
  expect(now.applications.filter(({ env }) => env === "dev").map(({ sync, health }) => `${sync} ${health}`)).toEqual(["Synced Healthy", "Synced Healthy"])

  const again = platform("up")
  expect(again.code, again.output).toBe(0)
  expect(status().pid).toBe(now.pid)
})

test("it listens on loopback only", () => {
  const { port } = new URL(status().url)
  const listening = spawnSync("ss", ["-Hltn", `sport = :${port}`], { encoding: "utf8" }).stdout
  expect(listening).toContain(`127.0.0.1:${port}`)
  expect(listening).not.toContain(`0.0.0.0:${port}`)
})

test("the page shows the live status through the backend's own account", async () => {
  const { url } = status()
  const page = await within(60, "the page to know sync and health", async () => {
    const text = await (await fetch(url)).text()
    return text.includes("all synced and healthy") ? text : undefined
  })
  expect(page).toContain("<h1>What runs where</h1>")
  const live = (await (await fetch(`${url}/-/backend.dev/api/v1/status`)).json()) as { live: { status: string }; source: { revision: string } }
  expect(live.live.status).toBe("ok")
  expect(live.source.revision).toBe(gitopsTip())
})

test("a release that ci promotes appears by itself within seconds", async () => {
  const checkout = scratchCheckout("platform")
  const before = status().applications
  const file = join(checkout, "service/frontend/README.md")
  spawnSync("sh", ["-c", `echo "One line more: ${Date.now()}." >> "$0"`, file])
  git(checkout, "commit", "--quiet", "--all", "--message", "One line more")
  const promoted = await daggerw(checkout, ["call", "ci", "--promote", "--service", "frontend"], 1800)
  expect(promoted.code, promoted.output.slice(-3000)).toBe(0)
  const tip = gitopsTip()
  const begun = Date.now()
  await within(30, "Argo CD to have the new release", async () => {
    const app = status().applications.find(({ env, service }) => env === "dev" && service === "frontend")
    return app?.revision === tip && app.sync === "Synced" && app.health === "Healthy" ? app : undefined
  })
  console.log(`  Synced and Healthy ${((Date.now() - begun) / 1000).toFixed(1)} s after ci had ended`)
  expect(before.find(({ service }) => service === "frontend")?.version).not.toBe(status().applications.find(({ service }) => service === "frontend")?.version)
})

test("a killed client is told, and up brings everything back", async () => {
  process.kill(Number(readFileSync(join(STATE, "run/platform-client.pid"), "utf8")), "SIGKILL")
  await within(60, "status to say that it ended", async () => (status().running ? undefined : true))
  const { code, output } = platform("up")
  expect(code, output).toBe(0)
  expect(status().applications.every(({ health }) => health === "Healthy")).toBe(true)
})

test("down leaves nothing behind", async () => {
  const { url } = status()
  expect(platform("down").output).toContain("nothing of it is left")
  await within(30, "the cluster to end", async () => (/dagger [^\n]*call [^\n]*local-platform|programs\/platform\.ts|kube-apiserver/.test(processes()) ? undefined : true))
  await expect(fetch(url)).rejects.toThrow()
  expect(platform("status").code).toBe(1)
})

test("serve runs the images together behind one entry", async () => {
  const child = spawn(join(PROJECT, "daggerw"), ["--progress=plain", "call", "serve", "up", "--ports", "18085:8080"], { cwd: PROJECT, detached: true, stdio: "ignore" })
  try {
    const page = await within(600, "the page to be served", async () => {
      const answer = await fetch("http://127.0.0.1:18085/")
      return answer.ok ? await answer.text() : undefined
    })
    expect(page).toContain("<h1>What runs where</h1>")
    const asked = await fetch("http://127.0.0.1:18085/-/backend/version")
    expect(await asked.json()).toMatchObject({ name: "backend" })
    const seen = (await (await fetch("http://127.0.0.1:18085/api/status")).json()) as { source: { revision: string } | null }
    expect(seen.source?.revision).toBe(gitopsTip())
  } finally {
    process.kill(-child.pid!, "SIGINT")
  }
})
