import { join } from "node:path"
import { buildOnce, keyOf } from "./build.ts"
import { EMBEDDED, state } from "./paths.ts"
import { run } from "./process.ts"

export interface GoBuild {
  /** Folder below ci/embedded with go.mod and a complete go.sum. */
  module: string
  /** Package paths to build; `tool` builds all that go.mod names as tools. */
  packages: string[]
  /** Linker flags besides -s -w. */
  ldflags?: string[]
  /** Static cgo build, for the few packages that wrap C. */
  cgo?: boolean
  tags?: string[]
}

/** Caches of the Go tool below the state folder: a stopped build goes on where it was. */
export function goEnv(): Record<string, string> {
  return {
    GOMODCACHE: state("cache", "go", "mod"),
    GOCACHE: state("cache", "go", "build"),
    // go.sum is complete and committed: nothing is looked up, everything is verified against it.
    GOFLAGS: "-mod=readonly",
    GOTOOLCHAIN: "local",
  }
}

/** Builds Go commands from the module proxy, verified by the committed go.sum; returns the folder of binaries. */
export async function goBuild(name: string, build: GoBuild): Promise<string> {
  const dir = join(EMBEDDED, build.module)
  const ldflags = ["-s", "-w", ...(build.ldflags ?? []), ...(build.cgo ? ["-linkmode external", "-extldflags -static"] : [])]
  const args = ["build", "-trimpath", ...(build.tags ? ["-tags", build.tags.join(",")] : []), "-ldflags", ldflags.join(" ")]
  const key = keyOf({ path: dir }, JSON.stringify(build))
  return await buildOnce(name, key, async (out) => {
    await run("go", [...args, "-o", `${out}/`, ...build.packages], {
      what: `compile ${name}`,
      limit: 3600,
      cwd: dir,
      env: { ...goEnv(), CGO_ENABLED: build.cgo ? "1" : "0" },
      hint: "A second try goes on where this one stopped. Behind a mirror, set GOPROXY.",
    })
  })
}
