import { chmodSync, copyFileSync, cpSync, mkdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { goBuild, goEnv } from "./go.ts"
import { PATH, type ImageRecipe } from "./image-recipe.ts"
import { EMBEDDED } from "./paths.ts"
import { run } from "./process.ts"

const MODULE = "github.com/argoproj/argo-cd/v3"
const DIR = join(EMBEDDED, "argocd")

/** Argo CD decides by the name it is called with which of its parts it is. */
const PARTS = [
  "server",
  "repo-server",
  "cmp-server",
  "application-controller",
  "dex",
  "notifications",
  "applicationset-controller",
  "k8s-auth",
  "commit-server",
].map((part) => `argocd-${part}`)

/** Argo CD laid out as in upstream's image, with the manifests of the same version in /opt/argocd. No Helm. */
export const argocd: ImageRecipe = {
  root: {
    packages: ["ca-certificates", "git", "gpg", "gpg-agent", "kustomize", "openssh-client", "tini", "tzdata"],
    variant: "essential",
    setup: [
      'chroot "$1" groupadd -g 999 argocd',
      'chroot "$1" useradd -r -u 999 -g argocd -d /home/argocd argocd',
      'install -d -o 999 -g 0 -m 775 "$1/home/argocd"',
      'install -d "$1/app/config/ssh" "$1/app/config/tls" "$1/app/config/gpg/source"',
      'install -d -o 999 -m 700 "$1/app/config/gpg/keys"',
      'touch "$1/app/config/ssh/ssh_known_hosts" && ln -s /app/config/ssh/ssh_known_hosts "$1/etc/ssh/ssh_known_hosts"',
    ],
  },
  config: { env: { PATH, USER: "argocd", HOME: "/home/argocd" }, user: "999", workdir: "/home/argocd", entrypoint: ["/usr/bin/tini", "--"] },
  inputs: [{ path: DIR }, { path: import.meta.filename }],
  layer: async (folder) => {
    const { version, dir } = await moduleInfo()
    const built = await goBuild("argocd", {
      module: "argocd",
      packages: ["tool"],
      ldflags: [`-X ${MODULE}/common.version=${version.replace(/^v/, "")}`],
    })
    const bin = join(folder, "usr/local/bin")
    mkdirSync(bin, { recursive: true })
    // The module's command is in a folder called `cmd`.
    copyFileSync(join(built, "cmd"), join(bin, "argocd"))
    for (const part of PARTS) symlinkSync("argocd", join(bin, part))
    for (const script of ["hack/gpg-wrapper.sh", "hack/git-verify-wrapper.sh", "entrypoint.sh"]) {
      const target = join(bin, script.split("/").pop() ?? script)
      copyFileSync(join(dir, script), target)
      chmodSync(target, 0o755)
    }
    symlinkSync("entrypoint.sh", join(bin, "uid_entrypoint.sh"))

    const manifests = join(folder, "opt/argocd")
    mkdirSync(manifests, { recursive: true })
    copyFileSync(join(dir, "manifests/core-install.yaml"), join(manifests, "core-install.yaml"))
    copyFileSync(join(dir, "VERSION"), join(manifests, "VERSION"))
    cpSync(join(dir, "manifests/crds"), join(manifests, "crds"), { recursive: true })
    // The module cache is read-only; its modes would stay.
    await run("chmod", ["-R", "u+w,a+rX", manifests], { what: "open the manifests for reading", limit: 30 })
  },
}

async function moduleInfo(): Promise<{ version: string; dir: string }> {
  const text = await run("go", ["mod", "download", "-json", MODULE], {
    what: "find the Argo CD module",
    limit: 300,
    cwd: DIR,
    env: goEnv(),
  })
  const found = JSON.parse(text) as { Version: string; Dir: string }
  return { version: found.Version, dir: found.Dir }
}
