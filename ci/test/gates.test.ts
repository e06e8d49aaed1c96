import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { frozen, type Freeze } from "../../.dagger/src/lib/freeze.ts";
import { DEFAULT_POLICY, judge, parseGates } from "../../.dagger/src/lib/gates.ts";
import { holdOn, holdPath, parseHold, renderHold, type Hold } from "../../.dagger/src/lib/holds.ts";
import { proposalBranch, proposalOf } from "../../.dagger/src/lib/proposal.ts";
import { parseSource, renderSource } from "../../.dagger/src/lib/release-source.ts";
import { DIGEST_A, DIGEST_B, goldenBase, refusal, release, ROOT, spec } from "./helpers.ts";

const head = "apiVersion: golden-path/v1\nkind: Gates\n";

describe("gates.yaml", () => {
  test("the one that a repository begins with is right", () => {
    const gates = parseGates(readFileSync(join(ROOT, "gitops/gates.yaml"), "utf8"));
    expect(gates.stage).toEqual({ ...DEFAULT_POLICY, scan: "high" });
    expect(gates.prod).toMatchObject({ soakSeconds: 600, freeze: [], approvals: { count: 0 } });
  });

  test("everything wrong with it is said at once, with lines", () => {
    const text = `${head}stage:\n  soak: soon\n  scan: severe\n  aproval: 1\nprod:\n  approvals: {count: 2, from: [a]}\n  freeze:\n    - {from: x, to: y, reason: z}\n    - {days: [someday], from: "10:00", to: "09:00", reason: z}\n`;
    expect(refusal(() => parseGates(text)).split("\n")).toEqual([
      "gates.yaml:6: stage.aproval: unknown field (did you mean \"approvals\"?); use integration, scan, soak, approvals, freeze",
      "gates.yaml:5: stage.scan: use none, unknown, low, medium, high, critical",
      "gates.yaml:4: stage.soak: use a whole number and s, m, h or d, as in 10m",
      "gates.yaml:8: prod.approvals.count: 2 cannot be reached; name at least as many people under from",
      "gates.yaml:10: prod.freeze.0.from: use two UTC times, the earlier first, as in 2026-12-23T00:00:00Z; or name days for every week",
      "gates.yaml:11: prod.freeze.1.days: use sun, mon, tue, wed, thu, fri, sat",
    ]);
  });

  test("without a record nothing is taken for granted", () => {
    const facts = { now: 0, from: "dev" as const, to: "stage" as const, release: release(), record: undefined, approvals: [] };
    expect(judge({ ...DEFAULT_POLICY, soakSeconds: 1 }, facts).map(({ gate, passed }) => [gate, passed])).toEqual([["integration", false], ["scan", false], ["soak", false]]);
  });

  test("a weekly window is open on its days and times, in UTC", () => {
    const friday: Freeze = { kind: "weekly", days: [5], fromMinute: 900, toMinute: 1440, reason: "x" };
    expect(frozen(friday, Date.parse("2026-11-20T14:59:59Z"))).toBeUndefined();
    expect(frozen(friday, Date.parse("2026-11-20T15:00:00Z"))).toBe(Date.parse("2026-11-21T00:00:00Z"));
    expect(frozen(friday, Date.parse("2026-11-21T15:00:00Z"))).toBeUndefined();
  });
});

describe("holds", () => {
  const hold: Hold = { service: "api", env: "stage", digest: DIGEST_A, version: "1", reason: "it: answers\n500", by: "pat", run: "r", at: "2026-11-22T12:00:00Z" };

  test("come back as written, on one line each", () => {
    expect(parseHold(renderHold(hold), holdPath(hold))).toEqual({ ...hold, reason: "it: answers 500" });
  });

  test("one that cannot be read, or lies elsewhere, is refused", () => {
    expect(refusal(() => parseHold(renderHold(hold).replace("stage", "prod"), holdPath(hold)))).toMatch(/it holds api in prod, whose place is holds\/prod\/api\//);
    expect(refusal(() => parseHold("kind: Hold\n", "holds/x.yaml"))).toMatch(/holds\/x\.yaml: digest: missing/);
  });

  test("count in their environment and in those after it", () => {
    const on = (env: "dev" | "stage" | "prod", digest = DIGEST_A): boolean => holdOn([hold], { env, service: "api", digest }) !== undefined;
    expect([on("dev"), on("stage"), on("prod"), on("prod", DIGEST_B)]).toEqual([false, true, true, false]);
  });
});

describe("what manifests were rendered from", () => {
  test("comes back as it was, comments and all", () => {
    const source = { spec: spec('env: {A: "yes", B: "1e3", C: "", D: " x"}\nexpose: true\n'), base: goldenBase() };
    const text = renderSource(source, "env/dev/api/source.yaml");
    expect(parseSource(text, "env/dev/api/source.yaml")).toEqual({ ...source, sealed: {} });
    expect(text).toContain("# A release that does not become ready in this time is reported as failed.");
    expect(refusal(() => parseSource(text, "env/dev/web/source.yaml"))).toMatch(/"api" differs from its folder "web"/);
  });
});

describe("a protected branch's proposal", () => {
  const message = "promote(stage): api 1\n\nx";
  test("is named by what changes, not by run or time", () => {
    const change = (record: string, text = "b") => ({ message, edits: [{ path: "env/stage/api/record.yaml", content: record }, { path: "a", content: text }] });
    expect(proposalBranch(change("1"))).toBe(proposalBranch(change("2")));
    expect(proposalBranch(change("1"))).not.toBe(proposalBranch(change("1", "c")));
    expect(proposalBranch(change("1"))).toMatch(/^golden-path\/promote-stage-[0-9a-f]{12}$/);
  });

  test.each([
    ["https://github.com/team/gitops.git", "at https://github.com/team/gitops/compare/main...golden-path%2Fx?expand=1&title=promote(stage)%3A%20api%201"],
    ["git@github.com:team/gitops.git", "at https://github.com/team/gitops/compare/main...golden-path%2Fx?expand=1&title=promote(stage)%3A%20api%201"],
    ["https://gitlab.example.com/a/b/gitops", "at https://gitlab.example.com/a/b/gitops/-/merge_requests/new?merge_request%5Bsource_branch%5D=golden-path%2Fx&merge_request%5Btarget_branch%5D=main"],
    ["git://127.0.0.1/gitops.git", "on your Git server"],
  ])("%s", (url, where) => {
    expect(proposalOf({ url, branch: "main" }, "golden-path/x", "c", message).advice).toContain(`to main ${where}; merge it`);
  });
});
