import { type SpawnSyncReturns, spawnSync } from "node:child_process"
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Daemon, logTail, pidOf, startDaemon, stopDaemon } from "./daemon.ts"
import { keyOf } from "./build.ts"
import { UserError } from "./errors.ts"
import { goBuild } from "./go.ts"
import { removeDamaged } from "./inventory.ts"
import { closeNetwork, layOutPlugins, networkKey, networkName, networkRange, openNetwork, ownDnsmasq } from "./network.ts"
import { STATE, state } from "./paths.ts"
import { say, step } from "./progress.ts"
import { buildSdks } from "./sdk.ts"
import { untilUnused } from "./sessions.ts"
import { sharedAddress } from "./share.ts"
import { DAGGER_VERSION } from "./versions.ts"

export const ENGINE: Daemon = { name: "engine", match: "golden-path-engine" }
const HEALTH_SECONDS = 60
const PATIENT_SECONDS = 60

/** The engine's socket. */
export const socket = (): string => join(STATE, "run", "engine.sock")

/** The folder of the pinned `dagger` command and the engine's other programs, built once. */
export async function engineBinaries(): Promise<string> {
  const version = ["Version", "Tag"].map((name) => `-X github.com/dagger/dagger/engine.${name}=${DAGGER_VERSION}`)
  return await goBuild("engine", { module: "engine", packages: ["tool"], ldflags: version })
}

/** True when the engine answers a query within some seconds. */
export function answers(dagger: string, seconds = 10): boolean {
  return query(dagger, "{version}", seconds).status === 0
}

/** Asks the running engine; for what may take longer than an answer that shows that it lives. */
export function askEngine<T>(text: string): T {
  const seconds = 600
  const result = query(join(STATE, "bin", "dagger"), text, seconds)
  if (result.status === 0) return JSON.parse(result.stdout) as T
  throw new UserError(`ask the engine: no answer within ${seconds} s or an error: ${result.stderr.trim().split("\n").at(-1) ?? ""}; npm run engine -- doctor tells more`)
}

function query(dagger: string, text: string, seconds: number): SpawnSyncReturns<string> {
  return spawnSync(dagger, ["query", "--silent"], {
    input: text,
    encoding: "utf8",
    // Not in a checkout: dagger would load its module first.
    cwd: "/",
    timeout: seconds * 1000,
    env: { ...process.env, _EXPERIMENTAL_DAGGER_RUNNER_HOST: `unix://${socket()}`, DAGGER_NO_NAG: "1", DO_NOT_TRACK: "1" },
  })
}

/**
 * Starts the engine if it does not run; mends a killed one, a hung one, a stale socket, builds and a
 * state that were damaged. Returns the `dagger` command.
 */
export async function ensureEngine(registryPort: number): Promise<string> {
  try {
    return await start(registryPort)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    // Looked for only now: reading all that was built takes seconds.
    const mended = [...removeDamaged(), ...setDamagedStateAside()]
    if (mended.length === 0) throw error
    say(`${error.message}\n${mended.join("; ")}: it is tried once more`)
    return await start(registryPort)
  }
}

async function start(registryPort: number): Promise<string> {
  const bin = await engineBinaries()
  const dagger = join(bin, "dagger")
  const sdks = await buildSdks(bin)
  const settings = settingsFor(registryPort)
  const shared = sharedAddress()
  const key = keyOf(bin, sdks.go, sdks.typescript, settings, LIMITS, LAUNCH, JSON.stringify(MEMORY), networkKey(), ...(shared === undefined ? [] : [shared]))
  const runningKey = state("run", "engine.key")
  if (pidOf(ENGINE) !== undefined) {
    const same = existsSync(runningKey) && readFileSync(runningKey, "utf8") === key
    // Under load it may take its time, and starting it again ends the calls of others.
    if (same && (answers(dagger) || answers(dagger, PATIENT_SECONDS))) {
      openNetwork()
      return dagger
    }
    if (!same) await untilUnused(enginePid)
    say(same ? "the engine runs but does not answer: it is started again" : "the engine was built anew: it is started again")
    await stopEngine()
  }
  await step("start the engine", async () => {
    layOut(bin, sdks.content, settings)
    rmSync(socket(), { force: true })
    endLeftovers()
    openNetwork()
    launch(sdks.go, sdks.typescript)
    await healthy(dagger)
    // It mends its own databases by leaving out what was in them, and says so in its log alone.
    if (/resetting all local cache state/.test(logTail(ENGINE.name, 200))) {
      say("the engine's cache was damaged, so it began an empty one; its registry and kept reports were in there")
    }
    writeFileSync(runningKey, key)
  })
  return dagger
}

/** Ends the engine; true if one ran. Waits for it to let go of its state. */
export async function stopEngine(): Promise<boolean> {
  const ran = await stopDaemon(ENGINE, 60)
  // Another call may have started one anew meanwhile.
  if (enginePid() === undefined) closeNetwork()
  rmSync(socket(), { force: true })
  return ran
}

/** The process id of the running engine. */
export const enginePid = (): number | undefined => pidOf(ENGINE)

function settingsFor(registryPort: number): string {
  return `# Written by ci/engine/engine.ts at each start.
insecure-entitlements = ["security.insecure"]

[worker.oci]
  enabled = true

# Images that the embedded engine brings itself.
[registry."embedded.golden-path.internal"]
  mirrors = ["127.0.0.1:${registryPort}"]
[registry."127.0.0.1:${registryPort}"]
  http = true
`
}

/**
 * The engine's second file of settings, which alone knows `sweepSize`: a cache that is full loses a quarter of 24 - 4 GB at once.
 * Else it loses a little after every call, and each time a call that begins may ask for what just goes.
 */
const LIMITS = JSON.stringify({ gc: { reservedSpace: "4GB", maxUsedSpace: "24GB", minFreeSpace: "5GB", sweepSize: "25%" } })

/** Fills the folder that the engine sees as /run/golden-path (see ci/embedded/engine/distconsts). */
function layOut(bin: string, content: string, settings: string): void {
  layOutPlugins(join(bin, "dnsname"))
  ownDnsmasq()
  const certificates = state("ca-certificates", "x", "..")
  mkdirSync(certificates, { recursive: true })
  const host = "/usr/local/share/ca-certificates"
  for (const name of existsSync(host) ? readdirSync(host) : []) {
    if (name.endsWith(".crt")) copyFileSync(join(host, name), join(certificates, name))
  }
  for (const [link, target] of [["bin", bin], ["content", content]] as const) {
    rmSync(join(STATE, link), { force: true, recursive: true })
    symlinkSync(target, join(STATE, link))
  }
  for (const dir of ["engine", "run"]) mkdirSync(join(STATE, dir), { recursive: true })
  writeFileSync(join(STATE, "engine.toml"), settings)
  writeFileSync(state("etc", "engine.json"), LIMITS)
}

/**
 * The engine bind-mounts over /etc/resolv.conf, so it lives in a mount namespace
 * of its own, where /run/golden-path is the state folder.
 */
const LAUNCH = `
set -e
mount --make-rprivate /
mkdir -p /run/golden-path
[ -e /etc/dnsmasq-resolv.conf ] || touch /etc/dnsmasq-resolv.conf
mount --bind "$1" /run/golden-path
mkdir -p /etc/dagger
mount --bind "$1/etc" /etc/dagger
exec -a golden-path-engine /run/golden-path/bin/engine --config /run/golden-path/engine.toml --root /run/golden-path/engine \\
  --addr unix:///run/golden-path/run/engine.sock --oci-cni-binary-dir /run/golden-path/cni/bin \\
  --network-name "$2" --network-cidr "$3" \${4:+--addr "$4"}
`

/** A third of its processor time went into collecting garbage; memory for time, up to a limit. */
const MEMORY = { GOGC: "300", GOMEMLIMIT: "2GiB" }

function launch(goDigest: string, typescriptDigest: string): void {
  startDaemon(ENGINE, "unshare", ["-m", "--propagation", "private", "bash", "-c", LAUNCH, "golden-path-engine", STATE, networkName(), networkRange(), sharedAddress() ?? ""], {
    DAGGER_GO_SDK_MANIFEST_DIGEST: goDigest,
    DAGGER_TYPESCRIPT_SDK_MANIFEST_DIGEST: typescriptDigest,
    DO_NOT_TRACK: "1",
    ...MEMORY,
    PATH: `/run/golden-path/cni/path:${process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"}`,
  })
}

/** Folder that a damaged state is moved to; `npm run engine -- prune` removes it. */
export const damagedState = (): string => join(STATE, "engine.damaged")

/** What databases say of themselves when their bytes are not what they wrote, or do not fit one another after a crash. */
const DAMAGED_STATE = /invalid database|database disk image is malformed|file is not a database|checksum error|version mismatch|page .* freed|unexpected fault address|invalid page type|failed to open (bolt|database|metadata)|bolt.*invalid|failed to create base worker: .*failed precondition/i

/** Moves the engine's state aside if its last start failed on it: the next one begins with an empty cache. */
function setDamagedStateAside(): string[] {
  if (!DAMAGED_STATE.test(logTail(ENGINE.name, 200))) return []
  rmSync(damagedState(), { recursive: true, force: true })
  renameSync(join(STATE, "engine"), damagedState())
  return [`the engine's cache is damaged, so it was moved to ${damagedState()} (its registry and kept reports are in there)`]
}

/** A killed engine leaves its containers running, where they hold cache volumes and the processor. */
function endLeftovers(): void {
  const executor = join(STATE, "engine/worker/executor")
  const ids = new Set(existsSync(executor) ? readdirSync(executor) : [])
  let ended = 0
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const id = /\/buildkit\/([a-z0-9]+)/.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1]
      if (id === undefined || !ids.has(id)) continue
      process.kill(Number(pid), "SIGKILL")
      ended++
    } catch {
      // It ended by itself meanwhile.
    }
  }
  if (ended > 0) say(`ended ${ended} processes that a killed engine had left`)
}

async function healthy(dagger: string): Promise<void> {
  const end = Date.now() + HEALTH_SECONDS * 1000
  for (;;) {
    if (existsSync(socket()) && answers(dagger)) return
    if (pidOf(ENGINE) === undefined) throw new UserError(`start the engine: it ended at once; its log ends with:\n${logTail("engine")}`)
    if (Date.now() > end) throw new UserError(`start the engine: no answer after ${HEALTH_SECONDS} s; its log ends with:\n${logTail("engine")}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
