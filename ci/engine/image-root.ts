import { join } from "node:path"
import { buildOnce, keyOf } from "./build.ts"
import { debianMirror, securityMirror } from "./debian.ts"
import { run } from "./process.ts"

export interface RootRecipe {
  /** Debian trixie packages, with what they depend on. */
  packages: string[]
  /** `minbase` has apt; `essential` has no package manager front end, for images that nothing is installed into. */
  variant: "minbase" | "essential"
  /** Shell commands run with the root's path in $1, before it is packed. */
  setup?: string[]
}

const SUITE = "trixie"

/** What an image must not say: which mirror this machine used. Every user sets their own, or gets Debian's. */
const PUBLIC_SOURCES = ["debian trixie main", "debian trixie-updates main", "debian-security trixie-security main"].map(
  (line) => `deb http://deb.debian.org/${line}`,
)

/** Left out of every root: no program reads them. Copyright files stay. */
const LEFT_OUT = [
  "path-exclude=/usr/share/man/*",
  "path-exclude=/usr/share/info/*",
  "path-exclude=/usr/share/locale/*",
  "path-exclude=/usr/share/doc/*",
  "path-include=/usr/share/doc/*/copyright",
]

/** The key of a root: what it is made of and how, not when. */
export function rootKey(recipe: RootRecipe): string {
  return keyOf(JSON.stringify(recipe), { path: import.meta.filename })
}

/** Makes a Debian root for an image once; returns its tar. */
export async function imageRoot(name: string, recipe: RootRecipe): Promise<string> {
  const dir = await buildOnce(`root-${name}`, rootKey(recipe), async (out) => {
    const sources = [
      `deb ${debianMirror()} ${SUITE} main`,
      `deb ${debianMirror()} ${SUITE}-updates main`,
      `deb ${securityMirror()} ${SUITE}-security main`,
    ]
    const setup = [
      // Docker's Debian images do the same: services of packages do not start in an image.
      `printf '#!/bin/sh\\nexit 101\\n' > "$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d"`,
      ...(recipe.setup ?? []),
      // Copied from this machine by mmdebstrap, and of no use in an image.
      'rm -f "$1/etc/resolv.conf" "$1/etc/hostname"',
      `printf '%s\\n' ${PUBLIC_SOURCES.map((line) => `'${line}'`).join(" ")} > "$1/etc/apt/sources.list"`,
    ]
    const args = [
      "--mode=root",
      `--variant=${recipe.variant}`,
      ...LEFT_OUT.map((option) => `--dpkgopt=${option}`),
      ...(recipe.packages.length > 0 ? [`--include=${recipe.packages.join(",")}`] : []),
      ...setup.map((command) => `--customize-hook=${command}`),
      SUITE,
      join(out, "root.tar"),
      ...sources,
    ]
    await run("mmdebstrap", args, {
      what: `make the Debian root of the image ${name}`,
      limit: 900,
      env: { SOURCE_DATE_EPOCH: "0" },
      hint: "It is made with mmdebstrap from the mirrors that /etc/apt names; a second try starts this root anew.",
    })
  })
  return join(dir, "root.tar")
}
