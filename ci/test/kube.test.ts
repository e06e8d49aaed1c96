import { describe, expect, it } from "vitest";
import { nodeTrouble, notReady, objectPath, podTrouble, restartSince, wrongDigest } from "../../.dagger/src/lib/kube.ts";
import type { ContainerStatus, Pod } from "../../.dagger/src/lib/kube.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const IMAGE = `registry.golden-path.internal/backend@${DIGEST}`;

function pod(status: Partial<ContainerStatus>, ready = "False"): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "backend-7d4", namespace: "dev" },
    spec: { containers: [{ name: "backend", image: IMAGE }] },
    status: {
      phase: "Running",
      conditions: [{ type: "Ready", status: ready }],
      containerStatuses: [{ name: "backend", ready: false, restartCount: 0, ...status }],
    },
  };
}

describe("podTrouble", () => {
  it("sees none in a container that starts or runs", () => {
    expect(podTrouble(pod({ state: { waiting: { reason: "ContainerCreating" } } }))).toBeUndefined();
    expect(podTrouble(pod({ state: { running: {} } }))).toBeUndefined();
  });

  it("takes a crash for a pattern from the third restart on", () => {
    const lastState = { terminated: { exitCode: 3, reason: "Error" } };
    const state = { waiting: { reason: "CrashLoopBackOff" } };
    expect(podTrouble(pod({ state, lastState, restartCount: 2 }))).toMatchObject({ fatal: false });
    expect(podTrouble(pod({ state, lastState, restartCount: 3 }))).toMatchObject({
      fatal: true,
      word: "CrashLoopBackOff",
      sentence: `image ${IMAGE} does not stay up: its process ended with exit code 3, 3 restarts`,
    });
  });

  it("takes a missing image for final, a silent registry for something that may pass", () => {
    const waiting = (reason: string, said: string) => {
      const wrapped = `failed to pull and unpack image "${IMAGE}": failed to resolve reference "${IMAGE}": ${said}`;
      const message = `Back-off pulling image "${IMAGE}": ErrImagePull: rpc error: code = NotFound desc = ${wrapped}`;
      return podTrouble(pod({ state: { waiting: { reason, message } } }));
    };
    expect(waiting("ErrImagePull", "not found")).toMatchObject({ fatal: false, lasting: true });
    expect(waiting("ImagePullBackOff", "dial tcp 10.0.0.1:5000: connection refused")).toMatchObject({ fatal: false, lasting: true });
    expect(waiting("ImagePullBackOff", "not found")).toMatchObject({
      fatal: true,
      sentence: `image ${IMAGE} cannot be pulled (ImagePullBackOff: failed to pull and unpack it: failed to resolve it: not found)`,
    });
  });

  it("says that a container cannot be started", () => {
    const waiting = { reason: "CreateContainerConfigError", message: "container has runAsNonRoot and image will run as root" };
    expect(podTrouble(pod({ state: { waiting } }))).toMatchObject({ fatal: true, word: "CreateContainerConfigError" });
  });
});

describe("notReady", () => {
  it("names pod and container, and is silent about a ready pod", () => {
    expect(notReady(pod({}))).toBe("pod backend-7d4 is Running, container backend is not ready");
    expect(notReady(pod({ ready: true }, "True"))).toBeUndefined();
  });
});

describe("restartSince", () => {
  const terminated = { exitCode: 3, startedAt: "2026-11-22T08:00:00Z", finishedAt: "2026-11-22T08:01:02Z" };
  const sentence = `image ${IMAGE} does not stay up: its process ended with exit code 3 after 62 s`;

  it("tells an end that came after the count, and how long the process had lived", () => {
    expect(restartSince(pod({ restartCount: 1, state: { running: {} }, lastState: { terminated } }), 0)).toEqual({ container: "backend", sentence });
    expect(restartSince(pod({ restartCount: 0, state: { terminated } }), 0)).toMatchObject({ sentence });
  });

  it("is silent about restarts that were known, and about none", () => {
    expect(restartSince(pod({ restartCount: 1, state: { running: {} }, lastState: { terminated } }), 1)).toBeUndefined();
    expect(restartSince(pod({ state: { running: {} } }), 0)).toBeUndefined();
  });
});

describe("nodeTrouble", () => {
  const node = (conditions?: object[]) => ({ apiVersion: "v1", kind: "Node", metadata: { name: "golden-path" }, ...(conditions ? { status: { conditions } } : {}) });

  it("says why no node can take pods", () => {
    expect(nodeTrouble([])).toBe("the cluster has no node yet: its kubelet has not registered");
    expect(nodeTrouble([node()])).toBe("the cluster's node golden-path is not Ready (it reports nothing)");
    const condition = { type: "Ready", status: "False", reason: "KubeletNotReady", message: "network plugin\nis not ready" };
    expect(nodeTrouble([node([condition])])).toBe("the cluster's node golden-path is not Ready (KubeletNotReady: network plugin is not ready)");
    expect(nodeTrouble([node([{ type: "Ready", status: "True" }])])).toBeUndefined();
  });
});

describe("wrongDigest", () => {
  it("believes what the runtime reports, not what was asked for", () => {
    expect(wrongDigest([pod({ imageID: IMAGE })], DIGEST)).toBeUndefined();
    expect(wrongDigest([pod({ imageID: `registry.golden-path.internal/backend@sha256:${"b".repeat(64)}` })], DIGEST)).toContain("expected sha256:aaa");
    expect(wrongDigest([pod({ imageID: "" })], DIGEST)).toContain("no image yet");
    expect(wrongDigest([], DIGEST)).toBe("no pod is running");
  });
});

describe("objectPath", () => {
  it("knows the core group and scopes", () => {
    const name = "x";
    expect(objectPath({ apiVersion: "v1", metadata: { name, namespace: "dev" } }, "services")).toBe("/api/v1/namespaces/dev/services/x");
    expect(objectPath({ apiVersion: "apps/v1", metadata: { name } }, "things")).toBe("/apis/apps/v1/things/x");
  });
});
