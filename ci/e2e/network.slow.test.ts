import { spawnSync } from "node:child_process"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { call, contained, until } from "./faults.ts"
import type { Running } from "./harness.ts"
import { PROJECT } from "./harness.ts"

/** Who reaches whom in the proof's cluster, tried from inside the pods while a release soaks. */
const LIMIT = 1500
/** The pods are asked within this time; the run is ended after that. */
const SOAK = 600

let running: Running | undefined
let cluster = 0

beforeAll(async () => {
  running = call(PROJECT, ["call", "ci", "--fresh", "--soak", String(SOAK)], LIMIT)
  await until("the services to soak", LIMIT, () => {
    if (/Failed: |\nError: /.test(running!.output())) throw new Error(running!.output().slice(-3000))
    return /\d s {2}soak$/m.test(running!.output())
  })
  cluster = contained().find(({ line }) => /^network-policy \S+ node /.test(line))?.pid ?? 0
  expect(cluster, "the process that enforces policies").toBeGreaterThan(0)
  apply(STRANGER(imageOf("backend")))
  kubectl("-n", "elsewhere", "wait", "--for=condition=Ready", "pod/stranger", "--timeout=120s")
})
afterAll(async () => {
  if (running === undefined) return
  process.kill(running.pid, "SIGINT")
  await running.ended
})

/** A pod that no policy is about, with the tools of the backend's image. */
const STRANGER = (image: string) => JSON.stringify({
  apiVersion: "v1", kind: "List", items: [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "elsewhere" } },
    {
      apiVersion: "v1", kind: "Pod", metadata: { name: "stranger", namespace: "elsewhere" },
      spec: { automountServiceAccountToken: false, containers: [{ name: "stranger", image, command: ["python3", "-c", "import time; time.sleep(3600)"] }] },
    },
  ],
})

function inCluster(args: string[], input = ""): string {
  const result = spawnSync("nsenter", ["-t", String(cluster), "-m", "-n", "env", "KUBECONFIG=/run/cluster/admin.kubeconfig", ...args], { encoding: "utf8", input, timeout: 150_000 })
  if (result.status !== 0) throw new Error(`${args.join(" ").slice(0, 200)}: ${result.stderr}`)
  return result.stdout.trim()
}

function kubectl(...args: string[]): string {
  return inCluster(["kubectl", ...args])
}

function apply(text: string): void {
  // An account is made a moment after its namespace.
  inCluster(["bash", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do kubectl apply -f - <<<\"$1\" && exit 0; sleep 1; done; exit 1", "apply", text])
}

function imageOf(service: string): string {
  return kubectl("-n", "dev", "get", "deployment", service, "-o", "jsonpath={.spec.template.spec.containers[0].image}")
}

const CONNECT = "import socket, sys\ntry:\n  socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close(); print('connected')\nexcept OSError as error:\n  print(error)\n"

/** What a pod is told when it connects: from the backend's pod or the stranger's with Python, from the frontend's with Node. */
function connect(from: "backend" | "frontend" | "stranger", host: string, port: number): string {
  const said = from === "frontend"
    ? kubectl("-n", "dev", "exec", "deployment/frontend", "--", "node", "-e", `require("net").connect({host:"${host}",port:${port},timeout:5000}).on("connect",()=>{console.log("connected");process.exit()}).on("error",(e)=>console.log(e.code)).on("timeout",()=>{console.log("timed out");process.exit()})`)
    : kubectl(...(from === "backend" ? ["-n", "dev", "exec", "deployment/backend"] : ["-n", "elsewhere", "exec", "stranger"]), "--", "python3", "-c", CONNECT, host, String(port))
  console.log(`  ${from} to ${host}:${port}: ${said}`)
  return said
}

const REFUSED = /refused|ECONNREFUSED|timed out/

/** The pod of a service, without the Service before it. */
function podOf(service: string): string {
  return kubectl("-n", "dev", "get", "pod", "-l", `app.kubernetes.io/name=${service}`, "-o", "jsonpath={.items[0].status.podIP}")
}

describe("what is named passes", () => {
  test("the frontend reaches the backend that it calls", () => {
    expect(connect("frontend", "backend", 80)).toBe("connected")
    expect(connect("frontend", podOf("backend"), 8000)).toBe("connected")
  })

  test("the backend, with access to Applications, reaches the API server", () => {
    expect(connect("backend", "kubernetes.default", 443)).toBe("connected")
  })
})

describe("what is not named is refused", () => {
  test("the backend does not reach the frontend, by its Service or past it", () => {
    expect(connect("backend", "frontend", 80)).toMatch(REFUSED)
    expect(connect("backend", podOf("frontend"), 8080)).toMatch(REFUSED)
  })

  test("the frontend does not reach the API server", () => {
    expect(connect("frontend", "kubernetes.default", 443)).toMatch(REFUSED)
  })

  test("neither reaches what lies outside, which a pod without a policy does", () => {
    expect(connect("stranger", "registry", 5000)).toBe("connected")
    expect(connect("frontend", "registry", 5000)).toMatch(REFUSED)
    expect(connect("backend", "registry", 5000)).toMatch(REFUSED)
  })

  test("a pod of another namespace reaches no service", () => {
    expect(connect("stranger", "backend.dev", 80)).toMatch(REFUSED)
    expect(connect("stranger", "frontend.dev", 80)).toMatch(REFUSED)
    expect(connect("stranger", podOf("backend"), 8000)).toMatch(REFUSED)
  })
})

test("policies that are deleted come back, and cut off again", async () => {
  const names = ["backend", "backend.applications", "backend.gitops"]
  kubectl("-n", "dev", "delete", "networkpolicy", ...names)
  await until("Argo CD to bring the policies back", 60, () => {
    const there = kubectl("-n", "dev", "get", "networkpolicy", "-o", "name").split("\n").map((name) => name.split("/").at(-1))
    return names.every((name) => there.includes(name))
  })
  await until("the backend to be cut off again", 30, () => REFUSED.test(connect("backend", "registry", 5000)))
})
