import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planWrite, releasesIn } from "../../.dagger/src/lib/release-plan.ts";
import { applyEdits, planEdits, type Tree } from "../../.dagger/src/lib/edits.ts";
import { UserError } from "../../.dagger/src/lib/errors.ts";
import { frozen, type Freeze } from "../../.dagger/src/lib/freeze.ts";
import { DEFAULT_POLICY, judge } from "../../.dagger/src/lib/gates.ts";
import { planPromotion } from "../../.dagger/src/lib/promotion.ts";
import { parseRecord, type ReleaseRecord, renderRecord } from "../../.dagger/src/lib/record.ts";
import { chooseTarget, planRollback } from "../../.dagger/src/lib/rollback.ts";
import { isSuperseded } from "../../.dagger/src/lib/supersede.ts";
import { contentOf, standingIn } from "../../.dagger/src/lib/standing.ts";
import { release, rendered, specOf } from "../e2e/git/fixtures.ts";
import { releaseFiles } from "../../.dagger/src/lib/release.ts";
import { goldenBase } from "./helpers.ts";

/** What must hold whatever is written by whom in which order. */

/** Slowness is no failure: where the machine is busy, fewer cases are tried. */
const BOUNDED = { interruptAfterTimeLimit: 1000, markInterruptAsFailure: false };
/** As much of the golden base as rendering needs. */
const BASE = Object.fromEntries(Object.entries(goldenBase()).filter(([file]) => /^(deployment|service|serviceaccount)\.yaml$/.test(file)));

const NOW = Date.parse("2026-11-22T12:00:00Z");
const seconds = (at: number): number => NOW + at * 1000;
const name = fc.constantFrom("a", "b", "c");
/** Few, so that what is rendered once is met again. */
const day = fc.integer({ min: 1, max: 6 });
/** A run releases one or two services, each of some day. */
const run = fc.uniqueArray(fc.record({ service: name, day }), { minLength: 1, maxLength: 2, selector: ({ service }) => service });
/** Rendering is the same for the same release, and slow: once is enough. */
const inputs = new Map<string, ReturnType<typeof rendered>>();
const inputOf = (wanted: { service: string; day: number }[]): ReturnType<typeof rendered> => {
  const key = JSON.stringify(wanted);
  if (!inputs.has(key)) {
    const releases = wanted.map(({ service, day: at }) => release(service, at));
    const desired = Object.assign({}, ...releases.map((each) => releaseFiles(specOf(each.service), each, BASE))) as Tree;
    const evidence = Object.fromEntries(releases.map(({ service }) => [service, { worstFinding: "medium" as const, failOn: "high" as const, scanData: "2026-11-21" }]));
    inputs.set(key, { ...rendered("", []), desired, evidence, owned: releases.map((each) => `env/dev/${each.service}`) });
  }
  return inputs.get(key)!;
};
const write = (tree: Tree, wanted: { service: string; day: number }[], at = 0): Tree => {
  const input = inputOf(wanted);
  return applyEdits(tree, planWrite(tree, releasesIn(input.desired), input, seconds(at)).edits);
};
const others = fc.dictionary(
  fc.constantFrom("README.md", "env/dev/zz/x.yaml", "env/prod/a.txt", "charts/a/values.yaml", "holds.md", "env/dev/aa/release.yaml.bak"),
  fc.string({ unit: "binary", maxLength: 40 }),
);
const promoted = (tree: Tree, at: number, to: "stage" | "prod" = "stage"): Tree => {
  const plan = planPromotion(tree, { to, run: `run-${at}`, by: "pat", now: seconds(at), approvals: [] });
  return applyEdits(tree, plan.edits);
};

describe("writers in any order", () => {
  test("end in the same tree, records apart: the newest of each service, and every other byte as it was", () => {
    fc.assert(fc.property(fc.array(run, { minLength: 1, maxLength: 6 }), fc.array(fc.nat(), { minLength: 6, maxLength: 6 }), others, (runs, keys, theirs) => {
      const shuffled = runs.map((one, at) => ({ one, key: keys[at]! })).sort((x, y) => x.key - y.key).map(({ one }) => one);
      const [first, second] = [runs, shuffled].map((order) => order.reduce<Tree>((tree, one, at) => write(tree, one, at), { ...theirs }));
      const bare = (tree: Tree): Tree => Object.fromEntries(Object.entries(tree).filter(([path]) => !path.endsWith("/record.yaml")));
      expect(bare(second!)).toEqual(bare(first!));
      for (const [path, text] of Object.entries(theirs)) expect(first![path]).toBe(text);
      for (const service of new Set(runs.flat().map((one) => one.service))) {
        const newest = Math.max(...runs.flat().filter((one) => one.service === service).map((one) => one.day));
        expect(standingIn(first!, "dev", service)!.release).toEqual(release(service, newest));
      }
    }), { numRuns: 20, ...BOUNDED });
  });

  test("the same run twice changes nothing the second time", () => {
    fc.assert(fc.property(run, run, (one, other) => {
      const once = write(write({}, one), other, 1);
      expect(write(once, other, 2)).toEqual(once);
    }), { numRuns: 20, ...BOUNDED });
  });

  test("superseded is a strict order: never both ways, never by itself", () => {
    fc.assert(fc.property(day, day, (one, other) => {
      const [x, y] = [release("a", one), release("a", other)];
      expect(isSuperseded(x, y) && isSuperseded(y, x)).toBe(false);
      expect(isSuperseded(x, x)).toBe(false);
      if (one !== other) expect(isSuperseded(x, y) || isSuperseded(y, x)).toBe(true);
    }));
  });
});

describe("edits", () => {
  const path = fc.constantFrom("a/x", "a/y", "a/z/q", "ab/x", "b/x", "c");
  const tree = fc.dictionary(path, fc.string({ unit: "binary", maxLength: 20 }));
  test("reach the desired tree inside, keep every byte outside, and are none the second time", () => {
    fc.assert(fc.property(tree, tree, (tip, wanted) => {
      const inside = (paths: Tree): Tree => Object.fromEntries(Object.entries(paths).filter(([one]) => one.startsWith("a/")));
      const after = applyEdits(tip, planEdits(tip, inside(wanted), ["a"]));
      expect(inside(after)).toEqual(inside(wanted));
      for (const [one, text] of Object.entries(tip)) if (!one.startsWith("a/")) expect(after[one]).toBe(text);
      expect(planEdits(after, inside(wanted), ["a"])).toEqual([]);
    }));
  });
});

describe("promotion and rollback", () => {
  test("any mix of runs, promotions and rollbacks: stage only ever has what dev had, nothing held comes back, holds stay", () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("ci" as const), day }) },
      { weight: 3, arbitrary: fc.constant({ kind: "promote" as const }) },
      { weight: 1, arbitrary: fc.constant({ kind: "rollback" as const }) },
    );
    fc.assert(fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const hadDev = new Set<string>();
      const past: { commit: string; at: string; release: ReturnType<typeof release>; tree: Tree }[] = [];
      const held = new Set<string>();
      let tree: Tree = {};
      steps.forEach((one, at) => {
        const before = tree;
        try {
          if (one.kind === "ci") tree = write(tree, [{ service: "a", day: one.day }], at);
          if (one.kind === "promote") {
            const plan = planPromotion(tree, { to: "stage", run: `run-${at}`, by: "pat", now: seconds(at), approvals: [] });
            if (plan.services.every(({ action }) => action !== "refuse")) tree = applyEdits(tree, plan.edits);
          }
          if (one.kind === "rollback") {
            const target = chooseTarget(tree, "stage", "a", past, undefined);
            if (target.action === "rollback") {
              const then = past.find(({ commit }) => commit === target.to.commit)!.tree;
              tree = applyEdits(tree, planRollback(tree, target, then, { env: "stage", run: `run-${at}`, by: "pat", now: seconds(at), reason: "bad" }));
              held.add(target.bad.digest);
            }
          }
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          expect(tree).toBe(before);
        }
        const dev = standingIn(tree, "dev", "a");
        if (dev) hadDev.add(dev.release.digest);
        const stage = standingIn(tree, "stage", "a");
        if (!stage) return;
        expect(hadDev.has(stage.release.digest)).toBe(true);
        expect(held.has(stage.release.digest)).toBe(false);
        if (past[0]?.release.digest !== stage.release.digest) past.unshift({ commit: String(at), at: String(at), release: stage.release, tree });
        for (const digest of held) expect(Object.keys(tree).some((path) => path.includes(digest.slice(7)))).toBe(true);
      });
    }), { numRuns: 25, ...BOUNDED });
  });

  test("what enters an environment differs from what was proven in the environment's own names only", () => {
    const tree = promoted(write({}, [{ service: "a", day: 3 }]), 5);
    const [dev, stage] = [contentOf(tree, "dev", "a"), contentOf(tree, "stage", "a")];
    expect(Object.keys(stage).map((path) => path.replace("/stage/", "/dev/")).sort()).toEqual(Object.keys(dev).sort());
    for (const [path, text] of Object.entries(stage)) {
      expect(text.replaceAll(/\bstage\b/g, "dev")).toBe(dev[path.replace("/stage/", "/dev/")]!);
    }
  });
});

describe("gates", () => {
  test("waiting never closes a soak gate, and a stricter one is never easier", () => {
    fc.assert(fc.property(fc.nat(100_000), fc.nat(100_000), fc.nat(100_000), (soak, stood, more) => {
      const tree = write({}, [{ service: "a", day: 3 }], 0);
      const { release: one, record } = standingIn(tree, "dev", "a")!;
      const soaked = (need: number, at: number): boolean => judge({ ...DEFAULT_POLICY, soakSeconds: need }, { now: seconds(at), from: "dev", to: "stage", release: one, record, approvals: [] })
        .every(({ passed }) => passed);
      if (soaked(soak, stood)) expect(soaked(soak, stood + more)).toBe(true);
      if (soaked(soak + more, stood)) expect(soaked(soak, stood)).toBe(true);
      expect(soaked(soak, stood)).toBe(stood >= soak);
    }), { numRuns: 40, ...BOUNDED });
  });

  test("a freeze window is closed before it begins, open in it, closed from its end on", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 1, max: 1e6 }), (from, length) => {
      const freeze: Freeze = { kind: "once", from, to: from + length, reason: "x" };
      expect([frozen(freeze, from - 1), frozen(freeze, from), frozen(freeze, from + length - 1), frozen(freeze, from + length)])
        .toEqual([undefined, from + length, from + length, undefined]);
    }));
  });
});

describe("records", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }).filter((value) => value.trim() === value && !/[\r\n\u0085\u2028\u2029\ufeff]|\s\s/.test(value) && value.replace(/\s+/g, " ") === value);
  const record = fc.record({ by: text, reason: text, evidence: text }).map(({ by, reason, evidence }): ReleaseRecord => ({
    service: "a", env: "stage", action: "rollback", run: "run-1", by, at: "2026-11-22T12:00:00Z", version: "1", sourceRevision: "a".repeat(40),
    digest: `sha256:${"b".repeat(64)}`, from: "dev", reason, evidence: { provenBy: "run-0" }, gates: [{ gate: "scan", passed: true, evidence }], files: [],
  }));
  const file = "env/stage/a/record.yaml";

  test("come back as they were written", () => {
    fc.assert(fc.property(record, (one) => {
      expect(parseRecord(renderRecord(one), file)).toEqual(one);
    }), { numRuns: 50, ...BOUNDED });
  });

  test("a changed byte anywhere is found", () => {
    fc.assert(fc.property(record, fc.nat(), fc.constantFrom("x", " ", "0", "\n"), (one, at, byte) => {
      const written = renderRecord(one);
      const place = at % written.length;
      const edited = written.slice(0, place) + byte + written.slice(place + 1);
      // White space around the checksum itself says nothing else.
      if (edited.trimEnd() !== written.trimEnd()) expect(() => parseRecord(edited, file)).toThrow(UserError);
    }), { numRuns: 100, ...BOUNDED });
  });
});
