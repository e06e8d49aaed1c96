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
  await keepReport({ report, rendered: {}, answers: {} }, evidence({ "logs/api/test.log": "one line of output", "api/sbom.cdx.json": "{}" }), join(folder, "runs"));
  const kept = join(folder, "runs", report.runId);
  expect(readdirSync(kept).sort()).toEqual(expect.arrayContaining(["api", "index.html", "junit.xml", "logs", "report.json", "summary.md"]));
  const page = readFileSync(join(kept, "index.html"), "utf8");
  expect(page).toContain("one line of output");
  expect(page).toContain("api/<wbr>sbom.cdx.json");
  expect((JSON.parse(readFileSync(join(kept, "report.json"), "utf8")) as { runId: string }).runId).toBe(report.runId);
});

test("what a run found out is found by the next that asks the same, while the registry has the image", async () => {
  const image = GOOD.images[0]!;
  const scan = GOOD.scans[0]!;
  const answer = answerOf(GOOD.runId, GOOD.startedAt, GOOD.stages, image, scan)!;
  const proof = { key: "k1", env: "dev", verdict: VERDICT } as const;
  const files = evidence({ "api/sbom.cdx.json": "{}", "api/sbom.spdx.json": "{}", "integrate/timeline.txt": "4 s" });
  await keepReport({ report: GOOD, rendered: {}, answers: { known: answer }, proof }, files, join(folder, "runs"));
  const [answers, out] = [join(folder, "runs/answers"), join(folder, "out")];
  expect(readdirSync(answers).sort()).toEqual(["known", "proof-dev-k1"]);
  const asks = { keys: { api: "known" }, env: "dev" } as const;
  // A proof is of all services together.
  expect(await lookAnswers({ ...asks, keys: { api: "known", web: "unknown" } }, answers, out)).toEqual({ services: { api: answer }, proofs: [] });
  expect(await lookAnswers(asks, answers, out)).toEqual({ services: { api: answer }, proofs: [proof] });
  expect(await lookAnswers({ ...asks, env: "stage" }, answers, out)).toEqual({ services: { api: answer }, proofs: [] });
  expect(readdirSync(join(out, "proofs/proof-dev-k1")).sort()).toEqual(["proof.json", "timeline.txt"]);
  expect(readdirSync(join(out, "services/api")).sort()).toEqual(["answer.json", "sbom.cdx.json", "sbom.spdx.json"]);

  const asked: string[] = [];
  let status = 200;
  const registry = createServer((request, response) => { asked.push(`${request.method!} ${request.url!}`); response.writeHead(status).end(); }).listen(0, "127.0.0.1");
  await once(registry, "listening");
  const wanted = { ...asks, registry: `http://127.0.0.1:${(registry.address() as AddressInfo).port}` };
  expect(Object.keys((await lookAnswers(wanted, answers, out)).services)).toEqual(["api"]);
  expect(asked).toEqual([`HEAD /v2/api/manifests/${image.digest}`]);
  status = 404;
  expect(await lookAnswers(wanted, answers, out)).toEqual({ services: {}, proofs: [] });
  registry.close();
  expect(await lookAnswers(wanted, answers, out)).toEqual({ services: {}, proofs: [] });
  writeFileSync(join(answers, "known/answer.json"), "half of");
  expect((await lookAnswers(asks, answers, out)).services).toEqual({});
});

test("only so many answers are kept, the ones asked for last", async () => {
  const answer = answerOf(GOOD.runId, GOOD.startedAt, GOOD.stages, GOOD.images[0], GOOD.scans[0])!;
  const old = join(folder, "runs/answers");
  for (let i = 0; i < 205; i++) {
    mkdirSync(join(old, `k${i}`), { recursive: true });
    utimesSync(join(old, `k${i}`), 1000 + i, 1000 + i);
  }
  await keepReport({ report: GOOD, rendered: {}, answers: { newest: answer } }, evidence({ "api/sbom.cdx.json": "{}" }), join(folder, "runs"));
  const left = readdirSync(old);
  expect(left).toHaveLength(200);
  expect(left).toContain("newest");
  expect(left).not.toContain("k5");
  expect(left).toContain("k6");
});

test("a page that cannot be drawn costs neither the summary nor the evidence", async () => {
  const report = { ...GOOD, changes: undefined as never };
  await keepReport({ report, rendered: {}, answers: {} }, evidence({ "integrate/verdict.json": "no JSON" }), join(folder, "runs"));
  const kept = join(folder, "runs", report.runId);
  expect(readFileSync(join(kept, "report-failed.txt"), "utf8")).toMatch(/^drawing the report: .+; this is a defect, please report it\n$/);
  expect(readdirSync(kept)).toEqual(expect.arrayContaining(["integrate", "report.json", "summary.md"]));
});
