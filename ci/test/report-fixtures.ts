import type { ServiceChange } from "../../.dagger/src/lib/changes.ts";
import type { IntegrateVerdict } from "../../.dagger/src/lib/integrate-plan.ts";
import type { ReportFile } from "../../.dagger/src/lib/page/bundle.ts";
import type { RunReport, StageResult } from "../../.dagger/src/lib/report.ts";
import { DIGEST_A, DIGEST_B, REVISION } from "./helpers.ts";

/** A run as it could have been, for tests of what shows one. */

const stage = (name: string, service: string | undefined, begin: number, seconds: number, detail: string, status: StageResult["status"] = "passed"): StageResult =>
  ({ name, ...(service === undefined ? {} : { service }), begin, seconds, status, detail });

const LAYERS = [
  { title: "python runtime from 21 locked Debian trixie packages", digest: DIGEST_A, bytes: 21_900_000 },
  { title: "dependencies from requirements.txt", digest: DIGEST_B, bytes: 5_900_000 },
  { title: "the service", digest: DIGEST_A, bytes: 24_000 },
];

const CHANGE: ServiceChange = {
  service: "api",
  from: { version: "2026.11.20-abcdef0", sourceRevision: "abcdef0".padEnd(40, "0"), digest: DIGEST_B },
  to: { version: "2026.11.22-1234567", sourceRevision: REVISION, digest: DIGEST_A },
  commits: [
    { hash: REVISION, time: "2026-11-22T02:00:00+01:00", author: "Ada", subject: "Answer faster" },
    { hash: "9".repeat(40), time: "2026-11-21T02:00:00Z", author: "Grace", subject: "A second replica" },
  ],
  total: 41,
  files: [{
    path: "env/dev/api/manifests/deployment.yaml", kind: "changed",
    diff: `@@ -8,5 +8,5 @@\n spec:\n-  replicas: 1\n+  replicas: 2\n   template:\n-          image: registry/api@${DIGEST_B}\n+          image: registry/api@${DIGEST_A}\n`,
  }, {
    path: "env/dev/api/release.yaml", kind: "changed",
    diff: `@@ -5,3 +5,3 @@\n-version: 2026.11.20-abcdef0\n-sourceTime: 2026-11-20T00:00:00Z\n-digest: ${DIGEST_B}\n+version: 2026.11.22-1234567\n+sourceTime: 2026-11-22T00:00:00Z\n+digest: ${DIGEST_A}\n`,
  }],
};

export const GOOD: RunReport = {
  runId: "20261122-031500-ab12",
  env: "dev",
  startedAt: "2026-11-22T03:15:00.000Z",
  seconds: 48.2,
  stages: [
    stage("lint", "api", 0.4, 3.1, "style and types"),
    stage("test", "api", 0.4, 5.2, "unit tests"),
    stage("build", "api", 0.4, 7.9, "27.8 MB compressed, 2026.11.22-1234567"),
    stage("sbom", "api", 8.3, 1.2, "CycloneDX, 39 packages"),
    stage("scan", "api", 9.5, 0.3, "no finding of high or above"),
    stage("publish", "api", 9.8, 2.4, `registry/api@${DIGEST_A}`),
    stage("integrate", undefined, 12.2, 33.4, "Synced and Healthy at e997985, answering"),
    stage("promote", undefined, 45.6, 2.2, "commit c0ffee1 on main releases api to dev"),
  ],
  images: [{ service: "api", image: `registry/api@${DIGEST_A}`, digest: DIGEST_A, sourceRevision: REVISION, version: "2026.11.22-1234567", bytes: 27_824_000, layers: LAYERS }],
  scans: [{
    service: "api", digest: DIGEST_A,
    findings: [
      { id: "CVE-2026-2", package: "zlib", version: "1.3", fixedIn: "", severity: "low", source: "Debian" },
      { id: "trixie-security:openssl", package: "openssl", version: "3.5.1", fixedIn: "3.5.2", severity: "medium", source: "Debian", location: "libssl3t64" },
    ],
    covered: ["21 Debian packages against trixie-security"], notCovered: ["18 Python packages"], dataDate: "2026-11-20T00:12:42Z",
    gate: { passed: true, sentence: "scan api: no finding of high or above" },
  }],
  changes: [CHANGE],
  promotion: { outcome: "committed", commit: "c0ffee1".padEnd(40, "0"), branch: "main", repository: "gitops.git" },
  signing: { notes: ["Not signed: no --signing-key was given."], images: [] },
};

export const VERDICT: IntegrateVerdict = {
  id: "c82d08f44eddbad2", passed: true, verifiedAt: "2026-11-22T03:15:45Z", env: "dev", gitopsRevision: "e997985".padEnd(40, "0"), kubernetes: "v1.34.11", seconds: 32,
  steps: [{ name: "cluster API", seconds: 4 }, { name: "Argo CD available", seconds: 14 }, { name: "Synced and Healthy", seconds: 9 }, { name: "drift healed", seconds: 5 }],
  services: [{
    name: "api", digest: DIGEST_A, sourceRevision: REVISION,
    application: { revision: "e997985".padEnd(40, "0"), reconciledAt: "2026-11-22T03:15:40Z", operationFinishedAt: "2026-11-22T03:15:38Z" },
    pods: [{ name: "api-7887cd5b4-9npw4", imageIDs: [`registry/api@${DIGEST_A}`] }],
    answers: [{ path: "/health", status: 200, seconds: 0.021 }],
    reportedVersion: { name: "api" },
    drift: [{ change: "Deployment api scaled from 1 to 2", healedSeconds: 4.5 }],
  }],
};

export const FAILED: RunReport = {
  ...GOOD,
  seconds: 271.8,
  stages: [
    ...GOOD.stages.filter(({ service }) => service !== undefined),
    stage("integrate", undefined, 12.2, 259, "integrating under Argo CD: pod api-7887cd5b4-9npw4: container api ended with exit code 1 (`planted: cannot start`)", "failed"),
    stage("promote", undefined, 271.2, 0, "not run: integrate did not pass", "skipped"),
  ],
  promotion: { outcome: "not-asked" },
  signing: { notes: ["Not signed: no --signing-key was given."], images: [] },
};

export const EVIDENCE: ReportFile[] = [
  { path: "api/sbom.cdx.json", bytes: 81_200 },
  { path: "integrate/timeline.txt", bytes: 800, text: "   0.7 s  cluster API\n  19.4 s  Applications made\n" },
  { path: "integrate/events.txt", bytes: 90, text: "dev 3s Warning BackOff pod/api-7887cd5b4-9npw4 Back-off restarting failed container\n" },
  { path: "integrate/logs/dev-api-7887cd5b4-9npw4-api.log", bytes: 30, text: "planted: cannot start\n" },
  { path: "integrate/applications.yaml", bytes: 500, text: "items:\n- metadata: {name: dev-api}\n  status:\n    sync: {status: Synced}\n    health: {status: Degraded}\n    operationState: {phase: Succeeded, message: successfully synced}\n    resources:\n    - {kind: Deployment, name: api, health: {status: Degraded, message: exceeded its progress deadline}}\n" },
  { path: "integrate/pods.yaml", bytes: 12_000 },
];
