import { describe, expect, it } from "vitest";
import { judgeApplication, judgeApplicationSet, saysGitUnreachable } from "../../.dagger/src/lib/health.ts";
import type { Application } from "../../.dagger/src/lib/health.ts";

const NEW = "9f2c4f6d8a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d";
const OLD = "0123456789abcdef0123456789abcdef01234567";

/** As `kubectl get application dev-backend -o json` shows a proven one, shortened. */
function proven(): Application & { status: NonNullable<Application["status"]> } {
  return {
    metadata: { name: "dev-backend" },
    status: {
      reconciledAt: "2026-11-22T03:00:07Z",
      sync: { status: "Synced", revision: NEW },
      health: { status: "Healthy" },
      operationState: {
        phase: "Succeeded",
        message: "successfully synced (all tasks run)",
        finishedAt: "2026-11-22T03:00:05Z",
        syncResult: { revision: NEW, resources: [{ kind: "Deployment", name: "backend", status: "Synced" }] },
      },
      resources: [
        { kind: "Service", name: "backend", status: "Synced", health: { status: "Healthy" } },
        { kind: "Deployment", name: "backend", status: "Synced", health: { status: "Healthy" } },
      ],
    },
  };
}

/** The verdict after one change to a proven Application. */
function after(change: (status: ReturnType<typeof proven>["status"]) => void) {
  const app = proven();
  change(app.status);
  return judgeApplication(app, NEW);
}

describe("judgeApplication", () => {
  it("accepts the expected revision, synced, reconciled afterwards and healthy", () => {
    expect(judgeApplication(proven(), NEW)).toEqual({ ok: true });
  });

  it("does not wait for retries of what the API server cannot read", () => {
    const refusal = 'one or more objects failed to apply, reason: Service in version "v1" cannot be handled as a Service: json: cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32';
    const running = (revision: string) => after((s) => (s.operationState = { phase: "Running", retryCount: 1, message: `${refusal}. Retrying attempt #1 at 9:38AM.`, operation: { sync: { revision } } }));
    expect(running(NEW)).toEqual({ ok: false, reason: "manifest-does-not-parse", detail: refusal, fatal: true, refresh: false });
    expect(running(OLD)).toMatchObject({ reason: "operation-running", fatal: false });
  });

  it("accepts a comparison in the very second in which the operation ended", () => {
    expect(after((s) => (s.reconciledAt = "2026-11-22T03:00:05Z"))).toEqual({ ok: true });
  });

  it.each([
    ["missing", judgeApplication(undefined, NEW), false],
    ["not-compared", judgeApplication({ metadata: { name: "dev-backend" } }, NEW), true],
    ["other-revision", after((s) => (s.sync = { status: "Synced", revision: OLD })), true],
    ["no-operation", after((s) => delete s.operationState), false],
    ["operation-running", after((s) => (s.operationState = { phase: "Running", retryCount: 2 })), false],
    ["operation-of-other-revision", after((s) => (s.operationState!.syncResult!.revision = OLD)), false],
    ["out-of-sync", after((s) => (s.sync!.status = "OutOfSync")), false],
    ["not-reconciled-since", after((s) => (s.reconciledAt = "2026-11-22T03:00:04Z")), true],
    ["not-reconciled-since", after((s) => delete s.reconciledAt), true],
    ["not-healthy", after((s) => (s.health!.status = "Progressing")), false],
  ])("says %s, waits on, and asks for a refresh where that helps", (reason, verdict, refresh) => {
    expect(verdict).toMatchObject({ ok: false, reason, fatal: false, refresh });
  });

  it("does not take Healthy and Synced of the revision before for an answer", () => {
    const app = proven();
    app.status.sync!.revision = OLD;
    app.status.operationState!.syncResult!.revision = OLD;
    expect(judgeApplication(app, NEW)).toMatchObject({
      ok: false,
      reason: "other-revision",
      detail: "compared with revision 0123456789ab, expected 9f2c4f6d8a0b",
    });
  });

  it("ends at a failed operation of this revision and names the resource", () => {
    const verdict = after((s) => {
      s.operationState = {
        phase: "Failed",
        message: "one or more objects failed to apply",
        syncResult: {
          revision: NEW,
          resources: [{ kind: "Deployment", name: "backend", status: "SyncFailed", message: 'spec.replicas: Invalid value: "two"' }],
        },
      };
    });
    expect(verdict).toMatchObject({
      reason: "operation-failed",
      fatal: true,
      detail: 'Deployment/backend: spec.replicas: Invalid value: "two"',
    });
  });

  it("waits on after a failed operation of another revision", () => {
    const verdict = after((s) => (s.operationState = { phase: "Failed", message: "old", syncResult: { revision: OLD } }));
    expect(verdict).toMatchObject({ reason: "operation-failed", fatal: false });
  });

  it.each([
    [
      "manifest-does-not-parse",
      true,
      "ComparisonError",
      'Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = FailedPrecondition desc = Failed to unmarshal "deployment.yaml": failed to unmarshal manifest: error converting YAML to JSON: yaml: line 4: mapping values are not allowed in this context',
    ],
    [
      "git-unreachable",
      false,
      "ComparisonError",
      "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = failed to list refs: dial tcp: lookup git on 10.43.0.10:53: no such host",
    ],
    ["invalid-spec", true, "InvalidSpecError", "application references project golden-path which does not exist"],
    ["comparison-error", false, "ComparisonError", "error getting cluster cache: something else"],
  ])("reads the condition %s", (reason, fatal, type, message) => {
    expect(after((s) => (s.conditions = [{ type, message }]))).toMatchObject({ ok: false, reason, fatal });
  });

  it("names the unhealthy resources, and ends when the Deployment itself gave up", () => {
    const verdict = after((s) => {
      s.health!.status = "Degraded";
      const message = 'Deployment "backend" exceeded its progress deadline';
      s.resources![1]!.health = { status: "Degraded", message };
    });
    expect(verdict).toMatchObject({
      reason: "not-healthy",
      fatal: true,
      detail: 'health Degraded (Deployment/backend Degraded: Deployment "backend" exceeded its progress deadline)',
    });
  });
});

describe("judgeApplicationSet", () => {
  it("tells an error and nothing else", () => {
    const fine = { type: "ParametersGenerated", status: "True", message: "Successfully generated parameters for all Applications" };
    const error = { type: "ErrorOccurred", status: "True", message: "error getting directories from repo:\n dial tcp: refused" };
    expect(judgeApplicationSet([fine])).toBeUndefined();
    expect(judgeApplicationSet([fine, { ...error, status: "False" }])).toBeUndefined();
    expect(judgeApplicationSet([fine, error])).toBe("error getting directories from repo: dial tcp: refused");
    expect(saysGitUnreachable(error.message)).toBe(true);
  });
});
