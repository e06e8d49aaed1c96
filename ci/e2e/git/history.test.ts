import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { histories } from "../../../.dagger/programs/source-history.ts";

let source = "";
const git = (...args: string[]): string =>
  execFileSync("git", ["-C", source, "-c", "user.name=Ada & Bob", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false", ...args], { encoding: "utf8" }).trim();
const commit = (file: string, subject: string): string => {
  mkdirSync(join(source, file, ".."), { recursive: true });
  writeFileSync(join(source, file), subject);
  git("add", "-A");
  git("commit", "-q", "-m", subject);
  return git("rev-parse", "HEAD");
};
beforeAll(() => {
  source = mkdtempSync(join(tmpdir(), "history-"));
  git("init", "-q", "-b", "main");
});
afterAll(() => rmSync(source, { recursive: true, force: true }));

test("lists the commits that touched a service's inputs after its last release", async () => {
  const released = commit("service/api/a", "First");
  commit("service/web/a", "Another service");
  const shared = commit("k8s/base/a", "The base, with <script> and a line\n\nand a body");
  const head = commit("service/api/b", "Second");
  const paths = ["service/api", "k8s/base"];
  const unknown = "f".repeat(40);
  const found = await histories({
    source,
    ranges: { api: { from: released, to: head, paths }, back: { from: head, to: released, paths }, lost: { from: unknown, to: head, paths } },
  });
  expect(found["api"]).toMatchObject({
    total: 2,
    commits: [{ hash: head, author: "Ada & Bob", subject: "Second" }, { hash: shared, subject: "The base, with <script> and a line" }],
  });
  expect(found["api"]!.commits[0]!.time).toMatch(/^\d{4}-\d\d-\d\dT/);
  expect(found["back"]).toEqual({ commits: [], total: 0, note: `${released.slice(0, 7)} does not follow ${head.slice(0, 7)}, the revision of the last release` });
  expect(found["lost"]!.note).toBe("this checkout's history does not have fffffff, the revision of the last release");
});
