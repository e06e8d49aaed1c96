import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, readdirSync, statfsSync } from "node:fs"
import { totalmem } from "node:os"
import { join } from "node:path"
import { debianMirror, missingPackages } from "./debian.ts"
import { answers, enginePid } from "./engine.ts"
import { gitServer, gitServerAnswers } from "./git-server.ts"
import { freeGigabytes, goProblem, neededGigabytes, writable } from "./host.ts"
import { imageServerAnswers } from "./image-server.ts"
import { damageOf, finishedBuilds } from "./inventory.ts"
import { STATE } from "./paths.ts"
import { mirrorSettings, reach, secondsOff } from "./reach.ts"

export interface Finding {
  /** What was looked at. */
  check: string
  /** `note`: it works, or will by itself, but a person should know. */
  result: "ok" | "note" | "missing"
  found: string
  /** What to do when it is not ok. */
  remedy: string
}

const NODE_AT_LEAST = [20, 19] as const
const MEMORY_GB = 4
/** Signatures of Debian's indexes and certificates of mirrors are valid from a time on. */
const CLOCK_SECONDS = 300

type Check = () => Finding | Promise<Finding>

const of = (check: string, remedy: string, problem: string | undefined, fine: string, otherwise: Finding["result"] = "missing"): Finding =>
  ({ check, result: problem === undefined ? "ok" : otherwise, found: problem ?? fine, remedy })

/** What is missing on this machine for the embedded engine, each with what to do. */
export async function examine(deep: boolean): Promise<Finding[]> {
  const found: Finding[] = []
  for (const check of [...MACHINE, ...(await network()), ...running(), () => builds(deep)]) found.push(await check())
  return found
}

const MACHINE: Check[] = [
  () => of("system", "use Linux on x86-64, or install Docker or Podman", process.platform === "linux" && process.arch === "x64" ? undefined : `${process.platform} ${process.arch}`, "Linux x64"),
  () => of("user", "run as root, or install Docker or Podman", process.getuid?.() === 0 ? undefined : "not root", "root"),
  () => {
    const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
    const enough = major > NODE_AT_LEAST[0] || (major === NODE_AT_LEAST[0] && minor >= NODE_AT_LEAST[1])
    return of("Node.js", `install Node.js ${NODE_AT_LEAST.join(".")} or newer`, enough ? undefined : `${process.versions.node} is too old`, process.versions.node)
  },
  () => of("Go", "install Go 1.25 or newer (Debian: golang from backports)", goProblem(), (spawnSync("go", ["env", "GOVERSION"], { encoding: "utf8" }).stdout ?? "").trim()),
  () => of("apt", "use Debian or a system made from it: the engine's parts are Debian packages", spawnSync("apt-get", ["--version"]).error ? "apt-get is missing" : undefined, "there"),
  () => {
    const missing = missingPackages()
    return of("packages", `apt-get install ${missing.join(" ") || "what is missing"} (daggerw does it by itself)`, missing.length > 0 ? `not installed yet: ${missing.join(", ")}` : undefined, "all installed", "note")
  },
  () => {
    const usable = !existsSync(STATE) || writable(STATE)
    return of("state folder", "make it writable, or set GOLDEN_PATH_STATE to another folder", usable ? undefined : `${STATE} cannot be written`, STATE)
  },
  () => {
    const [free, needed] = [freeGigabytes(), neededGigabytes()]
    return of("disk", "free some space (npm run engine -- prune), or set GOLDEN_PATH_STATE to a larger place", free < needed ? `${free.toFixed(1)} GB free below ${STATE}, ${needed} GB needed` : undefined, `${free.toFixed(1)} GB free, ${needed} GB needed`)
  },
  () => {
    const { files, ffree } = statfsSync(existsSync(STATE) ? STATE : "/")
    return of("inodes", "remove some files below the state folder's file system, or use another", files > 0 && ffree < 100_000 ? `${ffree} free` : undefined, files > 0 ? `${ffree} free` : "unlimited")
  },
  () => {
    const gigabytes = totalmem() / 1e9
    return of("memory", `integrate runs a Kubernetes: give the machine ${MEMORY_GB} GB`, gigabytes < MEMORY_GB ? `${gigabytes.toFixed(1)} GB` : undefined, `${gigabytes.toFixed(1)} GB`, "note")
  },
  () => of("cgroups", "mount them, as systemd does (in a container: run it with --privileged and --cgroupns=host)", cgroupProblem(), existsSync("/sys/fs/cgroup/cgroup.controllers") ? "version 2" : "version 1"),
  () => of("overlayfs", "load the kernel's module: modprobe overlay", /\boverlay\b/.test(readFileSync("/proc/filesystems", "utf8")) ? undefined : "the kernel has none", "there"),
  () => of("mount namespaces", "run as root outside an unprivileged container", spawnSync("unshare", ["-m", "true"]).status === 0 ? undefined : "unshare -m is refused", "can be made"),
  () => of("iptables", "load the kernel's tables (modprobe ip_tables iptable_nat), or allow this container NET_ADMIN", spawnSync("iptables", ["-w", "5", "-t", "nat", "-L", "-n"]).status === 0 ? undefined : "iptables -t nat is refused or missing", "works"),
]

async function network(): Promise<Check[]> {
  const { NPM_CONFIG_REGISTRY, PIP_INDEX_URL, GOPROXY } = await mirrorSettings()
  const go = GOPROXY.split(/[,|]/)[0] ?? ""
  const mirrors: [string, string, string][] = [
    ["Debian mirror", `${debianMirror().replace(/\/$/, "")}/dists/trixie/InRelease`, "check the network, and the mirror in /etc/apt"],
    ["npm registry", `${NPM_CONFIG_REGISTRY.replace(/\/$/, "")}/yaml`, "check the network, and npm config get registry"],
    ["Python index", `${(PIP_INDEX_URL || "https://pypi.org/simple").replace(/\/$/, "")}/pip/`, "check the network, and index-url in pip.conf"],
    ["Go module proxy", /^https?:/.test(go) ? `${go.replace(/\/$/, "")}/golang.org/x/sync/@v/list` : "", "check the network, and go env GOPROXY"],
  ]
  const checks = mirrors.map(([check, url, remedy]): Check => async () => {
    if (url === "") return of(check, remedy, "none is set; modules come from their own hosts", "", "note")
    const answer = await reach(url)
    return of(check, remedy, answer.problem, `answers in ${answer.milliseconds} ms`)
  })
  const clock: Check = async () => {
    const off = await secondsOff(mirrors[0]![1])
    const words = off === undefined ? "no mirror's clock to compare with" : `${Math.abs(off)} s ${off < 0 ? "behind" : "ahead of"} the Debian mirror's`
    return of("clock", "set the clock (timedatectl set-ntp true)", off !== undefined && Math.abs(off) <= CLOCK_SECONDS ? undefined : words, words, off === undefined ? "note" : "missing")
  }
  return [...checks, clock]
}

function running(): Check[] {
  const again = "npm run engine -- stop, then start"
  return [
    () => {
      if (enginePid() === undefined) return of("engine", "the next ./daggerw starts it; or npm run engine -- start", "not running", "", "note")
      return of("engine", `${again}; its log is ${STATE}/log/engine.log`, answers(join(STATE, "bin", "dagger")) ? undefined : "it runs but does not answer within 10 s", `answers, process ${enginePid()}`)
    },
    async () => enginePid() === undefined
      ? of("image server", again, "not running; it starts with the engine", "", "note")
      : of("image server", `${again}; its log is ${STATE}/log/images.log`, (await imageServerAnswers()) ? undefined : "it does not answer", "answers"),
    async () => (await gitServer()) === undefined
      ? of("Git server", "the next ./daggerw call starts it", "not running; it starts with the first call", "", "note")
      : of("Git server", `${again}; its log is ${STATE}/log/git.log`, (await gitServerAnswers()) ? undefined : "it does not answer", "answers"),
  ]
}

function builds(deep: boolean): Finding {
  const all = finishedBuilds()
  const damaged = all.flatMap((path) => {
    const damage = damageOf(path, deep ? "contents" : "sizes")
    return damage === undefined ? [] : [`${path.split("/").pop()} (${damage})`]
  })
  const partial = existsSync(join(STATE, "build")) ? readdirSync(join(STATE, "build")).filter((name) => name.endsWith(".partial")).length : 0
  const fine = all.length === 0 ? "nothing built yet; the first build takes 10 to 20 minutes" : `${all.length} whole${partial > 0 ? `, ${partial} cut off (prune removes them)` : ""}`
  return of("builds", "the next ./daggerw builds them again; or npm run engine -- start", damaged.length > 0 ? `damaged: ${damaged.join(", ")}` : undefined, fine)
}

function cgroupProblem(): string | undefined {
  const root = "/sys/fs/cgroup"
  const place = existsSync(join(root, "cgroup.controllers")) ? root : join(root, "memory")
  if (!existsSync(place)) return "no cgroups are mounted at /sys/fs/cgroup"
  return writable(place) ? undefined : `${place} cannot be written`
}

/** The findings as lines for a person: what is not right has its remedy below it. */
export function renderFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.flatMap(({ check, result, found, remedy }) => [
    `${result.padEnd(7)}  ${check.padEnd(width)}  ${found}`,
    ...(result === "ok" ? [] : [`${"".padEnd(7)}  ${"".padEnd(width)}  -> ${remedy}`]),
  ])
  const missing = findings.filter(({ result }) => result === "missing").length
  return [...lines, "", missing === 0 ? "The embedded engine can work here." : `${missing} thing${missing === 1 ? " is" : "s are"} in the way of the embedded engine.`].join("\n")
}
