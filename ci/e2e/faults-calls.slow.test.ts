import { spawn, spawnSync } from "node:child_process"
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { STATE, call, enginePid, leftovers, until, untilClean } from "./faults.ts"
import { type Outcome, PROJECT, begin, daggerw, git, gitopsTip, scratchCheckout } from "./harness.ts"

/** Faults of calls that run: who is killed, who else runs, what time it is. They break the engine under test on purpose. */
const WARM = 900
const TOLD_WITHIN = 30
const CLEAN_WITHIN = 60

let checkout = ""
beforeAll(async () => {
  checkout = scratchCheckout("faults")
  // What is measured is the fault, not a first download.
  const warm = await daggerw(checkout, ["call", "test", "--service", "backend"], WARM)
  expect(warm.code, warm.output.slice(-3000)).toBe(0)
}, WARM * 1000)
afterAll(() => rmSync(checkout, { recursive: true, force: true }))

/** Makes the backend's tests take long enough for something to happen to them. */
function slowTest(name: string): void {
  writeFileSync(join(checkout, "service/backend/tests/test_slow.py"), `import time\n\n\ndef test_${name}() -> None:\n    time.sleep(240)\n`)
}

/** The exec of the planted test, in the engine's containers. */
const stage = (): boolean => leftovers().processes.some((line) => line.includes("pytest"))

describe("who is killed", () => {
  test("the engine, during a stage: told with what to do, and the next call starts it anew", async () => {
    slowTest("engine")
    const running = call(checkout, ["call", "test", "--service", "backend"], WARM)
    await until("the stage to run", WARM, stage)
    const killed = Date.now()
    process.kill(enginePid()!, "SIGKILL")
    const outcome = await running.ended
    expect((Date.now() - killed) / 1000).toBeLessThan(TOLD_WITHIN)
    expect(outcome.code).not.toBe(0)
    expect(outcome.output).toMatch(/daggerw: the engine \(process \d+\) ended during this call; call again, it is then started anew; its log is \S+engine\.log/)

    rmSync(join(checkout, "service/backend/tests/test_slow.py"))
    const again = await daggerw(checkout, ["call", "test", "--service", "backend"], WARM)
    expect(again.code, again.output.slice(-3000)).toBe(0)
    expect(await untilClean(CLEAN_WITHIN)).toBeLessThan(CLEAN_WITHIN)
  })

  test.each([
    ["the client by SIGKILL", "SIGKILL"],
    ["the client by SIGTERM, as a CI does", "SIGTERM"],
  ] as const)("%s, during a stage: nothing is left behind", async (_, signal) => {
    slowTest(signal.toLowerCase())
    const before = leftovers()
    const running = call(checkout, ["call", "test", "--service", "backend"], WARM)
    await until("the stage to run", WARM, stage)
    // daggerw becomes dagger: there is no other process to kill.
    process.kill(running.pid, signal)
    const outcome = await running.ended
    expect(outcome.code).not.toBe(0)
    const seconds = await untilClean(CLEAN_WITHIN)
    console.log(`  clean after ${seconds.toFixed(1)} s`)
    await until("the engine's mounts to go", CLEAN_WITHIN, () => leftovers().mounts <= before.mounts)
    // The servers that a call found missing and started go on; they carry its environment.
    const servers = ["engine", "olareg", "git-daemon", "dnsmasq"]
    const own = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && fileOf(pid, "environ").includes(`GOLDEN_PATH_CWD=${checkout}\0`))
    expect(own.map((pid) => fileOf(pid, "comm").trim()).filter((name) => !servers.includes(name))).toEqual([])
    rmSync(join(checkout, "service/backend/tests/test_slow.py"))
  })

  test("the client while it waits for its turn to provision: the lock is free again", async () => {
    const holder = spawn("flock", [join(STATE, "lock"), "sleep", "300"], { stdio: "ignore", detached: true })
    const running = call(checkout, ["call", "plan"], WARM, { GOLDEN_PATH_NEW: String(Date.now()) })
    await until("it to wait", 60, () => /another daggerw is provisioning|engine: embedded/.test(running.output()))
    process.kill(-running.pid, "SIGKILL")
    await running.ended
    process.kill(-holder.pid!, "SIGKILL")
    expect(await untilClean(CLEAN_WITHIN)).toBeLessThan(CLEAN_WITHIN)
  })
})

describe("the network", () => {
  test("is gone half-way through an installation: told within a bound, and the next call goes on", async () => {
    const id = /--network-cidr (\S+)/.exec(readFileSync(`/proc/${enginePid()!}/cmdline`, "utf8").replaceAll("\0", " "))?.[1] ?? ""
    expect(id).toMatch(/^10\./)
    // Packets of this engine's containers vanish on their way out: worse than a refusal, which is told at once.
    const rule = ["FORWARD", "-s", id, "!", "-d", id, "-j", "DROP"]
    const iptables = (what: string[]): number | null => spawnSync("iptables", ["-w", "5", ...what]).status
    const lock = join(checkout, "service/backend/requirements-dev.txt")
    const before = readFileSync(lock, "utf8")
    writeFileSync(lock, `# Installed anew ${new Date().toISOString()}\n${before}`)
    const running = call(checkout, ["call", "test", "--service", "backend"], WARM)
    try {
      await until("the installation to run", WARM, () => leftovers().processes.some((line) => /pip install/.test(line)))
      expect(iptables(["-I", ...rule])).toBe(0)
      const outcome = await running.ended
      expect(outcome.code).not.toBe(0)
      expect(outcome.output).toMatch(/fetching packages: `\S+` ended with \d+, its words are above; run again, or check the package mirrors/)
      expect(outcome.seconds).toBeLessThan(600)
    } finally {
      iptables(["-D", ...rule])
    }
    const again = await daggerw(checkout, ["call", "test", "--service", "backend"], WARM)
    expect(again.code, again.output.slice(-3000)).toBe(0)
    writeFileSync(lock, before)
    expect(await untilClean(CLEAN_WITHIN)).toBeLessThan(CLEAN_WITHIN)
  })
})

function fileOf(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8")
  } catch {
    return ""
  }
}

describe("who else runs", () => {
  test("two checkouts at once: each gets its own answer", async () => {
    const other = scratchCheckout("faults-other")
    try {
      const file = join(other, "service/backend/service.yaml")
      writeFileSync(file, readFileSync(file, "utf8").replace(/^owner:.*$/m, "owner: team-other"))
      git(other, "commit", "-qam", "Another owner")
      const [one, two] = await Promise.all([call(checkout, ["call", "plan"], WARM).ended, call(other, ["call", "plan"], WARM).ended])
      expect(one.code, one.output.slice(-2000)).toBe(0)
      expect(two.code, two.output.slice(-2000)).toBe(0)
      const owner = (text: string): string => (JSON.parse(text) as { services: { name: string; owner: string }[] }).services.find(({ name }) => name === "backend")!.owner
      expect(owner(one.stdout)).not.toBe("team-other")
      expect(owner(two.stdout)).toBe("team-other")
    } finally {
      rmSync(other, { recursive: true, force: true })
    }
  })

  test("two ci at once: both pass, and one release is committed", async () => {
    const tip = gitopsTip()
    const runs = await Promise.all([1, 2].map(async () => await call(PROJECT, ["call", "ci", "--service", "backend", "--promote", "--fresh"], WARM).ended))
    for (const run of runs) expect(run.code, run.output.slice(-3000)).toBe(0)
    const commits = git(join(STATE, "git/gitops.git"), "log", "--format=%s", ...(tip === "" ? ["main"] : [`${tip}..main`])).split("\n").filter((line) => line !== "")
    expect(commits.length).toBeLessThanOrEqual(1)
    expect(runs.some(({ stdout }) => /nothing to commit|already runs this release/.test(stdout))).toBe(true)
    expect(await untilClean(CLEAN_WITHIN)).toBeLessThan(CLEAN_WITHIN)
  })
})

describe("what time it is", () => {
  // The client and what it starts, under Debian's faketime; the engine is a static program that no library can deceive.
  test.each(["+1h", "-1h"])("a clock off by %s on the caller's side changes nothing", async (offset) => {
    const plan = await faketime(offset, join(checkout, "daggerw"), ["--progress=plain", "call", "plan"])
    expect(plan.code, plan.output.slice(-2000)).toBe(0)
    expect(JSON.parse(plan.stdout)).toMatchObject({ kind: "Plan" })
  })

  test("and doctor says so", async () => {
    const outcome = await faketime("+1h", join(PROJECT, "node_modules/.bin/tsx"), ["ci/engine/main.ts", "doctor"])
    expect(outcome.code).toBe(1)
    expect(outcome.output).toMatch(/missing {2}clock +36\d\d s ahead of the Debian mirror's/)
    expect(outcome.output).toMatch(/-> set the clock/)
  })
})

async function faketime(offset: string, command: string, args: string[]): Promise<Outcome> {
  if (spawnSync("faketime", ["--version"]).error) spawnSync("apt-get", ["install", "-qy", "faketime"])
  return await begin("faketime", ["-f", offset, command, ...args], 300, { cwd: checkout }).ended
}
