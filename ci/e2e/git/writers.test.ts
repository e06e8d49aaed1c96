import { availableParallelism, loadavg } from "node:os";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { promote } from "../../../.dagger/programs/gitops-promote.ts";
import { rollback } from "../../../.dagger/programs/gitops-rollback.ts";
import { write } from "../../../.dagger/programs/gitops-write.ts";
import { EFFECTS } from "../../../.dagger/programs/gitops-writer.ts";
import { asked, effects, git, log, release, rendered, Scene, show } from "./fixtures.ts";

/** Twenty writers in one call, with the waits they really have. */
const WRITERS = 20;
const quiet = { ...EFFECTS, log: () => undefined };
let scene: Scene;
let bare: string;
let url: string;
beforeEach(async () => {
  scene = new Scene();
  bare = scene.bare();
  url = `git://127.0.0.1:${await scene.daemon()}/gitops.git`;
});
afterEach(() => scene.close());

/** 30 s on two idle processors; where others work on the machine, as much longer as they take of it. */
async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await work();
  const seconds = (performance.now() - begun) / 1000;
  const share = Math.max(1, loadavg()[0]! / availableParallelism());
  console.log(`${what}: ${seconds.toFixed(1)} s (load ${loadavg()[0]!.toFixed(1)} on ${availableParallelism()} processors)`);
  expect(seconds).toBeLessThan(30 * share);
  return result;
}

const day = (at: number): number => at + 1;

describe("twenty writers at once", () => {
  it("of different services: no lost update, no duplicate commit", async () => {
    const services = Array.from({ length: WRITERS }, (_, at) => `service-${at}`);
    const results = await timed("20 services", async () => await Promise.all(services.map(async (service, at) => await write(rendered(url, [release(service, 22)], { runId: `run-${at}` }), quiet))));
    expect(results.every(({ committed }) => committed)).toBe(true);
    expect(new Set(log(bare, "%H"))).toEqual(new Set(results.map(({ commit }) => commit)));
    for (const service of services) expect(show(bare, `env/dev/${service}/release.yaml`)).toContain(release(service, 22).digest);
    git(["-C", bare, "fsck", "--strict"]);
  });

  it("of one service: the newest wins, none comes after a newer one, none twice", async () => {
    const order = Array.from({ length: WRITERS }, (_, at) => (at * 7) % WRITERS);
    const results = await timed("20 runs of one service", async () => await Promise.all(order.map(async (at) => await write(rendered(url, [release("backend", day(at))], { runId: `run-${at}` }), quiet))));
    expect(show(bare, "env/dev/backend/release.yaml")).toContain(release("backend", WRITERS).digest);
    const digests = log(bare, "%(trailers:key=Image-Digest,valueonly)").filter((line) => line !== "").reverse();
    const days = digests.map((line) => order.map(day).find((one) => line.endsWith(release("backend", one).digest))!);
    expect(days).toEqual([...new Set(days)].sort((one, other) => one - other));
    expect(results.filter(({ committed }) => committed)).toHaveLength(days.length);
    expect(results.every(({ committed, superseded }) => committed || superseded.length === 1)).toBe(true);
  });

  it("of one and the same release: one commit", async () => {
    const results = await timed("20 runs of one release", async () => await Promise.all(Array.from({ length: WRITERS }, async (_, at) => await write(rendered(url, [release("backend", 22)], { runId: `run-${at}` }), quiet))));
    expect(results.filter(({ committed }) => committed)).toHaveLength(1);
    expect(results.filter(({ alreadyReleased }) => alreadyReleased)).toHaveLength(WRITERS - 1);
    expect(log(bare)).toHaveLength(1);
  });

  it("promotions, runs and a rollback together: each once, what is held stays away", async () => {
    const services = ["a", "b", "c", "d", "e"];
    const local = `file://${bare}`;
    for (const at of [20, 21]) {
      await write(rendered(local, services.map((service) => release(service, at)), { runId: `run-${at}` }), effects());
      await promote({ ...asked(local, `promote-${at}`), to: "stage" }, effects());
    }
    const stage = { ...asked(url, "back"), env: "stage" as const, service: "a", reason: "bad" };
    const work = [
      ...services.slice(1).flatMap((service) => [0, 1].map((twin) => promote({ ...asked(url, `go-${service}-${twin}`), to: "prod", service }, quiet))),
      ...services.slice(1).map((service) => write(rendered(url, [release(service, 23)], { runId: `run-${service}` }), quiet)),
      ...[0, 1, 2, 3].map((twin) => write(rendered(url, [release("f", 23)], { runId: `run-f-${twin}` }), quiet)),
      ...[0, 1, 2, 3].map((twin) => rollback({ ...stage, runId: `back-${twin}` }, quiet)),
    ];
    expect(work).toHaveLength(WRITERS);
    const before = log(bare).length;
    const results = await timed("20 mixed writers", async () => await Promise.all(work));
    expect(results.filter(({ committed }) => committed)).toHaveLength(4 + 4 + 1 + 1);
    expect(log(bare)).toHaveLength(before + 10);
    expect(show(bare, "env/stage/a/release.yaml")).toContain(release("a", 20).digest);
    for (const service of services.slice(1)) expect(show(bare, `env/prod/${service}/release.yaml`)).toContain(release(service, 21).digest);
    git(["-C", bare, "fsck", "--strict"]);
  });
});
