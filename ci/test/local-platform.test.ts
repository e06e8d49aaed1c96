import { createServer } from "node:http2"
import { connect } from "node:net"
import { afterEach, describe, expect, test } from "vitest"
import { routeOf } from "../../.dagger/src/lib/entry-route.ts"
import { addressForPods, allWell, applicationState, applicationsTable, gitPolicy, inOrder, isRelease, literalGitService, ownState } from "../../.dagger/src/lib/local-platform.ts"
import type { PlatformStatus } from "../../.dagger/src/lib/local-platform.ts"
import { PLACEHOLDER } from "../../.dagger/src/lib/shared-files.ts"
import { type Bridge, openBridge } from "../platform/bridge.ts"

describe("the entry", () => {
  const names = ["frontend.dev", "backend.dev"]
  const to = (host: string, path = "/") => routeOf(host, path, names, "frontend.dev")

  test("finds a service by host, with or without a domain and a port", () => {
    expect(to("backend.dev.localhost:8080", "/a?b")).toEqual({ name: "backend.dev", path: "/a?b" })
    expect(to("backend.dev.golden-path.internal")).toEqual({ name: "backend.dev", path: "/" })
    expect(to("backend.dev")).toEqual({ name: "backend.dev", path: "/" })
  })

  test("finds a service by path, for clients that cannot resolve its name", () => {
    expect(to("127.0.0.1:8080", "/-/backend.dev/version?x=1")).toEqual({ name: "backend.dev", path: "/version?x=1" })
    expect(to("127.0.0.1:8080", "/-/backend.dev")).toEqual({ name: "backend.dev", path: "/" })
    expect(to("127.0.0.1:8080", "/-/")).toEqual({ name: undefined, path: "/-/" })
  })

  test("gives everything else to the first service, and names what it does not know", () => {
    expect(to("127.0.0.1:8080", "/api/status")).toEqual({ name: "frontend.dev", path: "/api/status" })
    expect(to("other.dev.localhost")).toEqual({ unknown: "other.dev" })
    expect(to("localhost", "/-/other/")).toEqual({ unknown: "other" })
    expect(routeOf("localhost", "/", [], undefined)).toEqual({ unknown: "" })
  })
})

describe("what is shown of an Application", () => {
  const labels = { "golden-path/env": "dev", "golden-path/service": "backend" }
  const state = (status: object) => applicationState({ metadata: { name: "dev-backend", labels }, status }, "1.0")

  test("is unknown until Argo CD says it", () => {
    expect(state({})).toEqual({ env: "dev", service: "backend", version: "1.0", sync: "Unknown", health: "Unknown", revision: "" })
  })

  test("says why it is not well: the comparison before the operation before the health", () => {
    const health = { status: "Degraded", message: "pod\ncrashes" }
    expect(state({ health }).message).toBe("pod crashes")
    const operationState = { phase: "Failed", message: "refused" }
    expect(state({ health, operationState }).message).toBe("refused")
    expect(state({ health, operationState, conditions: [{ type: "ComparisonError", message: "no such path" }] }).message).toBe("no such path")
    expect(state({ health: { status: "Healthy", message: "old" } }).message).toBeUndefined()
    const syncResult = { resources: [{ kind: "ClusterRole", name: "x", status: "SyncFailed", message: "not permitted" }] }
    const conditions = [{ type: "SyncError", message: "one or more tasks are not valid" }]
    expect(state({ sync: { status: "OutOfSync" }, conditions, operationState: { ...operationState, syncResult } }).message).toBe("ClusterRole/x: not permitted")
    expect(state({ sync: { status: "Synced" }, operationState }).message).toBeUndefined()
  })

  test("stands in a table, in the platform's order of environments", () => {
    const app = (env: string, service: string, more = {}) => ({ env, service, version: "1.0", sync: "Synced", health: "Healthy", revision: "a".repeat(40), ...more })
    const states = inOrder([app("prod", "b"), app("dev", "z"), app("dev", "a", { health: "Degraded", message: "crashes" })], ["dev", "stage", "prod"])
    expect(applicationsTable(states).split("\n")).toEqual([
      "ENV   SERVICE  VERSION  SYNC    HEALTH    REVISION",
      "dev   a        1.0      Synced  Degraded  aaaaaaaaaaaa",
      "dev   z        1.0      Synced  Healthy   aaaaaaaaaaaa",
      "prod  b        1.0      Synced  Healthy   aaaaaaaaaaaa",
      "  dev-a: crashes",
    ])
    const status = { applications: states, gitops: { tip: "a".repeat(40) } } as unknown as PlatformStatus
    expect(allWell(status)).toBe(false)
    expect(allWell({ ...status, applications: states.slice(1) })).toBe(true)
    expect(allWell({ ...status, applications: [app("dev", "z", { revision: "b" })] })).toBe(false)
  })
})

test("pods reach the machine's Git server through a Service of the cluster, any other by its own address", () => {
  const server = { host: "gitops", port: 40123 }
  expect(addressForPods({ url: "git://gitops:40123/gitops.git", branch: "main", server })).toBe("git://gitops.argocd:40123/gitops.git")
  expect(addressForPods({ url: "https://git.example/x.git", branch: "main" })).toBe("https://git.example/x.git")
})

test("a local repository's files name it in a way that is true in the cluster, whatever port its server found", () => {
  const [service, slice] = literalGitService("10.1.2.3", 40123)
  expect(service).toMatchObject({ metadata: { name: "git", namespace: "argocd" }, spec: { ports: [{ name: "git", port: 9418, targetPort: 40123 }] } })
  expect(slice).toMatchObject({ endpoints: [{ addresses: ["10.1.2.3"] }], ports: [{ name: "git", port: 40123 }] })
  expect(PLACEHOLDER).toBe("git://git/gitops")
})

test("only pods that ask for the Git server are let out to it, and to it alone", () => {
  expect(gitPolicy("dev", "10.1.2.3", 40123)).toMatchObject({
    metadata: { namespace: "dev" },
    spec: {
      podSelector: { matchExpressions: [{ key: "golden-path/access-gitops", operator: "Exists" }] }, policyTypes: ["Egress"],
      egress: [{ to: [{ ipBlock: { cidr: "10.1.2.3/32" } }], ports: [{ port: 40123, protocol: "TCP" }] }],
    },
  })
})

test("the platform's own Application is none of the releases'", () => {
  const labels = { "golden-path/env": "dev", "golden-path/service": "backend" }
  const own = { metadata: { name: "golden-path-platform" }, status: { sync: { status: "OutOfSync", revision: "abc" }, conditions: [{ type: "ComparisonError", message: "not\nallowed" }] } }
  expect([own, { metadata: { name: "dev-backend", labels } }].map(isRelease)).toEqual([false, true])
  expect(ownState(own)).toEqual({ sync: "OutOfSync", health: "Unknown", revision: "abc", message: "not allowed" })
})

describe("the bridge", () => {
  const closing: (() => void)[] = []
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  /** The platform's end: it calls, and serves HTTP/2 over the connection that it made. */
  function callFrom(bridge: Bridge): void {
    const server = createServer((request, response) => {
      response.writeHead(200, { "x-path": request.url, "x-host": request.headers[":authority"] })
      request.pipe(response)
    })
    const socket = connect(bridge.entryPort, "127.0.0.1", () => server.emit("connection", socket))
    closing.push(() => socket.destroy())
  }

  async function answered(url: string, init?: RequestInit): Promise<Response> {
    for (;;) {
      const answer = await fetch(url, init)
      if (answer.status !== 503) return answer
      await answer.text()
    }
  }

  test("passes requests through the connection that the platform made", async () => {
    const bridge = await openBridge(0, 0)
    closing.push(bridge.close)
    const url = `http://127.0.0.1:${bridge.port}/a/b?c=d`
    expect((await fetch(url)).status).toBe(503)
    callFrom(bridge)
    const answer = await answered(url, { method: "POST", body: "hello" })
    expect(answer.headers.get("x-path")).toBe("/a/b?c=d")
    expect(answer.headers.get("x-host")).toBe(`127.0.0.1:${bridge.port}`)
    expect(await answer.text()).toBe("hello")
  })

  test("says that the platform is starting when it has gone, and goes on when it calls again", async () => {
    const bridge = await openBridge(0, 0)
    closing.push(bridge.close)
    const url = `http://127.0.0.1:${bridge.port}/`
    callFrom(bridge)
    expect((await answered(url)).status).toBe(200)
    closing.pop()!()
    while ((await fetch(url).then((answer) => answer.status)) !== 503) await new Promise((done) => setTimeout(done, 10))
    callFrom(bridge)
    expect((await answered(url)).status).toBe(200)
  })
})
