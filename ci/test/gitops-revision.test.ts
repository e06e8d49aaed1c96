import { appendFileSync, chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commitTime, isUnder, versionOf } from "../../.dagger/src/lib/source-revision.ts";
import type { RevisionResult } from "../../.dagger/src/lib/gitops-io.ts";
import { revisions } from "../../.dagger/programs/source-revision.ts";
import { git, Scene, sentence } from "../e2e/git/fixtures.ts";

let scene: Scene;
let source: string;
let tick: number;
beforeEach(() => {
  scene = new Scene();
  source = join(scene.dir, "source");
  tick = Date.UTC(2026, 10, 22, 2) / 1000;
  git(["init", "--quiet", "--initial-branch=main", source]);
});
afterEach(() => scene.close());

function put(path: string, content: string): void {
  mkdirSync(dirname(join(source, path)), { recursive: true });
  writeFileSync(join(source, path), content);
}

function commit(message: string): string {
  const date = `@${(tick += 60)} +0200`;
  git(["-C", source, "add", "--all"]);
  git(["-C", source, "commit", "--quiet", "-m", message], { env: { GIT_COMMITTER_DATE: date, GIT_AUTHOR_DATE: "@1 +0000" } });
  return git(["-C", source, "rev-parse", "HEAD"]).trim();
}

function find(at = source): Promise<RevisionResult> {
  return revisions({ source: at, services: { a: "service/a", ab: "service/ab" }, shared: ["base"] });
}

async function found(at?: string): Promise<Record<string, string>> {
  return Object.fromEntries((await find(at)).revisions.map((each) => [each.service, each.revision]));
}

describe("source revision", () => {
  it("is the last commit that touched the service or what all share", async () => {
    put("base/x", "1");
    put("service/ab/x", "1");
    const first = commit("both");
    put("service/a/x", "1");
    const second = commit("a");
    put("README.md", "unrelated");
    const third = commit("docs");
    const result = await find();
    expect(result.head).toBe(third);
    expect(result.revisions).toEqual([
      { service: "a", revision: second, time: "2026-11-22T02:02:00Z", dirty: false, changed: [], version: `2026.11.22-${second.slice(0, 7)}` },
      { service: "ab", revision: first, time: "2026-11-22T02:01:00Z", dirty: false, changed: [], version: `2026.11.22-${first.slice(0, 7)}` },
    ]);
    put("base/x", "2");
    const shared = commit("base");
    expect(await found()).toEqual({ a: shared, ab: shared });
  });

  it("is dirty for a change, a removal, a staged or a new file in its inputs only; ignored files do not count", async () => {
    put("service/a/x", "1");
    put("service/a/ä b", "1");
    put("service/ab/x", "1");
    put(".gitignore", "*.log\n");
    const clean = commit("start");
    put("service/a/debug.log", "noise");
    put("elsewhere", "noise");
    expect(await found()).toEqual({ a: clean, ab: clean });
    put("service/a/new", "1");
    rmSync(join(source, "service/a/ä b"));
    const result = (await find()).revisions;
    expect(result[0]).toMatchObject({ revision: `${clean}-dirty`, dirty: true, changed: ["service/a/ä b", "service/a/new"] });
    expect(result[0]!.version).toBe(`2026.11.22-${clean.slice(0, 7)}-dirty`);
    expect(result[1]!.revision).toBe(clean);
    put("service/ab/x", "staged");
    git(["-C", source, "add", "service/ab/x"]);
    expect((await found()).ab).toBe(`${clean}-dirty`);
    put("service/ab/x", "1");
    git(["-C", source, "add", "service/ab/x"]);
    put("base/new", "untracked shared input");
    expect((await found()).ab).toBe(`${clean}-dirty`);
  });

  it("a service that no commit knows yet is HEAD and dirty", async () => {
    put("README.md", "x");
    const head = commit("start");
    put("service/a/x", "1");
    expect((await find()).revisions[0]).toMatchObject({ revision: `${head}-dirty`, dirty: true });
  });

  it("is not changed by other file times, owners or settings of the checkout", async () => {
    put("service/a/x", "1");
    put("service/ab/x", "1");
    const clean = commit("start");
    git(["-C", source, "config", "core.fsmonitor", `touch ${scene.dir}/ran; false`]);
    git(["-C", source, "config", "core.hooksPath", "/nonexistent"]);
    put("service/a/x", "1");
    const moved = join(scene.dir, "moved");
    renameSync(source, moved);
    expect(await found(moved)).toEqual({ a: clean, ab: clean });
    expect(() => git(["ls-files", "--error-unmatch", join(scene.dir, "ran")])).toThrow();
  });

  it("a shallow clone is refused only where its cut may hide the answer", async () => {
    put("service/ab/x", "1");
    commit("ab");
    put("service/a/x", "1");
    const second = commit("a");
    put("service/ab/x", "2");
    const third = commit("ab again");
    const clone = join(scene.dir, "shallow");
    git(["clone", "--quiet", "--depth=2", `file://${source}`, clone]);
    expect(await sentence(find(clone))).toMatch(/^finding the source revision of a: the history is cut off at .*run git fetch --unshallow$/);
    expect((await revisions({ source: clone, services: { ab: "service/ab" }, shared: [] })).revisions[0]!.revision).toBe(third);
    git(["-C", clone, "fetch", "--quiet", "--unshallow"]);
    expect(await found(clone)).toEqual({ a: second, ab: third });
  });

  it("says what to do without .git, without a commit, in a linked work tree", async () => {
    expect(await sentence(find())).toMatch(/the source has no commit yet.*commit it first/);
    expect(await sentence(find(scene.dir))).toMatch(/the source has no \.git folder; run from a Git checkout/);
    put("service/a/x", "1");
    commit("start");
    const linked = join(scene.dir, "linked");
    git(["-C", source, "worktree", "add", "--quiet", linked]);
    expect(await sentence(find(linked))).toMatch(/\.git is a pointer to .*run from a plain clone/);
  });

  it("follows a link that is an input without leaving the checkout", async () => {
    put("service/a/x", "1");
    symlinkSync("/etc/hostname", join(source, "service/a/link"));
    const clean = commit("link");
    expect((await found()).a).toBe(clean);
    appendFileSync(join(source, "service/a/x"), "2");
    expect((await found()).a).toBe(`${clean}-dirty`);
  });
});

describe("what a folder holds", () => {
  const held = async (stated?: string[]): Promise<string> =>
    (await revisions({ source, services: { a: "service/a" }, shared: ["base"], ...(stated ? { stated } : {}) })).contents["a"]!;

  it("is told apart by names, bytes and modes, and not by what lies beside it", async () => {
    put("service/a/x", "1");
    put("elsewhere", "1");
    commit("start");
    const first = await held();
    put("elsewhere", "2");
    expect(await held()).toBe(first);
    chmodSync(join(source, "service/a/x"), 0o755);
    const executable = await held();
    expect(executable).not.toBe(first);
    renameSync(join(source, "service/a/x"), join(source, "service/a/y"));
    expect(new Set([first, executable, await held()]).size).toBe(3);
  });

  it("counts the files that are stated with it, there or not", async () => {
    put("service/a/x", "1");
    commit("start");
    const [without, missing] = [await held(), await held(["openvex.json"])];
    put("openvex.json", "{}");
    const there = await held(["openvex.json"]);
    put("openvex.json", "{ }");
    expect(new Set([without, missing, there, await held(["openvex.json"])]).size).toBe(4);
    expect(await held()).toBe(without);
  });
});

describe("its parts", () => {
  it("time and version", () => {
    expect(commitTime(0)).toBe("1970-01-01T00:00:00Z");
    expect(versionOf("ab12cd3".padEnd(40, "0"), "2026-11-22T02:00:00Z")).toBe("2026.11.22-ab12cd3");
  });

  it("a folder does not hold its namesake's files", () => {
    expect([isUnder("a/b", "a/"), isUnder("ab/c", "a"), isUnder("a", "a"), isUnder("x", ".")]).toEqual([true, false, true, true]);
  });
});
