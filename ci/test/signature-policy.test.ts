import { generateKeyPairSync } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { ENVIRONMENTS } from "../../.dagger/src/lib/environments.ts"
import type { KubeObject } from "../../.dagger/src/lib/kube.ts"
import { POLICY_CASES, UNSIGNED_CASE, type Workload, unsigned } from "../../.dagger/src/lib/policy-cases.ts"
import { SIGNATURE_NAMESPACE, signatureInstall, signaturePolicy } from "../../.dagger/src/lib/signature-policy.ts"

const TOOLS = join(import.meta.dirname, "../../.dagger/tools")
const OBJECTS = signatureInstall({ image: "images/signature-policy:imported", environments: ENVIRONMENTS, plainRegistry: { name: "registry.internal", address: "registry:5000" } })
const one = (kind: string, objects = OBJECTS): KubeObject => objects.find((object) => object.kind === kind)!

interface Hook {
  failurePolicy: string
  namespaceSelector: { matchExpressions: { key: string; operator: string; values?: string[] }[] }
  rules: { operations: string[]; apiGroups: string[]; resources: string[] }[]
}
const [hook, ...others] = one("ValidatingWebhookConfiguration")["webhooks"] as Hook[]

describe("the cluster's door", () => {
  test("fails closed, and from the beginning: what it judges does not wait for the controller", () => {
    expect(others).toEqual([])
    expect(hook).toMatchObject({ failurePolicy: "Fail", sideEffects: "None" })
    expect(hook!.rules.every(({ operations }) => operations.includes("CREATE") && operations.includes("UPDATE"))).toBe(true)
  })

  test("judges the environments by a label that nobody can take off, and no other namespace", () => {
    expect(hook!.namespaceSelector.matchExpressions[0]).toEqual({ key: "kubernetes.io/metadata.name", operator: "In", values: [...ENVIRONMENTS] })
    expect(ENVIRONMENTS).not.toContain(SIGNATURE_NAMESPACE)
  })

  test("is called for the kinds that the program judges, neither more nor fewer", () => {
    const program = readFileSync(join(TOOLS, "signature-policy/main.go"), "utf8")
    const kinds = [...program.matchAll(/(core|apps|batch)\.SchemeGroupVersion\.WithKind\("(\w+)"\)/g)].map(([, group, kind]) => `${group === "core" ? "" : group}/${kind!.toLowerCase()}s`)
    const asked = hook!.rules.flatMap(({ apiGroups, resources }) => resources.filter((name) => !name.includes("/")).map((name) => `${apiGroups[0]}/${name}`))
    expect(kinds).toHaveLength(7)
    expect([...asked].sort()).toEqual([...kinds].sort())
    // A container can join a pod that runs.
    expect(hook!.rules.flatMap(({ resources }) => resources)).toContain("pods/ephemeralcontainers")
  })

  test("runs as the environments' own workloads must, and may read no secret but its own", () => {
    const { template } = one("Deployment")["spec"] as { template: { spec: { containers: { securityContext: object }[] } } }
    expect(template.spec.containers[0]!.securityContext).toMatchObject({ runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } })
    expect(JSON.stringify(one("ClusterRole"))).not.toContain("secrets")
  })

  test("asks a registry by plain http only where it is told so", () => {
    expect(JSON.stringify(one("Deployment"))).toContain('{"name":"PLAIN_REGISTRY","value":"registry.internal=registry:5000"}')
    expect(JSON.stringify(signatureInstall({ image: "i", environments: ["dev"] }))).not.toContain("PLAIN_REGISTRY")
  })

  test("every image must carry the key's signature, and no log is asked", () => {
    const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "pem" }).toString()
    const { spec } = signaturePolicy(key) as unknown as { spec: { mode: string; images: object[]; authorities: object[] } }
    expect(spec).toEqual({ mode: "enforce", images: [{ glob: "**" }], authorities: [{ name: "demanded-key", key: { data: key, hashAlgorithm: "sha256" } }] })
  })

  test.each(["", "ssh-ed25519 AAAA", "-----BEGIN PUBLIC KEY-----\nno key\n-----END PUBLIC KEY-----\n"])("a key that is none is refused before the cluster takes it and goes on with the former: %j", (text) => {
    expect(() => signaturePolicy(text)).toThrow(/^demanding signatures: policy\/cosign\.pub of the GitOps repository is no public key \(.+\); commit the one that cosign wrote beside the private key$/)
  })

  test("verifies with the very libraries that sign", () => {
    const versions = ["signature-policy", "cosign"].map((tool) => {
      const text = readFileSync(join(TOOLS, tool, "go.mod"), "utf8")
      return ["github.com/sigstore/cosign/v2", "github.com/sigstore/sigstore", "github.com/google/go-containerregistry"].map((name) => new RegExp(`^\\s+${name} (\\S+)`, "m").exec(text)?.[1])
    })
    expect(versions[0]).toEqual(versions[1])
    expect(versions[0]).not.toContain(undefined)
  })

  test("is tried with an image that nobody can have signed", () => {
    const image = `registry.internal/backend@sha256:${"a".repeat(64)}`
    const workload = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "backend" }, spec: { template: { spec: { containers: [{ image }] } } } } satisfies Workload
    expect(unsigned(workload).spec.template.spec.containers[0]!.image).toBe(`registry.internal/backend@sha256:${"0".repeat(64)}`)
    expect(workload.spec.template.spec.containers[0]!.image).toBe(image)
    expect(POLICY_CASES.map(({ name }) => name)).not.toContain(UNSIGNED_CASE)
  })
})
