import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { PROJECT, daggerw, git, scratchCheckout } from "./harness.ts"

/**
 * A second engine as on another machine: in a network namespace of its own, reached over TCP through one address.
 * It shares nothing with the first but what was built: neither its socket, nor its network, nor its cache.
 */
const NAMESPACE = "golden-path-e2e"
const [HERE, THERE] = ["10.219.77.1", "10.219.77.2"]
const ADDRESS = `tcp://${THERE}:7777`
const MASQUERADE = ["POSTROUTING", "-s", `${THERE}/32`, "-j", "MASQUERADE"]
const usual = process.env["GOLDEN_PATH_STATE"] ?? "/var/lib/golden-path"

let state = ""
let checkout = ""
let gitops = ""
let settings = ""

function run(command: string, ...args: string[]): string {
  const result = spawnSync(command, args, { cwd: PROJECT, encoding: "utf8", env: { ...process.env, GOLDEN_PATH_STATE: state, _EXPERIMENTAL_DAGGER_RUNNER_HOST: undefined } })
  if (result.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${result.stderr || result.stdout || String(result.error)}`)
  return result.stdout
}

// Another machine has a /sys of its own network; without it Dagger's engine ends at the first exec, whose traffic it cannot read.
const OWN_SYS = 'sys=$(mktemp -d); mount -t sysfs sysfs "$sys"; mount --rbind /sys/fs/cgroup "$sys/fs/cgroup"; mount --move "$sys" /sys; exec "$@"'
const there = (...words: string[]): string => run("nsenter", `--net=/run/netns/${NAMESPACE}`, "unshare", "--mount", "sh", "-ec", OWN_SYS, "there", ...words)
const engine = (...words: string[]): string => there(join(PROJECT, "node_modules/.bin/tsx"), "ci/engine/main.ts", ...words)

function makeNetwork(): void {
  run("ip", "netns", "add", NAMESPACE)
  run("ip", "link", "add", "gpe2e0", "type", "veth", "peer", "name", "gpe2e1", "netns", NAMESPACE)
  run("ip", "address", "add", `${HERE}/30`, "dev", "gpe2e0")
  run("ip", "link", "set", "gpe2e0", "up")
  for (const words of [["address", "add", `${THERE}/30`, "dev", "gpe2e1"], ["link", "set", "gpe2e1", "up"], ["link", "set", "lo", "up"], ["route", "add", "default", "via", HERE]]) {
    there("ip", ...words)
  }
  writeFileSync("/proc/sys/net/ipv4/ip_forward", "1")
  // It fetches packages from where this machine does.
  run("iptables", "-t", "nat", "-A", ...MASQUERADE)
  for (const direction of ["-i", "-o"]) run("iptables", "-I", "FORWARD", direction, "gpe2e0", "-j", "ACCEPT")
}

function removeNetwork(): void {
  for (const direction of ["-i", "-o"]) spawnSync("iptables", ["-D", "FORWARD", direction, "gpe2e0", "-j", "ACCEPT"])
  spawnSync("iptables", ["-t", "nat", "-D", ...MASQUERADE])
  spawnSync("ip", ["link", "delete", "gpe2e0"])
  spawnSync("ip", ["netns", "delete", NAMESPACE])
}

beforeAll(() => {
  removeNetwork()
  state = mkdtempSync(join(tmpdir(), "golden-path-e2e-remote-"))
  // What was built is as good elsewhere; the cache is not taken along.
  // Links where both are on one disk: gigabytes that nothing changes.
  if (spawnSync("cp", ["-al", join(usual, "build"), state]).status !== 0) run("cp", "-a", join(usual, "build"), state)
  mkdirSync(join(state, "cache"))
  if (existsSync(join(usual, "cache/go"))) symlinkSync(join(usual, "cache/go"), join(state, "cache/go"))
  makeNetwork()
  settings = engine("share", ADDRESS)
  checkout = scratchCheckout("remote")
  gitops = mkdtempSync(join(tmpdir(), "golden-path-e2e-remote-gitops-"))
}, 1_200_000)

afterAll(() => {
  if (state !== "") engine("stop")
  removeNetwork()
  for (const folder of [state, checkout, gitops]) if (folder !== "") rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}, 300_000)

function client(): void {
  process.env["_EXPERIMENTAL_DAGGER_RUNNER_HOST"] = ADDRESS
  process.env["PATH"] = `${join(state, "bin")}:${process.env["PATH"]}`
}

test("what a client sets is printed, and only a client that reaches the address finds the engine", () => {
  expect(settings).toContain(`export _EXPERIMENTAL_DAGGER_RUNNER_HOST=${ADDRESS}`)
  expect(settings).toMatch(/^IMAGES='\["debian=embedded\.golden-path\.internal\/debian-[0-9a-f]{12}@sha256:[0-9a-f]{64}",/m)
})

test("the same call proves and releases on the remote engine, with the images that it serves itself", async () => {
  client()
  // The client's own: which repository, and where its network has packages.
  run("git", "init", "--quiet", "--bare", "--initial-branch=main", join(gitops, "gitops.git"))
  const port = 19418
  const server = spawnSync("git", ["daemon", "--detach", `--pid-file=${gitops}/pid`, "--listen=127.0.0.1", `--port=${port}`, "--reuseaddr", `--base-path=${gitops}`, "--export-all", "--enable=receive-pack", gitops])
  expect(server.status).toBe(0)
  try {
    const mirrors = join(usual, "run/mirrors.env")
    const lines = [settings.trim(), `gitopsService=tcp://127.0.0.1:${port}`, ...(existsSync(mirrors) ? [`mirrors=file:${mirrors}`] : [])]
    writeFileSync(join(checkout, ".env"), `${lines.join("\n")}\n`)
    const outcome = await daggerw(checkout, ["call", "ci", "--service", "backend", "--promote"], 2400)
    expect(outcome.code, outcome.output.slice(-3000)).toBe(0)
    expect(outcome.output).toContain(`daggerw: engine: ${ADDRESS}, named by the environment`)
    expect(outcome.stdout).toMatch(/^# backend passed and is released to dev/m)
    expect(git(join(gitops, "gitops.git"), "log", "-1", "--format=%B", "main")).toMatch(/^Verdict: integrate=passed$/m)
  } finally {
    process.kill(Number(readFileSync(join(gitops, "pid"), "utf8")))
  }
}, 2_700_000)

test("switched off, the port is closed", () => {
  engine("share", "off")
  const answer = spawnSync(join(state, "bin/dagger"), ["query", "--silent"], {
    input: "{version}",
    cwd: "/",
    timeout: 20_000,
    env: { ...process.env, _EXPERIMENTAL_DAGGER_RUNNER_HOST: ADDRESS },
  })
  expect(answer.status).not.toBe(0)
}, 120_000)
