import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { goBuild } from "./go.ts"
import { PATH, type ImageRecipe } from "./image-recipe.ts"
import { CERTIFICATE_COMMAND, createImage, packLayer } from "./oci.ts"
import { EMBEDDED } from "./paths.ts"
import { run } from "./process.ts"

const FILES = join(EMBEDDED, "cluster/files")
const PAUSE = join(EMBEDDED, "cluster/pause.c")
const COMMANDS = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"]

/** A single-node Kubernetes with its datastore, runtime, network and DNS; `cluster start` runs it. */
export const cluster: ImageRecipe = {
  root: {
    packages: [
      "ca-certificates",
      "conntrack",
      "containerd",
      "containernetworking-plugins",
      "iproute2",
      "ipset",
      "iptables",
      "mount",
      "openssl",
      "procps",
      "runc",
    ],
    variant: "essential",
  },
  removed: [CERTIFICATE_COMMAND],
  config: { env: { PATH } },
  inputs: [
    { path: FILES },
    { path: PAUSE },
    ...["kubernetes", "coredns", "network-policy"].map((module) => ({ path: join(EMBEDDED, module) })),
    { path: import.meta.filename },
  ],
  layer: async (folder) => {
    cpSync(FILES, folder, { recursive: true })
    const bin = join(folder, "usr/local/bin")
    for (const dir of await binaries()) cpSync(dir, bin, { recursive: true })
    await pauseImage(join(folder, "usr/local/share/cluster"))
  },
}

/** Folders of binaries; one after the other, because each build uses all cores. */
async function binaries(): Promise<string[]> {
  const version = kubernetesVersion()
  const kubernetes = await goBuild("kubernetes", {
    module: "kubernetes",
    packages: COMMANDS.map((command) => `k8s.io/kubernetes/cmd/${command}`),
    // Without these, the parts call themselves v0.0.0 and refuse each other's version skew.
    ldflags: ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].map((name) => `-X ${name}.gitVersion=${version}`),
  })
  const kine = await goBuild("kine", {
    module: "kubernetes",
    packages: ["github.com/k3s-io/kine"],
    cgo: true,
    tags: ["netgo", "osusergo", "sqlite_omit_load_extension"],
  })
  const coredns = await goBuild("coredns", { module: "coredns", packages: ["tool"] })
  // After Kubernetes: what they share is compiled by then.
  return [kubernetes, kine, coredns, await goBuild("network-policy", { module: "network-policy", packages: ["."] })]
}

function kubernetesVersion(): string {
  const version = /k8s\.io\/kubernetes (v\S+)/.exec(readFileSync(join(EMBEDDED, "kubernetes/go.mod"), "utf8"))?.[1]
  if (!version) throw new Error("ci/embedded/kubernetes/go.mod names no version of k8s.io/kubernetes")
  return version
}

/** The image of every pod's first container, as an archive that the cluster imports when it starts. */
async function pauseImage(folder: string): Promise<void> {
  const work = join(folder, "pause")
  mkdirSync(join(work, "root"), { recursive: true })
  await run("gcc", ["-Os", "-static", "-s", "-Wall", "-Werror", "-o", join(work, "root/pause"), PAUSE], { what: "compile pause", limit: 120 })
  chmodSync(join(work, "root/pause"), 0o755)
  await packLayer(join(work, "root"), join(work, "layer.tar"))
  const layout = join(work, "layout")
  await createImage(layout, [join(work, "layer.tar")], { entrypoint: ["/pause"], user: "65535:65535" })
  await run("tar", ["-C", layout, "--sort=name", "-cf", join(folder, "pause.tar"), "oci-layout", "index.json", "blobs"], { what: "pack the pause image", limit: 60 })
  rmSync(work, { recursive: true })
}
