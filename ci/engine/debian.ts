import { existsSync, readFileSync, readdirSync } from "node:fs"
import { run } from "./process.ts"

/** What the host must have to build and run the embedded engine, as Debian packages. */
const HOST_PACKAGES = {
  runc: "/usr/sbin/runc",
  "containernetworking-plugins": "/usr/lib/cni/bridge",
  "dnsmasq-base": "/usr/sbin/dnsmasq",
  iptables: "/usr/sbin/iptables",
  mmdebstrap: "/usr/bin/mmdebstrap",
  umoci: "/usr/bin/umoci",
  git: "/usr/bin/git",
  gcc: "/usr/bin/gcc",
  "libc6-dev": "/usr/include/stdio.h",
  "util-linux": "/usr/bin/unshare",
  "ca-certificates": "/etc/ssl/certs/ca-certificates.crt",
} as const

/** A file of each, by which its presence is told. */
export const HOST_FILES: readonly string[] = Object.values(HOST_PACKAGES)

/** Host packages that are not there yet. */
export function missingPackages(): string[] {
  return Object.entries(HOST_PACKAGES).filter(([, file]) => !existsSync(file)).map(([name]) => name)
}

/** Installs what is missing with apt; does nothing when all is there. */
export async function installPackages(): Promise<void> {
  const missing = missingPackages()
  if (missing.length === 0) return
  const env = { DEBIAN_FRONTEND: "noninteractive" }
  await run("apt-get", ["update", "-q"], { what: "update Debian's package lists", limit: 300, env })
  await run("apt-get", ["install", "-q", "-y", "--no-install-recommends", ...missing], {
    what: `install ${missing.join(", ")}`,
    limit: 900,
    env,
  })
}

/** The Debian mirror that this machine's apt uses: what a build behind a mirror must use as well. */
export function debianMirror(): string {
  return aptUris().find((uri) => /\/debian\/?$/.test(uri)) ?? "http://deb.debian.org/debian"
}

/** The same for security updates. */
export function securityMirror(): string {
  return aptUris().find((uri) => /debian-security\/?$/.test(uri)) ?? "http://deb.debian.org/debian-security"
}

function aptUris(): string[] {
  const folder = "/etc/apt/sources.list.d"
  const files = ["/etc/apt/sources.list", ...(existsSync(folder) ? readdirSync(folder).map((name) => `${folder}/${name}`) : [])]
  return files
    .filter((file) => existsSync(file) && /\.(list|sources)$/.test(file))
    .flatMap((file) => readFileSync(file, "utf8").split("\n"))
    .filter((line) => /^(deb\s|URIs:)/.test(line))
    .flatMap((line) => line.split(/\s+/).filter((word) => /^https?:/.test(word)))
}

/** A minimal Debian trixie root with the given packages, as a tar. */
export async function debianRoot(tar: string, packages: string[]): Promise<void> {
  const sources = [
    `deb ${debianMirror()} trixie main`,
    `deb ${debianMirror()} trixie-updates main`,
    `deb ${securityMirror()} trixie-security main`,
  ]
  await run("mmdebstrap", ["--mode=root", "--variant=minbase", `--include=${packages.join(",")}`, "trixie", tar, ...sources], {
    what: "make a Debian root",
    limit: 900,
    env: { SOURCE_DATE_EPOCH: "0" },
    hint: "It is made with mmdebstrap from the mirrors that /etc/apt names.",
  })
}
