import { spawnSync } from "node:child_process"
import { appendFileSync, copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { imageIn, packLayer } from "../engine/oci.ts"
import { imagesFolder } from "../engine/image-server.ts"
import { STATE, call, contained, ownState, until } from "./faults.ts"
import { type Outcome, daggerw, errorOf, git, gitopsTip, scratchCheckout } from "./harness.ts"

/** Faults of what is proven and of the cluster that proves it: each is told in one sentence, long before a wait would end by itself. */
const LIMIT = 1500

let checkout = ""
let tip = ""
const undo: (() => void)[] = []
beforeEach(() => {
  checkout = scratchCheckout("cluster")
  undo.push(() => rmSync(checkout, { recursive: true, force: true }))
  tip = gitopsTip()
})
afterEach(() => {
  for (const one of undo.splice(0).reverse()) one()
})

function edit(path: string, change: (text: string) => string): void {
  const file = join(checkout, path)
  const before = readFileSync(file, "utf8")
  const after = change(before)
  expect(after).not.toBe(before)
  writeFileSync(file, after)
  git(checkout, "commit", "-qam", `A fault in ${path}`)
}

function failed(outcome: Outcome, sentence: RegExp): void {
  expect(outcome.code).not.toBe(0)
  expect(errorOf(outcome)).toMatch(/Failed: integrate/)
  expect(errorOf(outcome)).toMatch(sentence)
  expect(gitopsTip()).toBe(tip)
  console.log(`  ${errorOf(outcome).split("\n").find((line) => sentence.test(line)) ?? ""}`)
}

describe("what is proven", () => {
  test("a health check that never passes", async () => {
    edit("service/backend/service.yaml", (text) => text.replace(/^ready:.*$/m, "ready: /readyz"))
    const outcome = await daggerw(checkout, ["call", "ci", "--service", "backend", "--promote", "--timeout", "60"], LIMIT)
    failed(outcome, /backend never became ready: pod backend-\S+ is Running, container backend is not ready; Readiness probe failed: HTTP probe failed with statuscode: 404/)
  })

  test("an image that crashes after a minute: found by --soak, with its last words", async () => {
    const file = "service/backend/src/backend/__init__.py"
    appendFileSync(join(checkout, file), [
      "",
      "import os as _os",
      "import threading as _threading",
      "",
      "",
      "def _crash() -> None:",
      '    print("planted: out of order", flush=True)',
      "    _os._exit(3)",
      "",
      "",
      'if _os.environ.get("KUBERNETES_SERVICE_HOST"):',
      "    _threading.Timer(60, _crash).start()",
      "",
    ].join("\n"))
    git(checkout, "commit", "-qam", "A process that ends after a minute")
    const outcome = await daggerw(checkout, ["call", "ci", "--service", "backend", "--promote", "--soak", "90"], LIMIT)
    failed(outcome, /backend: image \S+ does not stay up: its process ended with exit code 3 after 6\d s, \d+ s into the soak; its last lines: .*planted: out of order/)
  })

  test("a manifest that Argo CD cannot read", async () => {
    edit("k8s/base/service.yaml", (text) => text.replace("port: 80\n", "port: eighty\n"))
    const outcome = await daggerw(checkout, ["call", "ci", "--service", "backend", "--promote"], LIMIT)
    failed(outcome, /backend: a manifest does not parse: .*Service in version "v1" cannot be handled as a Service: .*cannot unmarshal string into Go struct field ServicePort\.spec\.ports\.port of type int32/)
  })
})

describe("what proves it", () => {
  test("an Argo CD that cannot reach Git", async () => {
    // Another question than any that was asked: the proof must run.
    const running = call(checkout, ["call", "ci", "--service", "backend", "--fresh"], LIMIT)
    undo.push(() => running.kill())
    // The proof begins when its Git server answers; Argo CD asks for it half a minute later.
    await until("the proof to run", LIMIT, () => contained().some(({ line }) => line.includes("programs/integrate.ts")))
    const server = contained().find(({ line }) => line.includes("git daemon --base-path=/srv"))
    expect(server, "the Git server of the proof").toBeDefined()
    const refuse = ["-n", "-t", String(server!.pid), "iptables", "-I", "INPUT", "-p", "tcp", "--dport", "9418", "-j", "REJECT", "--reject-with", "tcp-reset"]
    expect(spawnSync("nsenter", refuse, { encoding: "utf8" })).toMatchObject({ status: 0 })
    failed(await running.ended, /Argo CD cannot read the GitOps repository git:\/\/\S+: .*connection refused/)
  })

  test("a cluster whose node never gets Ready", async () => {
    const image = await brokenCluster()
    const outcome = await daggerw(checkout, ["call", `--images=cluster=${image}`, "ci", "--service", "backend", "--timeout", "60"], LIMIT)
    failed(outcome, /the cluster's node node is not Ready \(KubeletNotReady: .*cni plugin not initialized/)
  })
})

/** The cluster's image with a container runtime that looks for its network settings where none are. */
async function brokenCluster(): Promise<string> {
  const name = "cluster-without-network"
  const work = ownState("image")
  undo.push(() => rmSync(work, { recursive: true, force: true }))
  const given = /--images=cluster=embedded\.golden-path\.internal\/(\S+?)@/.exec(await flags())?.[1] ?? ""
  const layout = join(work, "layout")
  // Blobs keep their names for ever; the index is written anew.
  expect(spawnSync("cp", ["-aLl", join(imagesFolder(), given), layout]).status === 0 || spawnSync("cp", ["-aL", join(imagesFolder(), given), layout]).status === 0).toBe(true)
  copyFileSync(join(layout, "index.json"), join(work, "index.json"))
  renameSync(join(work, "index.json"), join(layout, "index.json"))
  mkdirSync(join(work, "root/etc/containerd"), { recursive: true })
  const config = readFileSync(join(import.meta.dirname, "../embedded/cluster/files/etc/containerd/config.toml"), "utf8")
  writeFileSync(join(work, "root/etc/containerd/config.toml"), config.replace('conf_dir = "/etc/cni/net.d"', 'conf_dir = "/etc/cni/none"'))
  await packLayer(join(work, "root"), join(work, "layer.tar"))
  expect(spawnSync("umoci", ["raw", "add-layer", "--image", `${layout}:latest`, join(work, "layer.tar")], { encoding: "utf8" })).toMatchObject({ status: 0 })
  const link = join(imagesFolder(), name)
  rmSync(link, { force: true })
  symlinkSync(layout, link)
  undo.push(() => rmSync(link, { force: true }))
  return `embedded.golden-path.internal/${name}@${imageIn(layout).digest}`
}

/** What daggerw hands to the module: kept below the state folder by its last call. */
async function flags(): Promise<string> {
  const { readdirSync } = await import("node:fs")
  const kept = readdirSync(join(STATE, "run")).filter((name) => name.startsWith("ready-")).map((name) => readFileSync(join(STATE, "run", name), "utf8"))
  return kept.find((text) => text.includes("--images=cluster=")) ?? ""
}
