import { describe, expect, test } from "vitest";
import { applyEdits, planEdits } from "../../.dagger/src/lib/edits.ts";
import type { Tree } from "../../.dagger/src/lib/edits.ts";
import { pick, refusal, seeded } from "./helpers.ts";

describe("planning edits", () => {
  const tip: Tree = {
    "README.md": "theirs\r\nwith odd   bytes\u0000",
    "env/dev/api/release.yaml": "old",
    "env/dev/api/manifests/gone.yaml": "x",
    "env/dev/api-v2/release.yaml": "another service",
    "env/prod/api/release.yaml": "old",
  };

  test("writes what differs, removes what is no longer wanted, leaves what is not owned", () => {
    const desired = { "env/dev/api/release.yaml": "new", "env/dev/api/manifests/a.yaml": "a" };
    const edits = planEdits(tip, desired, ["env/dev/api"]);
    expect(edits).toEqual([
      { path: "env/dev/api/manifests/gone.yaml", content: null },
      { path: "env/dev/api/manifests/a.yaml", content: "a" },
      { path: "env/dev/api/release.yaml", content: "new" },
    ]);
    expect(applyEdits(tip, edits)).toEqual({
      "README.md": tip["README.md"],
      "env/dev/api-v2/release.yaml": "another service",
      "env/prod/api/release.yaml": "old",
      ...desired,
    });
  });

  test("what is there already needs no edit", () => {
    expect(planEdits(tip, { "env/prod/api/release.yaml": "old" }, ["env/prod/api/"])).toEqual([]);
  });

  test("one byte is a difference", () => {
    expect(planEdits({ "a/b": "x" }, { "a/b": "x\n" }, ["a"])).toEqual([{ path: "a/b", content: "x\n" }]);
    expect(planEdits({ "a/b": "x" }, { "a/b": "" }, ["a"])).toEqual([{ path: "a/b", content: "" }]);
  });

  test("an owned place may be one file", () => {
    const edits = planEdits({ "argocd/mine.yaml": "1", "argocd/theirs.yaml": "1" }, { "argocd/mine.yaml": "2" }, ["argocd/mine.yaml"]);
    expect(edits).toEqual([{ path: "argocd/mine.yaml", content: "2" }]);
  });

  test("nothing desired empties the owned folder and no other", () => {
    expect(planEdits(tip, {}, ["env/dev/api"]).map((edit) => edit.path)).toEqual(["env/dev/api/manifests/gone.yaml", "env/dev/api/release.yaml"]);
    expect(planEdits(tip, {}, [])).toEqual([]);
  });

  test("a file outside the owned folders is refused", () => {
    expect(refusal(() => planEdits({}, { "env/dev/api-v2/x": "" }, ["env/dev/api"]))).toBe(
      "planning the commit: env/dev/api-v2/x lies outside env/dev/api; nothing was changed",
    );
  });

  test.each(["../x", "/etc/passwd", "a/../b", "a//b", "a/./b", ".git/config", "a/.GIT/hooks/x", "a\\b", "a\nb", ""])("the path %j is refused", (path) => {
    expect(refusal(() => planEdits({}, { [path]: "x" }, ["a"]))).toMatch(/is not a path inside the repository/);
    expect(refusal(() => planEdits({}, {}, [path]))).toMatch(/is not a path inside the repository/);
  });

  test("a file where a folder is needed is refused, unless it is removed by the same edits", () => {
    expect(refusal(() => planEdits({ "env": "a file" }, { "env/dev/x": "1" }, ["env/dev"]))).toBe(
      "planning the commit: env is a file where a folder is needed for env/dev/x; move it away",
    );
    expect(planEdits({ "env/dev": "a file" }, { "env/dev/x": "1" }, ["env/dev"])).toEqual([
      { path: "env/dev", content: null }, { path: "env/dev/x", content: "1" },
    ]);
  });

  test("names of object properties are plain paths", () => {
    expect(planEdits({}, Object.fromEntries([["a/constructor", "1"]]), ["a"])).toEqual([{ path: "a/constructor", content: "1" }]);
    expect(planEdits({}, { toString: "1" }, ["toString"])).toEqual([{ path: "toString", content: "1" }]);
    expect(planEdits({ toString: "1" }, {}, ["toString"])).toEqual([{ path: "toString", content: null }]);
    expect(applyEdits({}, [{ path: "__proto__", content: "1" }])).toEqual(Object.fromEntries([["__proto__", "1"]]));
  });
});

describe("properties over many trees", () => {
  const folders = ["env/dev/a", "env/dev/ab", "env/dev/a/manifests", "env/prod/a", "docs", "argocd"];
  const names = ["release.yaml", "x.yaml", "y.yaml"];

  function tree(random: () => number, within: readonly string[]): Tree {
    const entries: [string, string][] = [];
    for (let count = Math.floor(random() * 8); count > 0; count--) {
      entries.push([`${pick(random, within)}/${pick(random, names)}`, pick(random, ["", "a", "a\n", "b\r\n", "é\u0000"])]);
    }
    return Object.fromEntries(entries);
  }

  const cases = Array.from({ length: 200 }, (_, seed) => {
    const random = seeded(seed);
    const owned = folders.filter(() => random() < 0.4);
    return { tip: tree(random, folders), desired: owned.length > 0 ? tree(random, owned) : {}, owned };
  });
  const inside = (path: string, owned: string[]) => owned.some((folder) => path.startsWith(`${folder}/`));

  test("the owned folders become what is desired, and no other byte changes", () => {
    for (const { tip, desired, owned } of cases) {
      const after = applyEdits(tip, planEdits(tip, desired, owned));
      expect(Object.fromEntries(Object.entries(after).filter(([path]) => inside(path, owned)))).toEqual(desired);
      expect(Object.entries(after).filter(([path]) => !inside(path, owned)).sort())
        .toEqual(Object.entries(tip).filter(([path]) => !inside(path, owned)).sort());
    }
  });

  test("a second plan is empty, and each edit is needed", () => {
    for (const { tip, desired, owned } of cases) {
      const edits = planEdits(tip, desired, owned);
      expect(planEdits(applyEdits(tip, edits), desired, owned)).toEqual([]);
      for (const left of edits) {
        expect(planEdits(applyEdits(tip, edits.filter((edit) => edit !== left)), desired, owned)).toEqual([left]);
      }
    }
  });

  test("writers of different folders come to one tree in either order", () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = seeded(seed);
      const tip = tree(random, folders);
      const one = { desired: tree(random, ["env/dev/a"]), owned: ["env/dev/a"] };
      const other = { desired: tree(random, ["env/dev/ab"]), owned: ["env/dev/ab"] };
      const write = (base: Tree, writer: typeof one) => applyEdits(base, planEdits(base, writer.desired, writer.owned));
      expect(write(write(tip, one), other)).toEqual(write(write(tip, other), one));
    }
  });

  test("neither planning nor applying changes what it was given", () => {
    for (const { tip, desired, owned } of cases) {
      const before = JSON.stringify([tip, desired]);
      applyEdits(tip, planEdits(tip, desired, owned));
      expect(JSON.stringify([tip, desired])).toBe(before);
    }
  });

  test("the order in which files are found changes nothing", () => {
    for (const { tip, desired, owned } of cases) {
      const turned = (all: Tree) => Object.fromEntries(Object.entries(all).reverse());
      expect(planEdits(turned(tip), turned(desired), [...owned].reverse())).toEqual(planEdits(tip, desired, owned));
    }
  });
});
