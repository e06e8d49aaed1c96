import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { ATTESTATIONS, type AttestationName, PREDICATES } from "../../.dagger/src/lib/signing.ts"
import { PROJECT, daggerw, errorOf, scratchCheckout } from "./harness.ts"
import { LocalRegistry } from "./registry.ts"

const PASSWORD = "two words and a 7"
const SOURCE = "1".repeat(40)
const ALL: AttestationName[] = [...ATTESTATIONS]
const repository = "team/backend"

let checkout = ""
let folder = ""
const registry = new LocalRegistry()
const key = (name: string): string => join(folder, `${name}.key`)
const pub = (name: string): string => join(folder, `${name}.pub`)
const withKey = (name: string): string[] => [`--signing-key=file:${key(name)}`, "--signing-password=env:GOLDEN_PATH_E2E_PASSWORD"]

beforeAll(async () => {
  process.env["GOLDEN_PATH_E2E_PASSWORD"] = PASSWORD
  checkout = scratchCheckout("signing")
  folder = mkdtempSync(join(tmpdir(), "golden-path-signing-"))
  const exported = await daggerw(checkout, ["call", "cosign", "export", "--path", join(folder, "cosign")], 1800)
  expect(exported.code, exported.output.slice(-2000)).toBe(0)
  for (const name of ["ours", "theirs"]) cosign("generate-key-pair", "--output-key-prefix", join(folder, name))
  // The programs ask for tags with it; containers of the pipeline bring it.
  if (spawnSync("skopeo", ["--version"]).status !== 0) spawnSync("apt-get", ["install", "-qq", "-y", "--no-install-recommends", "skopeo"])
  await registry.start(join(folder, "registry"))
}, 2_400_000)
afterAll(() => {
  registry.stop()
  for (const one of [checkout, folder, "/tmp/identity-token"]) rmSync(one, { recursive: true, force: true })
})

describe("what the pipeline signs", () => {
  test("is signed once, with everything attached, and verifies", async () => {
    const first = await daggerw(checkout, ["call", ...withKey("ours"), "sign", "--service", "backend"])
    expect(first.code, first.output.slice(-2000)).toBe(0)
    expect(first.stdout).toMatch(/backend@sha256:[0-9a-f]{64}: signed\n/)
    expect(first.stdout).toMatch(/SLSA provenance of sha256[\s\S]*CycloneDX[\s\S]*SPDX/)
    expect(first.stdout).toContain("transparency log and TUF are switched off")
    const again = await daggerw(checkout, ["call", ...withKey("ours"), "sign", "--service", "backend"])
    expect(again.stdout).toContain("was signed already, nothing was written")
    const verified = await daggerw(checkout, ["call", `--verify-key=${pub("ours")}`, "verify", "--service", "backend"])
    expect(verified.code, verified.output.slice(-2000)).toBe(0)
    expect(verified.stdout).toMatch(/holds: signature of sha256[\s\S]*holds: built from commit [0-9a-f]{40}/)
  })

  test("by another key, is refused", async () => {
    const outcome = await daggerw(checkout, ["call", `--verify-key=${pub("theirs")}`, "verify", "--service", "backend"])
    expect(errorOf(outcome)).toMatch(/its signature was made with another key/)
    expect(outcome.code).toBe(21)
  })
})

describe("without a key", () => {
  test("whoever does not answer, or does not take the token, is named, and not the registry", async () => {
    const digest = await registry.push(repository, "signed without a key")
    const claims = Buffer.from(JSON.stringify({ iss: "https://issuer.example.com", sub: "x", aud: "sigstore", email: "someone@example.com", email_verified: true, exp: 9_999_999_999 })).toString("base64url")
    const tokenFile = join(folder, "token")
    writeFileSync(tokenFile, `${Buffer.from('{"alg":"RS256"}').toString("base64url")}.${claims}.c2ln\n`)
    const input = { ...place(), digest, tag: "none", service: "backend", sourceRevision: SOURCE, predicates: {}, expected: {}, signer: { tokenFile, identity: "someone@example.com", issuer: "https://issuer.example.com" } }
    const verdict = program("sign", input)
    expect(verdict).toMatchObject({ code: 29, kind: "unknown" })
    expect(verdict.sentence).toMatch(/^signing \S+: Fulcio, .* was asked at https:\/\/fulcio\.sigstore\.dev and (does not answer|did not take the identity token) \(.*(--signing-key)/)
    const asked = verify({ digest, trust: { identity: "someone@example.com", issuer: "https://issuer.example.com" } })
    // Where the trust root can be had, what remains is that it is not signed.
    expect(asked.sentence).toMatch(/the trust root of Sigstore \(TUF\), .* does not answer|it carries no signature/)
  })
})

describe("an image that is not what it should be is refused, each kind in its own words", () => {
  test("unsigned", async () => {
    const digest = await registry.push(repository, "unsigned")
    expect(verify({ digest })).toMatchObject({ code: 20, kind: "unsigned", sentence: expect.stringMatching(/: it carries no signature; /) as string })
  })

  test("by another key", async () => {
    const digest = await image("signed by us", ["sig"])
    expect(verify({ digest })).toMatchObject({ code: 0 })
    expect(verify({ digest, trust: { publicKey: pub("theirs") } })).toMatchObject({ code: 21, kind: "another-key" })
  })

  test("with the signature of another digest", async () => {
    const signed = await image("signed for the copy", ["sig"])
    const other = await registry.push(repository, "with a copied signature")
    await copy(signed, other, "sig")
    expect(verify({ digest: other })).toMatchObject({ code: 22, kind: "another-digest", sentence: expect.stringContaining(signed) as string })
  })

  test("under a tag that was re-pointed after signing", async () => {
    const signed = await image("signed as v1", ["sig"], "v1")
    expect(verify({ tag: "v1" })).toMatchObject({ code: 0 })
    const other = await registry.push(repository, "under the tag of another")
    await registry.tag(repository, other, "v1")
    expect(verify({ tag: "v1" })).toMatchObject({ code: 23, kind: "tag-moved", sentence: expect.stringContaining(`${signed} was signed under that tag`) as string })
    expect(verify({ tag: "v1", digest: signed })).toMatchObject({ code: 23, sentence: expect.stringContaining(`it points to ${other} now`) as string })
    // Signed, but under another name.
    const third = await image("signed as v2", ["sig"], "v2")
    await registry.tag(repository, third, "v1")
    expect(verify({ tag: "v1" })).toMatchObject({ code: 23, sentence: expect.stringContaining("it was signed as v2") as string })
  })

  test("without an attestation", async () => {
    const digest = await image("signed, without SPDX", ["sig", "provenance", "cyclonedx"])
    expect(verify({ digest, required: ["provenance", "cyclonedx"] })).toMatchObject({ code: 0 })
    expect(verify({ digest, required: ALL })).toMatchObject({ code: 24, kind: "attestation-missing", sentence: expect.stringContaining("SPDX") as string })
  })

  test("with the bill of materials, or the provenance, of another digest", async () => {
    const one = await image("whose bill was copied", ["sig", ...ALL])
    const other = await image("with a copied bill", ["sig", "provenance"])
    const [theirs, own] = await Promise.all([one, other].map((digest) => registry.manifest(repository, beside(digest, "att"))))
    const bills = theirs!.layers.filter(({ annotations }) => !annotations?.["predicateType"]?.includes("slsa"))
    expect(bills).toHaveLength(2)
    await registry.put(repository, beside(other, "att"), JSON.stringify({ ...own, layers: [...own!.layers, ...bills] }))
    expect(verify({ digest: other, required: ALL })).toMatchObject({ code: 25, kind: "sbom-of-another-digest", sentence: expect.stringContaining(one) as string })
    await copy(one, other, "att")
    expect(verify({ digest: other, required: ALL })).toMatchObject({ code: 27, kind: "provenance-of-another-digest", sentence: expect.stringContaining(one) as string })
    // Beside the image, by cosign's tag scheme: this registry has no referrers API.
    expect((await registry.manifest(repository, beside(one, "sig"))).layers).toHaveLength(1)
    expect(verify({ digest: one, required: ALL })).toMatchObject({ code: 0 })
  })

  test("with the provenance of another source", async () => {
    const digest = await image("of another commit", ["sig", ...ALL])
    const asked = (expected: object) => verify({ digest, required: ALL, expected })
    expect(asked({ service: "backend", sourceRevision: SOURCE })).toMatchObject({ code: 0 })
    expect(asked({ service: "backend", sourceRevision: "2".repeat(40) })).toMatchObject({ code: 26, kind: "provenance-of-another-source", sentence: expect.stringContaining(`built from commit ${SOURCE}`) as string })
    expect(asked({ service: "frontend" })).toMatchObject({ code: 26 })
    expect(asked({ service: "backend", sourceUri: "git+https://git.example.com/other.git" })).toMatchObject({ code: 26 })
  })

  test("in a registry that does not answer: nothing is known, so nothing passes", () => {
    expect(verify({ digest: `sha256:${"0".repeat(64)}`, repository: "127.0.0.1:1/team/backend" })).toMatchObject({ code: 29, kind: "unknown", sentence: expect.stringContaining("the registry does not answer") as string })
  })
})

interface Verdict {
  code: number
  kind?: string
  sentence?: string
}

function place(): object {
  return { repository: `127.0.0.1:${registry.port}/${repository}`, name: `registry.example/${repository}`, http: true }
}

function verify(asked: object): Verdict {
  return program("verify", [{ ...place(), trust: { publicKey: pub("ours") }, required: [], ...asked }])
}

/** Runs the pipeline's program as its container does. */
function program(name: "sign" | "verify", input: unknown): Verdict {
  const file = join(folder, "input.json")
  writeFileSync(file, JSON.stringify(input))
  const result = spawnSync(join(PROJECT, "node_modules/.bin/tsx"), [join(PROJECT, `.dagger/programs/${name}.ts`), file], { encoding: "utf8", env: { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}` } })
  const { refused } = JSON.parse(result.stdout) as { refused?: { kind: string; sentence: string } }
  return { code: result.status ?? 1, ...refused }
}

/** A small image, with what is named made by cosign itself. */
async function image(words: string, parts: readonly ("sig" | AttestationName)[], tag = "none"): Promise<string> {
  const digest = await registry.push(repository, words)
  if (tag !== "none") await registry.tag(repository, digest, tag)
  const reference = `127.0.0.1:${registry.port}/${repository}@${digest}`
  const how = ["--yes", "--key", key("ours"), "--tlog-upload=false", "--allow-http-registry"]
  const source = { uri: "git+https://git.example.com/team/app.git", digest: { gitCommit: SOURCE }, path: "service/backend" }
  const predicates: Record<string, unknown> = {
    provenance: { buildDefinition: { buildType: "x", externalParameters: { service: "backend", source } }, runDetails: { builder: { id: "x" } } },
    cyclonedx: { bomFormat: "CycloneDX", specVersion: "1.6", components: [] },
    spdx: { spdxVersion: "SPDX-2.3", SPDXID: "SPDXRef-DOCUMENT", packages: [] },
  }
  for (const part of parts) {
    if (part === "sig") {
      cosign("sign", ...how, "-a", `golden-path/tag=${tag}`, reference)
      continue
    }
    const file = join(folder, `${part}.json`)
    writeFileSync(file, JSON.stringify(predicates[part]))
    cosign("attest", ...how, "--type", PREDICATES[part].cosign, "--predicate", file, reference)
  }
  return digest
}

function beside(digest: string, kind: string): string {
  return `${digest.replace(":", "-")}.${kind}`
}

async function copy(from: string, to: string, kind: string): Promise<void> {
  await registry.put(repository, beside(to, kind), JSON.stringify(await registry.manifest(repository, beside(from, kind))))
}

function cosign(...args: string[]): void {
  const result = spawnSync(join(folder, "cosign"), args, { encoding: "utf8", env: { ...process.env, COSIGN_PASSWORD: PASSWORD, SIGSTORE_REKOR_PUBLIC_KEY: "/dev/null" } })
  if (result.status !== 0) throw new Error(`cosign ${args[0]}: ${result.stderr}`)
}
