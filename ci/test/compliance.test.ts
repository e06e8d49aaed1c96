import { describe, expect, test } from "vitest";
import { manifestsIn } from "../../.dagger/src/lib/compliance/model.ts";
import { FRAMEWORKS, judge, renderCompliance } from "../../.dagger/src/lib/compliance/report.ts";
import { POLICY_CASES } from "../../.dagger/src/lib/policy-cases.ts";
import { renderManifests } from "../../.dagger/src/lib/manifests.ts";
import type { RunReport, ScanReport } from "../../.dagger/src/lib/report.ts";
import { DIGEST_A, REVISION, goldenBase, spec } from "./helpers.ts";
import { FAILED, GOOD, VERDICT } from "./report-fixtures.ts";

const rendered = renderManifests(spec(), { env: "dev", image: `registry/api@${DIGEST_A}`, version: "1.0", sourceRevision: REVISION }, goldenBase());
const tree = Object.fromEntries(Object.entries(rendered).map(([file, text]) => [`env/dev/api/manifests/${file}`, text]));
const scan: ScanReport = { ...GOOD.scans[0]!, findings: [], notCovered: [], covered: ["21 Debian packages", "secrets in 900 files of its layers", "programs with setuid", "how it runs"] };
const stages = [...GOOD.stages, ...["secrets", "sign", "verify"].map((name) => ({ name, status: "passed" as const, begin: 0, seconds: 1, detail: `${name} did` }))];
const checks = [`signature of ${DIGEST_A} by the key`, `SLSA provenance of ${DIGEST_A}`, `CycloneDX bill of materials of ${DIGEST_A}`, `SPDX bill of materials of ${DIGEST_A}`, `built from commit ${REVISION}`];
const FULL: RunReport = { ...GOOD, stages, scans: [scan], signing: { notes: ["Signed."], images: [{ service: "api", digest: DIGEST_A, checks, written: true }] } };
const PROVEN = { ...VERDICT, policies: POLICY_CASES.map(({ name }) => `refuses ${name}`) };

const of = (run: RunReport, verdict: typeof VERDICT | null = PROVEN, files: Record<string, string> = tree) => {
  const report = judge({ run, ...(verdict ? { verdict } : {}), manifests: manifestsIn(files) });
  const found = new Map<string, (typeof report.frameworks)[number]["controls"][number]>(report.frameworks.flatMap(({ name, controls }) => controls.map((control) => [`${name.split(" ").slice(0, 2).join(" ")} ${control.id}`, control] as const)));
  return { report, verdict: (id: string) => found.get(id)?.verdict, evidence: (id: string) => found.get(id)?.evidence.join("\n") ?? "" };
};

describe("what a run shows of controls", () => {
  test("a control has one place, and each says what it rests on", () => {
    for (const { controls } of FRAMEWORKS) expect(new Set(controls.map(({ id }) => id)).size).toBe(controls.length);
    for (const { controls } of of(FULL).report.frameworks) for (const { evidence } of controls) expect(evidence.join("")).not.toBe("");
  });

  test("a run that did everything shows what it can, and no more", () => {
    const full = of(FULL);
    expect(full.report.slsaBuildLevel).toBe(1);
    for (const id of ["CIS Docker 4.1", "CIS Docker 4.8", "CIS Docker 4.12", "CIS Docker 5.22", "CIS Kubernetes 5.2.2", "CIS Kubernetes 5.7.2", "NIST SSDF PS.3.2", "NIST SSDF PW.8.2"]) expect([id, full.verdict(id), full.evidence(id)]).toEqual([id, "holds", expect.any(String)]);
    for (const id of ["SLSA Build L2 isolation: hosted", "CIS Kubernetes 5.5.1", "NIST SSDF PO.4.2"]) expect([id, full.verdict(id)]).toEqual([id, "does-not-hold"]);
    expect(full.verdict("NIST SSDF PO.1")).toBe("not-applicable");
    expect(full.evidence("CIS Docker 5.13")).toBe("env/dev/api/manifests/deployment.yaml: Deployment api: readOnlyRootFilesystem is true");
    expect(full.evidence("CIS Kubernetes 5.2.2")).toBe("integrate/verdict.json: the cluster refuses a privileged container");
  });

  test("nothing signed, nothing shown", () => {
    const unsigned = of({ ...FULL, stages: GOOD.stages, signing: GOOD.signing });
    expect(unsigned.report.slsaBuildLevel).toBe(0);
    expect(unsigned.verdict("CIS Docker 4.12")).toBe("does-not-hold");
    expect(unsigned.evidence("NIST SSDF PS.2.1")).toContain("Not signed: no --signing-key was given.");
  });

  test("nothing looked at is not nothing found", () => {
    expect(of({ ...FULL, scans: [{ ...scan, covered: ["21 Debian packages"] }] }).verdict("CIS Docker 4.1")).toBe("does-not-hold");
    expect(of({ ...FULL, scans: [] }).verdict("CIS Docker 4.4")).toBe("does-not-hold");
    expect(of({ ...FULL, scans: [{ ...scan, notCovered: ["18 Python packages"] }] }).verdict("NIST SSDF PW.4.4")).toBe("does-not-hold");
    expect(of(FULL, PROVEN, {}).verdict("CIS Docker 5.13")).toBe("does-not-hold");
    expect(of(FULL, { ...VERDICT, policies: [] }).evidence("CIS Kubernetes 5.2.7")).toContain("not seen to refuse a container as root");
  });

  test("one manifest that differs is enough, and is named", () => {
    const broken = { ...tree, "env/dev/api/manifests/deployment.yaml": tree["env/dev/api/manifests/deployment.yaml"]!.replace("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false") };
    const found = of(FULL, PROVEN, broken);
    expect(found.verdict("CIS Docker 5.13")).toBe("does-not-hold");
    expect(found.evidence("CIS Docker 5.13")).toContain("deployment.yaml: Deployment api: not so");
  });

  test("an encrypted file in place of a Secret is no manifest, and counts neither way", () => {
    const sealed = { ...tree, "env/dev/api/manifests/secret.sops.yaml": "TOKEN: ENC[AES256_GCM,data:x]\nsops: {}\n" };
    expect(manifestsIn(sealed)).toEqual(manifestsIn(tree));
  });

  test("a finding speaks against its control, unless it is excused until a day", () => {
    const finding = { kind: "misconfiguration" as const, id: "image-setuid", package: "api", version: "", fixedIn: "", severity: "high" as const, source: "image checks", location: "/usr/bin/su" };
    expect(of({ ...FULL, scans: [{ ...scan, findings: [finding] }] }).evidence("CIS Docker 4.8")).toContain("/usr/bin/su");
    expect(of({ ...FULL, scans: [{ ...scan, findings: [{ ...finding, exception: { status: "not_affected", reason: "r", expires: "2999-01-01", file: "openvex.json" } }] }] }).verdict("CIS Docker 4.8")).toBe("holds");
  });

  test("a failed run claims nothing for what it did not reach", () => {
    const failed = of(FAILED, null);
    expect(failed.verdict("NIST SSDF PW.8.2")).toBe("does-not-hold");
    expect(failed.verdict("CIS Kubernetes 5.2.1")).toBe("does-not-hold");
  });

  test("as Markdown: counts first, what does not hold in bold", () => {
    const text = renderCompliance(of(FULL).report);
    expect(text).toMatch(/SLSA build level: 1\.[\s\S]*\| SLSA Build track \| 4 \| 4 \| 0 \| 8 controls \|/);
    expect(text).toContain("**does not hold**");
    expect(text).not.toMatch(/\n\n\| [^|]+ \|[^\n]*\n(?!\|)/);
  });
});
