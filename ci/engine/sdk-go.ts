import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { buildOnce, keyOf } from "./build.ts"
import { UserError } from "./errors.ts"
import { type Image, createImage, imageIn, packLayer } from "./oci.ts"
import { EMBEDDED } from "./paths.ts"
import { run } from "./process.ts"

const PATH = "/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/** The Go SDK's content: Debian, Go, codegen, and the modules and build cache of what generated code imports. */
export async function buildGoSdk(root: string, codegen: string): Promise<Image> {
  const goroot = goRoot()
  const version = readFileSync(join(goroot, "VERSION"), "utf8")
  const seed = join(EMBEDDED, "go-sdk")
  const dir = await buildOnce("sdk-go", keyOf(root, codegen, version, { path: seed }), async (out) => {
    const layer = join(out, "layer")
    for (const folder of ["usr/local/bin", "go/pkg/mod", "root/.cache/go-build", "seed"]) mkdirSync(join(layer, folder), { recursive: true })
    const unneeded = new RegExp(`^${goroot}/(test|doc|api|misc)(/|$)`)
    cpSync(goroot, join(layer, "usr/local/go"), { recursive: true, dereference: true, filter: (path) => !unneeded.test(path) })
    copyFileSync(codegen, join(layer, "usr/local/bin/codegen"))
    cpSync(seed, join(layer, "seed"), { recursive: true })
    await run("go", ["mod", "download"], {
      what: "download the Go SDK's modules",
      limit: 600,
      cwd: seed,
      env: { GOMODCACHE: join(layer, "go/pkg/mod"), GOFLAGS: "-mod=readonly", GOTOOLCHAIN: "local" },
    })
    await compileSeed(root, layer, join(out, "chroot"))
    rmSync(join(layer, "seed"), { recursive: true })
    const tar = join(out, "layer.tar")
    await packLayer(layer, tar)
    await createImage(join(out, "layout"), [root, tar], {
      // Some of the modules that Dagger needs are unknown to the checksum database.
      env: { PATH, GOPATH: "/go", GOTOOLCHAIN: "local", GOFLAGS: "-mod=mod", GONOSUMDB: "*" },
      workdir: "/go",
    })
    for (const name of ["layer", "layer.tar", "chroot"]) rmSync(join(out, name), { recursive: true, force: true })
  })
  return imageIn(join(dir, "layout"))
}

/** Compiles the seed where the paths are those of the content, since they are part of the build cache's keys. */
async function compileSeed(root: string, layer: string, chroot: string): Promise<void> {
  mkdirSync(chroot)
  await run("tar", ["-C", chroot, "-xf", root], { what: "unpack a Debian root", limit: 300 })
  const script = `
set -e
for dir in usr/local/go go root/.cache/go-build seed; do mkdir -p "$1/$dir"; mount --bind "$2/$dir" "$1/$dir"; done
mkdir -p "$1/dev" "$1/proc"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
exec chroot "$1" /usr/bin/env -i HOME=/root PATH=${PATH} GOPATH=/go GOTOOLCHAIN=local GOFLAGS=-mod=mod GOPROXY=off GOSUMDB=off \\
  sh -c 'cd /seed && go list -export -deps . >/dev/null && go build -o /dev/null -ldflags "-s -w" .'
`
  await run("unshare", ["-m", "--propagation", "private", "sh", "-c", script, "seed", chroot, layer], {
    what: "compile what Go modules import",
    limit: 1800,
  })
}

function goRoot(): string {
  const candidates = [process.env["GOROOT"], "/usr/local/go", "/usr/lib/go", "/usr/lib/go-1.26"]
  const found = candidates.find((path) => path && existsSync(join(path, "VERSION")))
  if (!found) throw new UserError("find Go: no GOROOT with a VERSION file; install Go 1.25 or newer, or set GOROOT")
  return found
}
