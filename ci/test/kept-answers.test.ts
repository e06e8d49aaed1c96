import { describe, expect, test } from "vitest";
import { answerKey, answerOf, type ServiceQuestion, stillGood } from "../../.dagger/src/lib/kept-answers.ts";
import { parseServiceSpec } from "../../.dagger/src/lib/service-spec.ts";
import { GOOD } from "./report-fixtures.ts";

const QUESTION: ServiceQuestion = {
  module: "m",
  images: { debian: `debian@sha256:${"0".repeat(64)}` },
  registry: "registry.example.com",
  spec: parseServiceSpec("name: api\nowner: team-a\nlanguage: node\nport: 8080\n", "service/api/service.yaml"),
  source: { content: "c", revision: { service: "api", revision: "a".repeat(40), time: "2026-11-22T00:00:00Z", dirty: false, changed: [], version: "1" } },
  base: { "deployment.yaml": "kind: Deployment" },
  env: "dev",
  failOn: "high",
  day: "2026-11-22",
};

describe("the key of a question", () => {
  test("differs with everything that the answer may depend on", () => {
    const { source } = QUESTION;
    const others: Partial<ServiceQuestion>[] = [
      {}, { module: "n" }, { images: { debian: `debian@sha256:${"1".repeat(64)}` } }, { registry: "other.example.com" }, { spec: { ...QUESTION.spec, port: 8081 } },
      { source: { ...source, content: "d" } }, { source: { ...source, revision: { ...source.revision, time: "2026-11-22T00:00:01Z" } } },
      { source: { ...source, revision: { ...source.revision, revision: `${"a".repeat(40)}-dirty` } } },
      { base: { "deployment.yaml": "kind: Deployment\n" } }, { env: "stage" }, { failOn: "low" }, { day: "2026-11-23" },
    ];
    const keys = others.map((other) => answerKey({ ...QUESTION, ...other }));
    expect(keys.every((key) => /^[0-9a-f]{64}$/.test(key))).toBe(true);
    expect(new Set(keys).size).toBe(others.length);
  });

  test("is the same for the same question", () => {
    expect(answerKey(structuredClone(QUESTION))).toBe(answerKey(QUESTION));
  });
});

describe("an answer", () => {
  const [image, scan] = [GOOD.images[0]!, GOOD.scans[0]!];
  const of = (change: Partial<typeof GOOD> = {}) => {
    const { stages, images, scans } = { ...GOOD, ...change };
    return answerOf("2026-11-22T00:00:00Z", stages, images[0], scans[0]);
  };

  test("tells the image, the findings and each stage's sentence", () => {
    expect(of()).toMatchObject({ at: "2026-11-22T00:00:00Z", image, scan, details: { lint: "style and types", scan: "no finding of high or above" } });
  });

  test("is none where anything failed, was taken over, or is missing", () => {
    const changed = (status: "failed" | "skipped" | "reused") => GOOD.stages.map((stage) => (stage.name === "test" ? { ...stage, status } : stage));
    expect(of({ stages: changed("failed") })).toBeUndefined();
    expect(of({ stages: changed("reused") })).toBeUndefined();
    expect(of({ stages: GOOD.stages.filter(({ name }) => name !== "lint") })).toBeUndefined();
    expect(of({ images: [] })).toBeUndefined();
    expect(of({ scans: [] })).toBeUndefined();
    expect(of({ scans: [{ ...scan, gate: { passed: false, sentence: "no" } }] })).toBeUndefined();
  });

  test("is none where an exception with an end counted", () => {
    const exception = { status: "not_affected", reason: "not reachable", expires: "2026-12-01", file: "openvex.json" };
    expect(of({ scans: [{ ...scan, findings: [{ ...scan.findings[0]!, exception }] }] })).toBeUndefined();
  });

  test("holds no longer than the data that it rests on", () => {
    const answer = of()!;
    const signed = Date.parse(scan.dataDate);
    expect(stillGood(answer, signed + 7 * 86_400_000 - 1)).toBe(true);
    expect(stillGood(answer, signed + 7 * 86_400_000)).toBe(false);
  });
});
