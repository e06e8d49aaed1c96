import { afterAll, beforeAll, expect, test } from "vitest"
import { Scene, git as plainGit } from "./git/fixtures.ts"
import { daggerw, scratchCheckout } from "./harness.ts"
import { addHello, platform, status, statusAt, within } from "./kept-platform.ts"

/**
 * A second team's service, from the README's folder to the kept cluster, in a project of its own; and what that
 * project does not allow is refused by Argo CD, with the Application saying so.
 */
let scene: Scene
let bare = ""
let url = ""

beforeAll(async () => {
  platform("down")
  scene = new Scene()
  bare = scene.bare()
  const port = await scene.daemon()
  const checkout = scratchCheckout("second-team")
  addHello(checkout)
  const released = await daggerw(checkout, ["call", `--gitops-service=tcp://127.0.0.1:${port}`, "ci", "--promote"], 1800)
  expect(released.code, released.output.slice(-3000)).toBe(0)
  const up = platform("up", `--gitops-service=tcp://127.0.0.1:${port}`)
  expect(up.code, up.output).toBe(0)
  url = status().url
}, 3_600_000)
afterAll(() => {
  platform("down")
  scene.close()
})

const show = (path: string): string => plainGit(["-C", bare, "show", `main:${path}`])
const hello = async () => (await statusAt(url)).applications.find(({ service }) => service === "hello")

test("it answers on the kept cluster, beside the first team's", async () => {
  expect(await (await fetch(`${url}/-/hello.dev/`)).json()).toEqual({ hello: "world" })
  expect((await statusAt(url)).applications.map(({ env, service, sync, health }) => `${env} ${service} ${sync} ${health}`)).toEqual([
    "dev backend Synced Healthy", "dev frontend Synced Healthy", "dev hello Synced Healthy",
  ])
})

test("each team has a project of its own, which Argo CD reconciles from Git with the rest of argocd/", async () => {
  expect(show("argocd/project-team-hello.yaml")).toContain("name: team-hello")
  expect(show("argocd/project-team-platform.yaml")).toContain("name: team-platform")
  const { own, gitops } = await statusAt(url)
  expect(own).toMatchObject({ sync: "Synced", health: "Healthy", revision: gitops.tip })
})

const OUTSIDE: [string, string, RegExp][] = [
  ["a kind outside every namespace", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: hello}\nrules: []\n", /ClusterRole is not permitted in project team-hello/],
  ["a kind that no golden base renders", "apiVersion: v1\nkind: Secret\nmetadata: {name: hello, namespace: dev}\n", /Secret is not permitted in project team-hello/],
  ["another namespace", "apiVersion: v1\nkind: Service\nmetadata: {name: hello, namespace: argocd}\nspec: {ports: [{port: 80}]}\n", /namespace argocd is not permitted in project '?team-hello/],
  ["another team's object", "apiVersion: v1\nkind: Service\nmetadata: {name: backend, namespace: dev}\nspec: {ports: [{port: 81}]}\n", /Service\/backend.* is part of applications|Shared resource found/],
]

test.each(OUTSIDE)("%s is refused, and the Application says so", async (_, manifest, words) => {
  const path = "env/dev/hello/manifests/outside.yaml"
  scene.push(bare, { [path]: manifest }, "by hand")
  const refused = await within(120, "Argo CD to refuse it", async () => {
    const app = await hello()
    return app?.message !== undefined && words.test(app.message) ? app : undefined
  }).catch(async (error: unknown) => {
    throw new Error(`${String(error)}; last: ${JSON.stringify(await hello())}`)
  })
  console.log(`  ${refused.message}`)
  expect(refused.sync).toBe("OutOfSync")
  scene.push(bare, { [path]: null }, "taken back")
  await within(120, "the release to be whole again", async () => {
    const app = await hello()
    return app?.sync === "Synced" && app.health === "Healthy" && app.message === undefined ? true : undefined
  })
}, 300_000)

test("what the platform team allows in Git is allowed on the cluster", async () => {
  const project = "argocd/project-team-hello.yaml"
  const widened = show(project).replace("  namespaceResourceWhitelist:\n", '  namespaceResourceWhitelist:\n    - group: ""\n      kind: ConfigMap\n')
  const tip = scene.push(bare, {
    [project]: widened,
    "env/dev/hello/manifests/outside.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hello, namespace: dev}\ndata: {a: b}\n",
  }, "hello may have ConfigMaps")
  await within(120, "the ConfigMap to be there", async () => {
    const [app, { own }] = [await hello(), await statusAt(url)]
    return app?.sync === "Synced" && app.revision === tip && own?.revision === tip && own.sync === "Synced" ? true : undefined
  })
}, 300_000)
