import { describe, expect, test } from "vitest";
import { readAnswer } from "../../.dagger/src/lib/answer.ts";
import type { CodedError } from "../../.dagger/src/lib/errors.ts";
import { components, type Finding, gate, type ScanResult } from "../../.dagger/src/lib/findings.ts";
import { imageFindings } from "../../.dagger/src/lib/image-checks.ts";
import { ALLOWED_LICENCES, isAllowed, licenceFindings } from "../../.dagger/src/lib/licences.ts";
import { type Advisories, checkAdvisories, matchAdvisories, type OsvRecord, severityOf } from "../../.dagger/src/lib/osv.ts";
import { sarif } from "../../.dagger/src/lib/sarif.ts";
import { secretsIn } from "../../.dagger/src/lib/secret-patterns.ts";
import { applyVex, parseVex } from "../../.dagger/src/lib/vex.ts";
import { DIGEST_A } from "./helpers.ts";

const NOW = new Date("2026-11-22T12:00:00Z");
const code = (work: () => unknown): number | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as CodedError).code;
  }
};
const bom = (...purls: string[]) => ({ components: purls.map((purl) => ({ purl })) });

describe("OSV records", () => {
  const record = (name: string, events: Record<string, string>[], more: Partial<OsvRecord> = {}, ecosystem = "PyPI"): OsvRecord => ({
    id: "OSV-1", affected: [{ package: { name, ecosystem }, ranges: [{ type: "ECOSYSTEM", events }] }], ...more,
  });
  const found = (purl: string, records: OsvRecord[]): Finding[] =>
    matchAdvisories(components(bom(purl)), { newest: "", ecosystems: { PyPI: 1, npm: 1, Debian: 1 }, records }, { pypi: "requirements.txt" }).findings;

  test("name the package, the version that fixes it and the file to change", () => {
    expect(found("pkg:pypi/Jinja2@3.1.0", [record("jinja2", [{ introduced: "0" }, { fixed: "3.1.6" }], { database_specific: { severity: "CRITICAL" } })]))
      .toMatchObject([{ id: "OSV-1", package: "Jinja2", version: "3.1.0", fixedIn: "3.1.6", severity: "critical", file: "requirements.txt" }]);
  });

  test.each([
    ["3.1.6", false], ["3.1.6rc1", true], ["3.1.5.post1", true], ["4.0", false], ["5.0.1", true], ["6.0", false],
  ])("hold by Python's order: %s", (version, affected) => {
    const events: Record<string, string>[] = [{ introduced: "5.0" }, { fixed: "6.0" }, { introduced: "0" }, { fixed: "3.1.6" }];
    expect(found(`pkg:pypi/jinja2@${version}`, [record("jinja2", events)])).toHaveLength(affected ? 1 : 0);
  });

  test("hold by npm's order, scopes and pre-releases included", () => {
    const records = [record("@scope/x", [{ introduced: "1.0.0" }, { last_affected: "1.9.9" }], {}, "npm")];
    expect(found("pkg:npm/%40scope/x@1.10.0", records)).toEqual([]);
    expect(found("pkg:npm/%40scope/x@1.9.9", records)).toMatchObject([{ package: "@scope/x", fixedIn: "" }]);
    expect(found("pkg:npm/%40scope/x@1.0.0-beta.1", records)).toEqual([]);
  });

  test("of Debian are about source packages of this release alone", () => {
    const purl = "pkg:deb/debian/libssl3t64@3.5.1-1?arch=amd64&upstream=openssl";
    const events: Record<string, string>[] = [{ introduced: "0" }, { fixed: "3.5.1-1+deb13u1" }];
    expect(found(purl, [record("openssl", events, {}, "Debian:13")])).toHaveLength(1);
    expect(found(purl, [record("openssl", events, {}, "Debian:12")])).toEqual([]);
  });

  test("taken back say nothing; two names of one weakness are one finding; a listed version counts", () => {
    const events = [{ introduced: "0" }];
    expect(found("pkg:pypi/a@1", [record("a", events, { withdrawn: "2026-01-01T00:00:00Z" })])).toEqual([]);
    expect(found("pkg:pypi/a@1", [record("a", events, { aliases: ["CVE-1"] }), record("a", events, { id: "PYSEC-1", aliases: ["CVE-1"] })])).toHaveLength(1);
    expect(found("pkg:pypi/a@1", [{ id: "L", affected: [{ package: { name: "a", ecosystem: "PyPI" }, versions: ["1"] }] }])).toHaveLength(1);
    expect(found("pkg:pypi/a@2", [{ id: "L", affected: [{ package: { name: "a", ecosystem: "PyPI" }, versions: ["1"] }] }])).toEqual([]);
  });

  test("what cannot be ordered counts as affected; what nobody rated counts as high", () => {
    expect(found("pkg:pypi/a@not-a-version", [record("a", [{ introduced: "0" }, { fixed: "2" }])])).toMatchObject([{ severity: "high", location: expect.stringContaining("cannot be told") as string }]);
    expect(severityOf("MODERATE")).toBe("medium");
  });

  test("only what there are records for counts as compared", () => {
    const { compared } = matchAdvisories(components(bom("pkg:pypi/a@1", "pkg:npm/b@1.0.0")), { newest: "", ecosystems: { npm: 3 }, records: [] }, {});
    expect(compared).toEqual({ "npm package": 1 });
  });

  const facts = (newest: string, ecosystems: Record<string, number> = { PyPI: 2 }): Advisories => ({ newest, ecosystems, records: [] });
  test.each([
    ["empty", facts("", {})], ["without a date", facts("")], ["stale", facts("2026-11-14T00:00:00Z")], ["from the future", facts("2026-12-01T00:00:00Z")],
  ])("that are %s are refused", (_, advisories) => expect(code(() => checkAdvisories(advisories, NOW))).toBe(32));
  test("of two days ago are two days old", () => expect(checkAdvisories(facts("2026-11-20T10:00:00Z"), NOW)).toBe(2));
});

describe("a scanner that ends well", () => {
  const read = (text: string) => () => readAnswer<{ files: number }>(text, "looking", ["files"]);
  test.each([["and says nothing", "\n"], ["and writes no JSON", "ok"], ["and leaves out what was asked", "{}"], ["and writes null", "null"]])("%s has looked at nothing", (_, text) => {
    expect(code(read(text))).toBe(33);
    expect(read(text)).toThrow(/^looking: the scanner ended well, but .*nothing is known/);
  });
  test("and answers, has", () => expect(read('{"files": 3}')()).toEqual({ files: 3 }));
});

const finding: Finding = { id: "CVE-1", package: "jinja2", version: "3.1.0", fixedIn: "3.1.6", severity: "high", source: "OSV records for PyPI", file: "service/api/requirements.txt" };
const result = (findings: Finding[], more: Partial<ScanResult> = {}): ScanResult => ({ service: "api", digest: DIGEST_A, findings, covered: ["1 Python package"], notCovered: [], dataDate: "2026-11-21T00:00:00Z", ...more });

describe("the gate", () => {
  test("names package, fixed version and file", () => {
    const { passed, sentence, code } = gate(result([finding]), "high");
    expect([passed, code]).toEqual([false, 30]);
    expect(sentence).toMatch(/^scan api: 1 finding at or above "high": jinja2 3\.1\.0 \(fixed in 3\.1\.6, CVE-1\) in service\/api\/requirements\.txt; update the package/);
  });
  test("lets pass what is excepted, and SARIF shows it as suppressed", () => {
    const excepted = { ...finding, exception: { status: "not_affected", reason: "not reached", expires: "2026-12-31", file: "openvex.json" } };
    expect(gate(result([excepted]), "high").passed).toBe(true);
    expect(sarif([result([excepted])], "run").runs[0]!.results[0]).toMatchObject({
      suppressions: [{ status: "accepted" }], locations: [{ physicalLocation: { artifactLocation: { uri: "service/api/requirements.txt" } } }],
    });
  });
  test("an expired exception fails although nothing else does", () => {
    expect(gate(result([], { expired: ["the exception for CVE-1 in openvex.json expired on 2026-11-01"] }), "none")).toMatchObject({ passed: false, code: 31, sentence: expect.stringContaining("expired on 2026-11-01") as string });
  });
});

describe("exceptions", () => {
  const vex = (statement: object) => JSON.stringify({ "@context": "https://openvex.dev/ns/v0.2.0", statements: [statement] });
  const good = { vulnerability: { name: "CVE-1" }, products: [{ "@id": "pkg:pypi/jinja2" }], status: "not_affected", justification: "vulnerable_code_not_in_execute_path", "golden-path:expires": "2026-11-22" };
  test("hold to the end of their last day", () => {
    const exceptions = parseVex(vex(good), "openvex.json");
    expect(applyVex([finding], exceptions, NOW)).toMatchObject({ findings: [{ exception: { expires: "2026-11-22" } }], expired: [], unused: [] });
    const after = applyVex([finding], exceptions, new Date("2026-11-23T00:00:01Z"));
    expect(after.findings[0]!.exception).toBeUndefined();
    expect(after.expired).toEqual(["the exception for CVE-1 in openvex.json expired on 2026-11-22"]);
  });
  test("hold for their package alone", () => {
    expect(applyVex([{ ...finding, package: "other" }], parseVex(vex(good), "f"), NOW)).toMatchObject({ findings: [{}], unused: [expect.stringContaining("covers no finding")] });
    expect(applyVex([finding], parseVex(vex({ ...good, products: [{ "@id": "pkg:pypi/jinja2@2.0" }] }), "f"), NOW).findings[0]!.exception).toBeUndefined();
  });
  test.each([
    ["an end", { ...good, "golden-path:expires": undefined }, /expires/],
    ["a justification", { ...good, justification: "because" }, /justification/],
    ["what is done about it", { ...good, status: "affected" }, /action_statement/],
    ["an id", { ...good, vulnerability: {} }, /vulnerability.name/],
    ["a known status", { ...good, status: "fine" }, /status/],
  ])("need %s", (_, statement, message) => expect(() => parseVex(vex(statement), "openvex.json")).toThrow(message));
  test("that are no OpenVEX are refused", () => expect(() => parseVex("{}", "openvex.json")).toThrow(/not an OpenVEX document/));
});

describe("licences", () => {
  test.each([
    ["MIT", true], ["MIT OR GPL-3.0-only", true], ["MIT AND GPL-3.0-only", false], ["(MIT OR X) AND Apache-2.0", true], ["Apache-2.0 WITH LLVM-exception", true],
    ["GPL-3.0-only", false], ["BSD License", true], ["", false], ["(MIT", false],
  ])("%s: %s", (expression, allowed) => expect(isAllowed(expression, ALLOWED_LICENCES)).toBe(allowed));
  test("of a dependency that is not allowed is a finding with its file; of the service itself it is none", () => {
    const licensed = (name: string, id?: string) => ({ purl: `pkg:pypi/${name}@1`, ...(id === undefined ? {} : { licenses: [{ license: { id } }] }) });
    expect(licenceFindings({ components: [licensed("a", "AGPL-3.0-only"), licensed("b", "MIT"), licensed("c"), licensed("api", "GPL-2.0-only")] }, "api", { pypi: "requirements.txt" }))
      .toMatchObject([{ package: "a", id: "licence:AGPL-3.0-only", severity: "high", file: "requirements.txt" }, { package: "c", id: "licence-unknown", severity: "medium" }]);
  });
});

describe("how an image runs", () => {
  const sound = { User: "65532:65532", Entrypoint: ["python3"], Env: ["PORT=8080"], Labels: Object.fromEntries(["revision", "vendor", "version"].map((name) => [`org.opencontainers.image.${name}`, "x"])) };
  test("as it should", () => expect(imageFindings(sound, "api")).toEqual([]));
  test("with a program that has setuid", () => expect(imageFindings(sound, "api", ["/usr/bin/su"])).toMatchObject([{ id: "image-setuid", severity: "high", location: "/usr/bin/su (CIS Docker 4.8)" }]));
  test.each([
    ["as root", { ...sound, User: "" }, "image-runs-as-root"],
    ["with a secret in its environment", { ...sound, Env: ["DB_PASSWORD=x"] }, "image-environment-secret"],
    ["from a shell", { ...sound, Entrypoint: ["/bin/sh"] }, "image-starts-shell"],
    ["on a privileged port", { ...sound, ExposedPorts: { "80/tcp": {} } }, "image-privileged-port"],
  ])("%s is a finding", (_, config, id) => expect(imageFindings(config, "api").map((one) => one.id)).toEqual([id]));
});

describe("secrets in texts", () => {
  test.each([
    ["github-token", `token = "ghp_${"a".repeat(36)}"`], ["aws-access-key", `AKIA${"Q".repeat(16)}`],
    ["private-key", `-----BEGIN PRIVATE KEY-----\n${"A".repeat(64)}`], ["age-secret-key", `AGE-SECRET-KEY-1${"Q".repeat(58)}`],
    ["password-in-url", `postgres://app:${"correct-horse"}@db.example.com/x`],
  ])("%s is found, and its line named", (id, text) => expect(secretsIn(`one\n${text}\n`, "f")).toEqual([{ id, file: "f", line: 2 }]));
  test.each(["https://user:password@example.com", "https://x:${TOKEN}@example.com/", "AKIA"])("%s is none", (text) => expect(secretsIn(text, "f")).toEqual([]));
});
