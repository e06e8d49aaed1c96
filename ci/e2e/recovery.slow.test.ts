import { afterAll, beforeAll, expect, test } from "vitest"
import type { ShownRecovery } from "../../.dagger/src/lib/local-platform.ts"
import { Scene, git as plainGit } from "./git/fixtures.ts"
import { daggerw, scratchCheckout } from "./harness.ts"
import { addHello, commit, platform, status, statusAt, within } from "./kept-platform.ts"

/**
 * Releases that pass every proof and fail where they are to run: each is rolled back by itself. They do so since only
 * the kept cluster tells a service where its GitOps repository is, and these cannot cope with that.
 */
const SERVER = `import { createServer } from "node:http";
import { fault } from "./fault.js";

const { PORT = "8080", VERSION, SOURCE_REVISION, BUILD_TIME, GITOPS_REPOSITORY } = process.env;
const bad = GITOPS_REPOSITORY ? fault : "none";
if (bad === "crash") {
  console.error("cannot read the settings");
  process.exit(3);
}
const begun = Date.now();
const failing = () => bad === "later" && Date.now() - begun > 60_000;
const version = { name: "hello", version: VERSION, sourceRevision: SOURCE_REVISION, buildTime: BUILD_TIME };

export const server = createServer((request, response) => {
  const answers = {
    "/health": failing() ? 503 : 200,
    "/ready": bad === "unready" || failing() ? 503 : 200,
    "/version": 200,
  };
  response.writeHead(answers[request.url] ?? 404, { "content-type": "application/json" });
  response.end(JSON.stringify(version));
});
process.on("SIGTERM", () => server.close(() => process.exit(0)));
server.listen(Number(PORT), "0.0.0.0");
`
const FAULTS: [string, string, RegExp][] = [
  ["ends at its start", "crash", /exit code 3.*cannot read the settings/],
  ["is never ready", "unready", /not Healthy within 45 s/],
  ["turns unhealthy after a minute", "later", /after it was first Healthy/],
]
/** What the project aims at is 60 s; a machine that is busy with other work must not fail the test. */
const LIMIT_SECONDS = 120

let scene: Scene
let bare = ""
let checkout = ""
let flag = ""
let url = ""
let good = ""
const told: string[] = []

async function release(fault: string): Promise<string> {
  const head = commit(checkout, `hello with fault ${fault}`, { "service/hello/src/fault.js": `export const fault = "${fault}";\n` })
  const done = await daggerw(checkout, ["call", flag, "ci", "--promote", "--service", "hello"], 1800)
  expect(done.code, done.output.slice(-3000)).toBe(0)
  return head.slice(0, 7)
}

beforeAll(async () => {
  platform("down")
  scene = new Scene()
  bare = scene.bare()
  flag = `--gitops-service=tcp://127.0.0.1:${await scene.daemon()}`
  checkout = scratchCheckout("recovery")
  addHello(checkout)
  commit(checkout, "It knows its repository", {
    "service/hello/service.yaml": "name: hello\nowner: team-hello\nlanguage: node\nport: 8080\naccess: [gitops]\n",
    "service/hello/src/server.js": SERVER,
    "service/hello/src/fault.js": `export const fault = "";\n`,
  })
  good = await release("none")
  const up = platform("up", flag)
  expect(up.code, up.output).toBe(0)
  url = status().url
}, 3_600_000)
afterAll(() => {
  platform("down")
  scene.close()
  console.log(["| a release that | first sign to decision | first sign to the earlier one Healthy | push to that |", "|---|---|---|---|", ...told].join("\n"))
})

test.each(FAULTS)("one that %s goes back by itself", async (words, fault, reason) => {
  const bad = await release(fault)
  const pushed = Number(plainGit(["-C", bare, "log", "-1", "--format=%ct", "main"]).trim()) * 1000
  const end = await within(300, "the earlier release to be Healthy again", async (): Promise<Required<ShownRecovery> | undefined> => {
    const { releases } = await statusAt(url)
    const one = releases.find(({ service, version }) => service === "hello" && version.endsWith(bad))
    return one?.phase === "failed" && one.healthyAt !== undefined ? (one as Required<ShownRecovery>) : undefined
  })
  const after = (later: string, earlier: number): number => (Date.parse(later) - earlier) / 1000
  const first = Date.parse(end.firstSign)
  const seconds = after(end.healthyAt, first)
  told.push(`| ${words} | ${after(end.since, first)} s | ${seconds} s | ${after(end.healthyAt, pushed)} s |`)
  console.log(`  ${told.at(-1)}\n  ${end.reason}\n  ${end.outcome}`)
  expect(end.reason).toMatch(reason)
  expect(end.to).toContain(good)
  expect(seconds).toBeLessThan(LIMIT_SECONDS)

  const running = (await (await fetch(`${url}/-/hello.dev/version`)).json()) as { version: string }
  expect(running.version).toBe(end.to)
  const commitMessage = plainGit(["-C", bare, "log", "-1", "--format=%B", "main"])
  expect(commitMessage).toContain("Rolled-Back-To: hello=")
  expect(plainGit(["-C", bare, "ls-tree", "-r", "--name-only", "main", "holds/dev/hello/"]).trim().split("\n")).toHaveLength(told.length)
}, 2_400_000)
