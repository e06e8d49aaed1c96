import { describe, expect, test } from "vitest";
import { marksOf } from "../bench/marks.ts";
import { select } from "../bench/measures.ts";
import { plot } from "../bench/plot.ts";
import { Collected, type Results, nameOf, withEarlier } from "../bench/results.ts";
import { serviceFiles } from "../bench/services.ts";
import { median, ratioOf, sampleOf } from "../bench/statistics.ts";
import { renderTable } from "../bench/table.ts";
import { clusterTimes } from "../../.dagger/src/lib/cluster-times.ts";
import { parseServiceSpec } from "../../.dagger/src/lib/service-spec.ts";

function results(change: (collected: Collected) => void, before = true): Results {
  const collected = new Collected();
  change(collected);
  const commit = (digit: string): string => digit.repeat(40);
  return {
    schema: 1,
    startedAt: "2026-11-22T08:15:00.000Z",
    seconds: 600,
    machine: { cores: 2, processor: "a processor", memoryGB: 24, kernel: "6.1", loadBefore: 0.2, loadHighest: 3 },
    dagger: "v0.19.10",
    engine: "embedded",
    caches: "warm",
    after: { ref: "HEAD", commit: commit("a"), subject: "the new" },
    ...(before ? { before: { ref: "v1", commit: commit("b"), subject: "the old" } } : {}),
    rows: collected.list(),
  };
}

describe("the bench's figures", () => {
  test("a median is not moved by one slow run", () => {
    expect(median([3, 100, 2])).toBe(3);
    expect(median([4, 2])).toBe(3);
    expect(() => median([])).toThrow(RangeError);
    expect(sampleOf([1.004, 9, 2])).toEqual({ runs: [1, 9, 2], median: 2, min: 1, max: 9 });
  });

  test("a ratio is taken pair by pair, so a machine that grows slower does not hide a gain", () => {
    expect(ratioOf([10, 20, 40], [5, 10, 20])).toEqual({ median: 0.5, min: 0.5, max: 0.5 });
    expect(ratioOf([10], [])).toBeUndefined();
  });

  test("a failed measurement shows as failed and takes no other with it", () => {
    const found = results((collected) => {
      collected.add("before", "plan", "call plan", 4);
      collected.add("after", "plan", "call plan", 2);
      collected.fail("ci", "ci", "ended with 1");
    });
    expect(renderTable(found)).toContain("| call plan | 4.0 (1 run) | 2.0 (1 run) | 0.50 |");
    expect(renderTable(found)).toContain("| ci | **failed** | **failed** |  |");
  });

  test("an earlier run is shown as what it is", () => {
    const now = results((collected) => collected.add("after", "plan", "call plan", 2), false);
    const then = results((collected) => collected.add("after", "plan", "call plan", 8), false);
    const table = renderTable(withEarlier(now, then), true);
    expect(table).toContain("an earlier run, so a ratio may be the machine's");
    expect(table).toContain("| 8.0 (1 run) | 2.0 (1 run) | 0.25 |");
  });

  test("a busy machine is told", () => {
    const found = results((collected) => collected.add("after", "plan", "call plan", 2), false);
    expect(renderTable(found)).not.toContain("busy");
    found.machine.loadBefore = 9;
    expect(renderTable(found)).toContain("The machine was busy");
  });

  test("the plot is well-formed and holds every row once", () => {
    const svg = plot(results((collected) => {
      collected.add("before", "a", "a < b", 100);
      collected.add("after", "a", "a < b", 50);
    }));
    expect(svg.match(/a &lt; b/g)).toHaveLength(1);
    expect(svg).toContain("× 0.50");
  });

  test("a result's name sorts by time and says what was compared", () => {
    expect(nameOf(results(() => undefined))).toBe("20261122-081500-aaaaaaa-vs-bbbbbbb");
  });
});

describe("the bench's choice", () => {
  test("what takes long is done only when named", () => {
    const names = select([], true).map(({ name }) => name);
    expect(names).toContain("services-20");
    expect(names).not.toContain("ci-cold");
    expect(select(["ci-cold"], true).map(({ name }) => name)).toEqual(["ci-cold"]);
    expect(select(["services"], true)).toHaveLength(3);
    expect(select(["ci"], true).map(({ name }) => name)).toEqual(["ci-changed", "ci-unchanged", "ci-fresh"]);
  });

  test("an unknown name is refused with the known ones", () => {
    expect(() => select(["speed"], true)).toThrow(/nothing is called "speed"; use any of engine-start, call,/);
  });

  test("an engine that is not ours to stop is not started", () => {
    expect(select([], false).map(({ name }) => name)).not.toContain("engine-start");
  });
});

describe("moments within a proof", () => {
  const steps = [
    { name: "cluster API", at: 0, seconds: 2 },
    { name: "install Argo CD", at: 0.5, seconds: 3 },
    { name: "Argo CD available", at: 3.5, seconds: 6.5 },
    { name: "AppProject and ApplicationSet", at: 10, seconds: 1 },
    { name: "Synced and Healthy", at: 12, seconds: 3 },
  ];

  test("they count from the cluster's start, even where steps overlap", () => {
    const cluster = { leadSeconds: 4, steps: [{ name: "API server", seconds: 4.2 }, { name: "node Ready", seconds: 6 }] };
    expect(Object.fromEntries(marksOf({ steps, cluster }).map(({ name, seconds }) => [name, seconds]))).toEqual({
      "cluster-api": 4.2, "node-ready": 6, argocd: 14, synced: 19, sync: 5,
    });
  });

  test("a revision that tells less gives fewer of them", () => {
    const old = steps.map(({ name, seconds }) => ({ name, seconds }));
    expect(marksOf({ steps: old }).map(({ name, seconds }) => [name, seconds])).toEqual([["cluster-api", 2], ["argocd", 11.5], ["synced", 15.5], ["sync", 4]]);
    expect(marksOf({})).toEqual([]);
  });

  test("the cluster's marker gives its steps and how long before the proof it began", () => {
    const marker = { metadata: { creationTimestamp: "2026-11-22T08:00:09Z" }, data: { timings: "4.20 API server\n9.50 cluster ready\n" } };
    expect(clusterTimes(marker, new Date("2026-11-22T08:00:04.500Z"))).toEqual({
      steps: [{ name: "API server", seconds: 4.2 }, { name: "cluster ready", seconds: 9.5 }],
      leadSeconds: 4.5,
    });
    expect(clusterTimes(undefined, new Date())).toBeUndefined();
    expect(clusterTimes({ metadata: {}, data: { timings: "" } }, new Date())).toBeUndefined();
  });
});

test("the bench's services are services", () => {
  const files = serviceFiles("bench-01", "salt");
  const spec = parseServiceSpec(files["service.yaml"]!, "bench/bench-01/service.yaml");
  expect(spec.name).toBe("bench-01");
});
