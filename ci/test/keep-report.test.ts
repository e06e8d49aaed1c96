import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keepReport } from "../../.dagger/programs/keep-report.ts";
import { lookAnswers } from "../../.dagger/programs/look-answers.ts";
import { answerOf } from "../../.dagger/src/lib/kept-answers.ts";
import { FAILED, GOOD, VERDICT } from "./report-fixtures.ts";

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), "golden-path-report-")); });
afterEach(() => { rmSync(folder, { recursive: true }); });

function evidence(files: Record<string, string>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, "evidence", path, ".."), { recursive: true });
    writeFileSync(join(folder, "evidence", path), text);
  }
  return join(folder, "evidence");
}

test("every form lies beside the evidence, and the page shows what it may", async () => {
  const report = FAILED;
  await keepReport({ report, rendered: {}, answers: {}, withdrawn: [] }, evidence({ "logs/api/test.log": "one line of output", "api/sbom.cdx.json": "{}" }), join(folder, "runs"));
  const kept = join(folder, "runs", report.runId);
  expect(readdirSync(kept).sort()).toEqual(expect.arrayContaining(["api", "index.html", "junit.xml", "logs", "report.json", "summary.md"]));
  const page = readFileSync(join(kept, "index.html"), "utf8");
  expect(page).toContain("one line of output");
  expect(page).toContain("api/<wbr>sbom.cdx.json");
  expect((JSON.parse(readFileSync(join(kept, "report.json"), "utf8")) as { runId: string }).runId).toBe(report.runId);
});

test("what a run found out is found by the next that asks the same", async () => {
  const answer = answerOf(GOOD.startedAt, GOOD.stages, GOOD.images[0], GOOD.scans[0])!;
  const proof = { key: "k1", env: "dev", runId: GOOD.runId, verdict: VERDICT } as const;
  const files = evidence({ "api/sbom.cdx.json": "{}", "api/sbom.spdx.json": "{}", "integrate/timeline.txt": "4 s" });
  const runs = join(folder, "runs");
  await keepReport({ report: GOOD, rendered: {}, answers: { known: { ...answer, at: "before" } }, withdrawn: [], proof }, files, runs);
  // Found out anew, it stands in the place of what was known.
  await keepReport({ report: GOOD, rendered: {}, answers: { known: answer }, withdrawn: [], proof }, files, runs);
  const [answers, out] = [join(runs, "answers"), join(folder, "out")];
  expect(readdirSync(answers).sort()).toEqual(["known", "proof-dev-k1"]);
  const asks = { keys: { api: "known" }, env: "dev" } as const;
  // A proof is of all services together.
  expect(await lookAnswers({ ...asks, keys: { api: "known", web: "unknown" } }, answers, out)).toEqual({ services: { api: answer }, proofs: [] });
  expect(await lookAnswers(asks, answers, out)).toEqual({ services: { api: answer }, proofs: [proof] });
  expect(await lookAnswers({ ...asks, env: "stage" }, answers, out)).toEqual({ services: { api: answer }, proofs: [] });
  expect(readdirSync(join(out, "proofs/proof-dev-k1")).sort()).toEqual(["proof.json", "timeline.txt"]);
  expect(readdirSync(join(out, "services/api")).sort()).toEqual(["answer.json", "sbom.cdx.json", "sbom.spdx.json"]);

  writeFileSync(join(answers, "known/answer.json"), "half of");
  expect((await lookAnswers(asks, answers, out)).services).toEqual({});
});

test("an answer counts while the registry has the whole image under its tag", async () => {
  const blob = (of: string): string => `sha256:${createHash("sha256").update(of).digest("hex")}`;
  const manifest = JSON.stringify({ config: { digest: blob("config") }, layers: [{ digest: blob("layer") }] });
  const image = { ...GOOD.images[0]!, digest: blob(manifest), version: "2026.11.22+1" };
  const answer = answerOf(GOOD.startedAt, GOOD.stages, image, GOOD.scans[0])!;
  const runs = join(folder, "runs");
  await keepReport({ report: GOOD, rendered: {}, answers: { known: answer }, withdrawn: [] }, evidence({ "api/sbom.cdx.json": "{}" }), runs);

  let holds: Record<string, string> = { "/v2/api/manifests/2026.11.22-1": manifest, [`/v2/api/blobs/${blob("config")}`]: "", [`/v2/api/blobs/${blob("layer")}`]: "" };
  const registry = createServer(({ url }, response) => { response.writeHead(holds[url!] === undefined ? 404 : 200).end(holds[url!]); }).listen(0, "127.0.0.1");
  await once(registry, "listening");
  const wanted = { keys: { api: "known" }, env: "dev", registry: `http://127.0.0.1:${(registry.address() as AddressInfo).port}` } as const;
  const known = async (): Promise<string[]> => Object.keys((await lookAnswers(wanted, join(runs, "answers"), join(folder, "out"))).services);
  const all = holds;
  expect(await known()).toEqual(["api"]);
  holds = { ...all, "/v2/api/manifests/2026.11.22-1": `${manifest} ` };
  expect(await known()).toEqual([]);
  for (const gone of Object.keys(all)) {
    holds = Object.fromEntries(Object.entries(all).filter(([path]) => path !== gone));
    expect(await known(), gone).toEqual([]);
  }
  registry.close();
  expect(await known()).toEqual([]);
});

test("what a later run found to fail is withdrawn", async () => {
  const answer = answerOf(GOOD.startedAt, GOOD.stages, GOOD.images[0], GOOD.scans[0])!;
  const proof = { key: "k1", env: "dev", runId: GOOD.runId, verdict: VERDICT } as const;
  const files = evidence({ "api/sbom.cdx.json": "{}", "integrate/timeline.txt": "4 s" });
  const runs = join(folder, "runs");
  await keepReport({ report: GOOD, rendered: {}, answers: { one: answer, other: answer }, withdrawn: [], proof }, files, runs);
  await keepReport({ report: FAILED, rendered: {}, answers: {}, withdrawn: ["one", "proof-dev-k1", "never-kept"] }, files, runs);
  expect(readdirSync(join(runs, "answers"))).toEqual(["other"]);
});

test("only so many answers are kept, the ones asked for last", async () => {
  const answer = answerOf(GOOD.startedAt, GOOD.stages, GOOD.images[0], GOOD.scans[0])!;
  const old = join(folder, "runs/answers");
  for (let i = 0; i < 205; i++) {
    mkdirSync(join(old, `k${i}`), { recursive: true });
    utimesSync(join(old, `k${i}`), 1000 + i, 1000 + i);
  }
  await keepReport({ report: GOOD, rendered: {}, answers: { newest: answer }, withdrawn: [] }, evidence({ "api/sbom.cdx.json": "{}" }), join(folder, "runs"));
  const left = readdirSync(old);
  expect(left).toHaveLength(200);
  expect(left).toContain("newest");
  expect(left).not.toContain("k5");
  expect(left).toContain("k6");
});

test("a page that cannot be drawn costs neither the summary nor the evidence", async () => {
  const report = { ...GOOD, changes: undefined as never };
  await keepReport({ report, rendered: {}, answers: {}, withdrawn: [] }, evidence({ "integrate/verdict.json": "no JSON" }), join(folder, "runs"));
  const kept = join(folder, "runs", report.runId);
  expect(readFileSync(join(kept, "report-failed.txt"), "utf8")).toMatch(/^drawing the report: .+; this is a defect, please report it\n$/);
  expect(readdirSync(kept)).toEqual(expect.arrayContaining(["integrate", "report.json", "summary.md"]));
});
