import { describe, expect, test } from "vitest";
import { COMMON_STAGES, SERVICE_STAGES, planRun, refuseImpossible, renderPlan } from "../../.dagger/src/lib/plan.ts";
import type { PlanInput, PlanOptions } from "../../.dagger/src/lib/plan.ts";
import { REVISION, refusal, spec } from "./helpers.ts";

const api: PlanInput = { spec: spec(), sourceRevision: REVISION, changed: true };
const web: PlanInput = { spec: { ...spec(), name: "web" }, sourceRevision: "f".repeat(40), changed: false };
const options: PlanOptions = { env: "dev", promote: true, failOn: "high", fresh: false, dryRun: false };
const promote = (inputs: PlanInput[], changes: Partial<PlanOptions> = {}) => planRun(inputs, { ...options, ...changes }).stages[1]!;

describe("the plan", () => {
  test("lists every service's stages in order, by name, with reasons", () => {
    const plan = planRun([web, api], options);
    expect(plan.services.map((service) => service.name)).toEqual(["api", "web"]);
    expect(plan.stages.map((stage) => stage.stage)).toEqual([...COMMON_STAGES]);
    for (const service of plan.services) {
      expect(service.stages.map((stage) => stage.stage)).toEqual([...SERVICE_STAGES]);
      for (const stage of service.stages) expect(stage.reason).not.toBe("");
    }
    expect(plan.services[0]!.stages[0]!.reason).toBe("dev does not run 1234567");
    expect(plan.services[1]!.stages[0]!.reason).toBe("dev runs fffffff already; an earlier answer to the same question counts");
    expect(plan.services[0]!.stages[4]!.reason).toBe("findings of high and above fail the run");
    expect(planRun([api], { ...options, failOn: "none" }).services[0]!.stages[4]!.reason).toBe("findings are listed, none fails the run");
  });

  test("no stage waits for one that comes later, and every one waited for exists", () => {
    const plan = planRun([api, web], options);
    for (const service of plan.services) {
      const before: string[] = [];
      for (const stage of service.stages) {
        for (const needed of stage.after) expect(before).toContain(needed);
        before.push(stage.stage);
      }
    }
    expect(plan.stages[0]!.after).toEqual(["publish api", "publish web"]);
    expect(plan.stages[1]!.after).toEqual(["integrate"]);
  });

  test("an earlier verdict may count, unless --fresh", () => {
    expect(planRun([api], options).stages[0]!.action).toBe("reuse-if-known");
    expect(planRun([api], { ...options, fresh: true }).stages[0]).toMatchObject({ action: "run", reason: "--fresh takes no earlier verdict" });
  });

  test("promotes only when asked, and says what it commits", () => {
    expect(promote([api, web], { promote: false })).toMatchObject({ action: "skip", reason: "not asked for; add --promote" });
    expect(promote([api, web])).toMatchObject({ action: "run", reason: "commits api to dev" });
    expect(promote([web])).toMatchObject({ action: "run", reason: "dev runs these revisions already; a commit is made only where a file differs" });
    expect(promote([api], { dryRun: true })).toMatchObject({ action: "skip", reason: "--dry-run shows the edits and commits nothing" });
  });

  test("a dirty source can be verified, never promoted", () => {
    const dirty = { ...api, sourceRevision: `${REVISION}-dirty` };
    const plan = planRun([dirty, web], options);
    expect(plan.stages[1]!.action).toBe("refuse");
    expect(refusal(() => refuseImpossible(plan))).toBe(
      "promote: the source of api has changes that no commit holds; commit them, or leave --promote out to verify only",
    );
    expect(plan.services[0]!.stages[0]!.reason).toBe("dev does not run 1234567-dirty");
    refuseImpossible(planRun([dirty], { ...options, promote: false }));
    refuseImpossible(planRun([api], options));
  });

  test("is JSON, the same for the same input in any order", () => {
    const text = renderPlan(planRun([api, web], options));
    expect(renderPlan(planRun([web, api], options))).toBe(text);
    expect(JSON.parse(text)).toMatchObject({ apiVersion: "golden-path/v1", kind: "Plan", env: "dev", failOn: "high" });
    expect(text.endsWith("}\n")).toBe(true);
  });

  test("nothing selected is an error", () => {
    expect(refusal(() => planRun([], options))).toMatch(/^planning the run: no service was selected/);
  });
});
