import { describe, expect, it } from "vitest";
import { ANSWERED_WITHIN_MS, clusterAheadAfterMs } from "../../.dagger/src/lib/cluster-ahead.ts";
import type { Plan } from "../../.dagger/src/lib/plan.ts";

const plan = (changed: boolean[], action: "run" | "reuse-if-known"): Plan =>
  ({ services: changed.map((one) => ({ changed: one })), stages: [{ stage: "integrate", action }] }) as unknown as Plan;

describe("clusterAheadAfterMs", () => {
  it("starts at once where no earlier verdict is taken", () => {
    expect(clusterAheadAfterMs(plan([false], "run"))).toBe(0);
  });

  it("gives the cache time to answer where a service is new to the environment", () => {
    expect(clusterAheadAfterMs(plan([false, true], "reuse-if-known"))).toBe(ANSWERED_WITHIN_MS);
  });

  it("starts nothing ahead where the environment runs all of it", () => {
    expect(clusterAheadAfterMs(plan([false, false], "reuse-if-known"))).toBeUndefined();
  });
});
