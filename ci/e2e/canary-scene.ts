import { spawnSync } from "node:child_process"
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { networkInterfaces, tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "vitest"
import { mirrorSettings } from "../engine/reach.ts"
import { canary, foundIn, plainCanary, watchProcesses } from "./canary.ts"
import { type FaultyMirror, faultyMirror } from "./faulty-mirror.ts"
import { SSHD } from "./git/fixtures.ts"
import { type Outcome, daggerw, git, scratchCheckout } from "./harness.ts"
import { commit } from "./kept-platform.ts"
import { Collector } from "./otlp.ts"
import { OwnGitOps } from "./own-gitops.ts"

/** The engine's containers reach this machine by it; loopback is their own. */
export const ADDRESS = Object.values(networkInterfaces()).flat().find((one) => one?.family === "IPv4" && !one.internal)?.address ?? ""

/** Secrets made up for one run with everything that takes them: keys, a Git server, mirrors, a collector. */
export class CanaryScene {
  /** No secret: looked for by the same searches, and planted wherever one of them looks. */
  readonly control = plainCanary()
  readonly secrets: Record<string, string> = {
    registryPassword: canary(), gitToken: canary(), signingPassword: canary(), wrongPassword: canary(), mirrorPassword: canary(), identityToken: plainCanary(), serviceSecret: canary(),
  }
  readonly outputs: { call: string; outcome: Outcome }[] = []
  /** What a collector was sent: which values, and how much. */
  readonly traced = { found: new Set<string>(), megabytes: 0 }
  readonly gitops = new OwnGitOps()
  /** Read without credentials, which is all that the local platform can. */
  readonly open = new OwnGitOps()
  readonly mirrors: FaultyMirror[] = []
  readonly flags: Record<"all" | "git" | "mirrors" | "token" | "sign" | "wrong" | "auth" | "identity" | "broken", string[]> = { all: [], git: [], mirrors: [], token: [], sign: [], wrong: [], auth: [], identity: [], broken: [] }
  readonly folder = mkdtempSync(join(tmpdir(), "golden-path-canary-"))
  /** Younger than all that cannot hold any of it. */
  readonly marker = join(this.folder, "marker")
  readonly checkout = scratchCheckout("canary")
  ageKey = ""
  processes: ReturnType<typeof watchProcesses> | undefined
  private readonly collector = new Collector()

  get values(): Record<string, string> {
    return { ...this.secrets, control: this.control }
  }

  async begin(): Promise<void> {
    writeFileSync(this.marker, "")
    this.plant()
    const endpoint = await this.collector.start()
    passed(await daggerw(this.checkout, ["call", "cosign", "export", "--path", join(this.folder, "cosign")], 2400))
    passed(await daggerw(this.checkout, ["call", "sops", "export", "--path", join(this.folder, "tools")], 2400))
    this.sign()
    this.seal()
    await this.serveGit()
    await this.serveMirrors()
    const { git, sign, mirrors } = this.flags
    // A person's name goes with every call: into arguments, databases, traces and records, where a secret must not be.
    this.flags.all = [...git, ...sign, ...mirrors, `--by=${this.control}`]
    const auth = Buffer.from(`robot:${this.secrets["registryPassword"]!}`).toString("base64")
    this.flags.auth = [`--registry=${ADDRESS}:1/team`, `--registry-auth=${this.file("config.json", JSON.stringify({ auths: { [`${ADDRESS}:1`]: { auth } } }))}`]
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url")
    const token = `${part({ alg: "RS256" })}.${part({ iss: "https://issuer.example.com", sub: "x", aud: "sigstore", email: "someone@example.com", email_verified: true, exp: 9_999_999_999 })}.${this.secrets["identityToken"]!}`
    this.flags.identity = [`--identity-token=${this.file("identity", `${token}\n`)}`, "--signing-identity=someone@example.com", "--signing-issuer=https://issuer.example.com"]
    this.collector.each = (body) => {
      this.traced.megabytes += body.length / 1e6
      for (const name of foundIn(body, this.values)) this.traced.found.add(name)
    }
    process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    // This process holds them all, and so does every child between fork and exec: only what the pipeline starts counts.
    this.processes = watchProcesses(this.values, () => [process.pid])
  }

  async end(): Promise<void> {
    delete process.env["OTEL_EXPORTER_OTLP_ENDPOINT"]
    this.processes?.stop()
    this.collector.stop()
    this.gitops.close()
    this.open.close()
    for (const mirror of this.mirrors) await mirror.close()
    for (const place of [this.checkout, this.folder]) rmSync(place, { recursive: true, force: true })
  }

  async call(...words: string[]): Promise<Outcome> {
    const outcome = await daggerw(this.checkout, ["call", ...words], 1800)
    this.outputs.push({ call: words.filter((word) => !word.startsWith("-")).join(" "), outcome })
    // So many calls fill the engine's cache, and its clean-up now and then takes what a call was about to use.
    return outcome.code !== 0 && /snapshot \S+ does not exist: not found/.test(outcome.output) ? await this.call(...words) : outcome
  }

  /** Another state of the backend, as a commit. */
  change(words: string): void {
    appendFileSync(join(this.checkout, "service/backend/src/backend/__init__.py"), `\n# ${words}: ${this.control}\n`)
    git(this.checkout, "commit", "--quiet", "--all", "--message", words)
  }

  /** A file that only its owner reads, as a value of a flag. */
  private file(name: string, text: string): string {
    writeFileSync(join(this.folder, name), text, { mode: 0o600 })
    return `file:${join(this.folder, name)}`
  }

  /** The control's places in the source: a file of the image, a package for the bills of materials, a manifest. */
  private plant(): void {
    const dist = join(this.checkout, "service/backend/src/planted-1.0.dist-info")
    mkdirSync(dist)
    writeFileSync(join(dist, "METADATA"), `Metadata-Version: 2.1\nName: planted${this.control}\nVersion: 1.0\nLicense: MIT\n`)
    writeFileSync(join(dist, "RECORD"), "")
    appendFileSync(join(this.checkout, "service/backend/service.yaml"), `\nenv:\n  CONTROL: "${this.control}"\n`)
    git(this.checkout, "add", "--all", "service")
    this.change("A control value")
  }

  private sign(): void {
    const { signingPassword, wrongPassword } = this.secrets
    const made = spawnSync(join(this.folder, "cosign"), ["generate-key-pair", "--output-key-prefix", join(this.folder, "key")], { encoding: "utf8", env: { ...process.env, COSIGN_PASSWORD: signingPassword! } })
    expect(made.status, made.stderr).toBe(0)
    this.secrets["signingKey"] = readFileSync(join(this.folder, "key.key"), "utf8").split("\n").slice(-4, -2).join("").slice(-60)
    const key = `--signing-key=file:${join(this.folder, "key.key")}`
    this.flags.sign = [key, `--signing-password=${this.file("password", signingPassword!)}`]
    this.flags.wrong = [key, `--signing-password=${this.file("wrong", wrongPassword!)}`]
  }

  /** A service's secret, as a person commits it; the key that decrypts it is for the local platform alone. */
  private seal(): void {
    const keyFile = join(this.folder, "age.txt")
    const tool = (name: string, ...args: string[]): string => {
      const { status, stdout, stderr } = spawnSync(join(this.folder, "tools", name), args, { encoding: "utf8" })
      expect(status, stderr).toBe(0)
      return stdout
    }
    tool("age-keygen", "-o", keyFile)
    const text = readFileSync(keyFile, "utf8")
    this.secrets["ageKey"] = /AGE-SECRET-KEY-1(\w+)/.exec(text)![1]!
    this.ageKey = `--age-key=file:${keyFile}`
    const plain = join(this.folder, "dev.yaml")
    writeFileSync(plain, `GREETING: "${this.secrets["serviceSecret"]!}"\n`)
    const sealed = tool("sops", "encrypt", "--age", /age1\w+/.exec(text)![0], plain)
    commit(this.checkout, "A secret", Object.fromEntries(["dev", "stage"].map((env) => [`service/backend/secrets/${env}.yaml`, sealed])))
  }

  /** On a real sshd; over https with a token that never gets there, since no certificate of a test is trusted in the engine's containers. */
  private async serveGit(): Promise<void> {
    await this.open.serve()
    const { scene } = this.gitops
    const url = await scene.http("x-access-token", this.secrets["gitToken"]!, undefined, scene.certificate(), ADDRESS)
    this.flags.token = [`--gitops=${url}`, `--gitops-token=${this.file("token", this.secrets["gitToken"]!)}`]
    if (!existsSync(SSHD)) spawnSync("apt-get", ["install", "-qq", "-y", "--no-install-recommends", "openssh-server"], { env: { ...process.env, RUNLEVEL: "1", DEBIAN_FRONTEND: "noninteractive" } })
    const ssh = await scene.ssh(ADDRESS)
    this.secrets["sshKey"] = readFileSync(ssh.sshKeyFile, "utf8").split("\n").slice(3, 5).join("").slice(0, 60)
    this.flags.git = [`--gitops=${ssh.url}`, `--gitops-ssh-key=file:${ssh.sshKeyFile}`, `--gitops-known-hosts=${ssh.knownHostsFile}`]
  }

  /** pip takes nothing over http from another host, and no certificate of a test is trusted: its index stays this machine's. */
  private async serveMirrors(): Promise<void> {
    const { DEBIAN_MIRROR, DEBIAN_SECURITY_MIRROR, NPM_CONFIG_REGISTRY, ...others } = await mirrorSettings()
    const reader = `reader:${encodeURIComponent(this.secrets["mirrorPassword"]!)}@${ADDRESS}`
    const named = Object.entries(others).filter(([, value]) => value !== "").map(([name, value]) => `${name}=${value}`)
    for (const [name, upstream] of Object.entries({ DEBIAN_MIRROR, DEBIAN_SECURITY_MIRROR, NPM_CONFIG_REGISTRY })) {
      const { origin, pathname } = new URL(upstream)
      const mirror = await faultyMirror(origin, () => "pass", ADDRESS)
      this.mirrors.push(mirror)
      named.push(`${name}=http://${reader}:${mirror.port}${pathname}`)
    }
    this.flags.mirrors = [`--mirrors=${this.file("mirrors.env", `${named.join("\n")}\n`)}`]
    this.flags.broken = [`--mirrors=${this.file("broken.env", `DEBIAN_MIRROR=http://${reader}:1/debian\n`)}`]
  }
}

export function passed(outcome: Outcome): Outcome {
  expect(outcome.code, outcome.output.slice(-3000)).toBe(0)
  return outcome
}
