import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { type Outcome, daggerw, errorOf, git, scratchCheckout } from "./harness.ts"

/** A package that the backend has; the weakness is planted in the records, since no feed may be reached. */
const PACKAGE = "fastapi"
let checkout = ""
let version = ""

beforeAll(() => {
  checkout = scratchCheckout("gate")
  version = new RegExp(`^${PACKAGE}==(\\S+)`, "m").exec(readFileSync(join(checkout, "service/backend/requirements.txt"), "utf8"))?.[1] ?? ""
  expect(version, `${PACKAGE} in the backend's requirements.txt`).not.toBe("")
  mkdirSync(join(checkout, "osv"))
})
afterAll(() => rmSync(checkout, { recursive: true, force: true }))

/** An OSV record for the package, changed so many days ago. */
function plant(days: number): void {
  const modified = new Date(Date.now() - days * 86_400_000).toISOString()
  writeFileSync(join(checkout, "osv/planted.json"), JSON.stringify({
    schema_version: "1.6.0", id: "GHSA-e2e0-e2e0-e2e0", modified, database_specific: { severity: "HIGH" },
    affected: [{ package: { ecosystem: "PyPI", name: PACKAGE }, ranges: [{ type: "ECOSYSTEM", events: [{ introduced: "0" }, { fixed: "9999.1" }] }] }],
  }))
}

function except(expires: string): void {
  writeFileSync(join(checkout, "openvex.json"), JSON.stringify({
    "@context": "https://openvex.dev/ns/v0.2.0",
    statements: [{ vulnerability: { name: "GHSA-e2e0-e2e0-e2e0" }, products: [{ "@id": `pkg:pypi/${PACKAGE}` }], status: "not_affected", justification: "vulnerable_code_not_present", "golden-path:expires": expires }],
  }))
}

async function scan(what: string): Promise<Outcome> {
  return await daggerw(checkout, ["call", "--advisories=./osv", "scan", "--service", "backend", what], 900)
}

test("a vulnerable package stops ci at the gate, which names package, fixed version and file; so does a role that may do anything", async () => {
  plant(1)
  mkdirSync(join(checkout, "deploy"))
  writeFileSync(join(checkout, "deploy/role.yaml"), "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: helper}\nrules: [{apiGroups: [''], resources: ['*'], verbs: [get]}]\n")
  git(checkout, "add", "deploy")
  git(checkout, "commit", "--quiet", "--message", "A role that may read everything")
  const outcome = await daggerw(checkout, ["call", "--advisories=./osv", "ci", "--service", "backend"], 1800)
  expect(errorOf(outcome)).toMatch(/infrastructure:role-wildcard of ClusterRole helper \(.*\) in deploy\/role\.yaml/)
  expect(errorOf(outcome)).toContain(`${PACKAGE} ${version} (fixed in 9999.1, GHSA-e2e0-e2e0-e2e0) in service/backend/requirements.txt`)
  expect(errorOf(outcome)).toMatch(/# Failed: [^\n]*scan of backend[\s\S]*Not run: .*publish of backend/)
  expect(outcome.code).toBe(30)
})

test("an exception with an end lets it pass, and fails once that has come", async () => {
  except("2999-12-31")
  const passed = await scan("gate")
  expect(passed.code, passed.output.slice(-2000)).toBe(0)
  except("2020-01-01")
  const expired = await scan("gate")
  expect(errorOf(expired)).toMatch(/GHSA-e2e0-e2e0-e2e0/)
  rmSync(join(checkout, "osv/planted.json"))
  writeFileSync(join(checkout, "osv/other.json"), JSON.stringify({ id: "X", modified: new Date().toISOString(), affected: [{ package: { ecosystem: "PyPI", name: "nothing-here" } }] }))
  const nothing = await scan("gate")
  expect(errorOf(nothing)).toMatch(/the exception for GHSA-e2e0-e2e0-e2e0 in openvex\.json expired on 2020-01-01/)
  expect(nothing.code).toBe(31)
})

test("stale and empty data judge nothing", async () => {
  rmSync(join(checkout, "osv/other.json"))
  plant(30)
  const stale = await scan("passed")
  expect(errorOf(stale)).toMatch(/the newest record is 30 days old/)
  expect(stale.code).toBe(32)
  writeFileSync(join(checkout, "osv/planted.json"), "[]")
  const empty = await scan("passed")
  expect(errorOf(empty)).toMatch(/there is no OSV record in what was given/)
  expect(empty.code).toBe(32)
})
