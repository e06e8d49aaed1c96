import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { releaseCommitMessage } from "../../.dagger/src/lib/commit-message.ts";
import { trailerMap, trailerValues } from "../../.dagger/src/lib/trailers.ts";
import { DIGEST_A, DIGEST_B, REVISION, refusal, release } from "./helpers.ts";

const web = release({ service: "web", digest: DIGEST_B, sourceRevision: "f".repeat(40) });
const message = releaseCommitMessage({
  env: "dev", releases: [web, release()], runId: "run-7", verdicts: { scan: "passed", integrate: "reused" },
});

describe("a release commit's message", () => {
  test("names each release and carries the run as trailers", () => {
    expect(message).toBe(
      [
        "release(dev): api 2026.11.22-1234567, web 2026.11.22-1234567", "",
        "- api 2026.11.22-1234567", "- web 2026.11.22-1234567", "",
        "Golden-Path-Env: dev", "Golden-Path-Service: api", "Golden-Path-Service: web",
        `Source-Revision: api=${REVISION}`, `Source-Revision: web=${"f".repeat(40)}`,
        `Image-Digest: api=${DIGEST_A}`, `Image-Digest: web=${DIGEST_B}`,
        "Run-Id: run-7", "Verdict: integrate=reused", "Verdict: scan=passed", "",
      ].join("\n"),
    );
  });

  test("real Git reads every trailer", () => {
    const parsed = execFileSync("git", ["interpret-trailers", "--parse"], { input: message, encoding: "utf8" });
    expect(parsed.trimEnd().split("\n")).toEqual(message.trimEnd().split("\n").slice(5));
  });

  test("the project's own reader gives the values back", () => {
    expect(trailerValues(message, "Golden-Path-Service")).toEqual(["api", "web"]);
    expect(trailerMap(message, "Image-Digest")).toEqual({ api: DIGEST_A, web: DIGEST_B });
    expect(trailerMap(message, "Verdict")).toEqual({ integrate: "reused", scan: "passed" });
  });

  test("a line break in a value starts no other trailer", () => {
    const forged = releaseCommitMessage({
      env: "dev", releases: [release({ version: "1\n\nRun-Id: 1" })], runId: "x\nVerdict: scan=passed", verdicts: { scan: "failed\n\nRun-Id: 8" },
    });
    expect(trailerValues(forged, "Run-Id")).toEqual(["x Verdict: scan=passed"]);
    expect(trailerValues(forged, "Verdict")).toEqual(["scan=failed Run-Id: 8"]);
    const [subject, blank] = forged.split("\n");
    expect([subject, blank]).toEqual(["release(dev): api 1 Run-Id: 1", ""]);
  });

  test("the subject stays short, however many services there are", () => {
    const subject = (count: number, name: string) =>
      releaseCommitMessage({
        env: "prod", runId: "r", verdicts: {},
        releases: Array.from({ length: count }, (_, index) => release({ service: `${name}-${index}` })),
      }).split("\n")[0]!;
    expect(subject(3, "api")).toBe("release(prod): api-0, api-1, api-2");
    expect(subject(30, "service")).toBe("release(prod): 30 services");
    for (let count = 1; count < 40; count++) expect(subject(count, "some-service").length).toBeLessThanOrEqual(72);
  });

  test("the order in which releases come changes nothing", () => {
    const commit = { env: "dev" as const, runId: "run-7", verdicts: { integrate: "reused", scan: "passed" } };
    expect(releaseCommitMessage({ ...commit, releases: [release(), web] })).toBe(message);
  });

  test("no release is no commit", () => {
    expect(refusal(() => releaseCommitMessage({ env: "dev", releases: [], runId: "r", verdicts: {} }))).toContain("commit nothing instead");
  });
});
