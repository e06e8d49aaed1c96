import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { audit } from "../../../.dagger/programs/gitops-audit.ts";
import { lift } from "../../../.dagger/programs/gitops-lift.ts";
import { promote } from "../../../.dagger/programs/gitops-promote.ts";
import { rollback } from "../../../.dagger/programs/gitops-rollback.ts";
import { write } from "../../../.dagger/programs/gitops-write.ts";
import { type History, renderHistory, renderStatus, type Status } from "../../../.dagger/src/lib/audit.ts";
import type { Environment } from "../../../.dagger/src/lib/environments.ts";
import { asked, effects, git, log, release, rendered, Scene, sentence, show } from "./fixtures.ts";

let scene: Scene;
let bare: string;
let url: string;
let run = 0;
beforeEach(() => {
  scene = new Scene();
  bare = scene.bare();
  url = `file://${bare}`;
});
afterEach(() => scene.close());

const next = (): string => `run-${++run}`;
const ci = async (service: string, day: number, env: Environment = "dev") => await write(rendered(url, [release(service, day, { env })], { runId: next() }), effects());
const go = async (to: Environment, more: object = {}) => await promote({ ...asked(url, next()), to, ...more }, effects());
const back = async (env: Environment, more: object = {}) => await rollback({ ...asked(url, next()), env, reason: "it answers 500", ...more }, effects());
const runs = (service: string, env: string): string => /digest: (\S+)/.exec(show(bare, `env/${env}/${service}/release.yaml`))![1]!;

describe("promotion", () => {
  it("takes the digest that stands before, renders for the environment, records gates, and commits nothing the second time", async () => {
    await ci("backend", 22);
    const done = await go("stage");
    expect(done).toMatchObject({ committed: true, from: "dev", services: [{ service: "backend", action: "promote" }] });
    expect(runs("backend", "stage")).toBe(release("backend", 22).digest);
    const manifests = git(["-C", bare, "diff", "main:env/dev/backend/manifests", "main:env/stage/backend/manifests"]);
    const changed = manifests.split("\n").filter((line) => /^[+-] /.test(line)).map((line) => line.replace(/^([+-])\s+/, "$1"));
    expect(new Set(changed)).toEqual(new Set(["-namespace: dev", "+namespace: stage", "-- host: backend.dev.golden-path.internal", "+- host: backend.stage.golden-path.internal"]));
    expect(show(bare, "env/stage/backend/record.yaml")).toMatch(/action: promotion[\s\S]*from: dev[\s\S]*gate: integration\n {4}passed: true/);
    expect(log(bare)[0]).toBe(`promote(stage): backend ${release("backend", 22).version}`);
    expect(log(bare, "%(trailers:key=Gate,valueonly,separator=%x2C)")[0]).toBe("backend/integration=passed,backend/scan=passed");
    expect(await go("stage")).toMatchObject({ committed: false, services: [{ action: "none" }] });
    expect(log(bare)).toHaveLength(2);
    expect(await go("prod")).toMatchObject({ committed: true });
    git(["-C", bare, "fsck", "--strict"]);
  });

  it("a look shows every gate and writes nothing; a dry run shows the diff and writes nothing", async () => {
    await ci("backend", 22);
    scene.push(bare, { "gates.yaml": "apiVersion: golden-path/v1\nkind: Gates\nstage: {soak: 1h, scan: medium}\n" });
    const look = await go("stage", { look: true });
    expect(look.services[0]!.gates.map(({ gate, passed }) => [gate, passed])).toEqual([["integration", true], ["scan", false], ["soak", false]]);
    expect(await sentence(go("stage"))).toMatch(/^promoting backend from dev to stage: gate scan: the gravest finding is medium, at or above medium, data of 2026-11-21; gate soak: in dev for \d+ s of 60 min; try again after /);
    scene.push(bare, { "gates.yaml": null });
    const dry = await go("stage", { dryRun: true });
    expect(dry.committed).toBe(false);
    expect(dry.diff).toMatch(/^diff --git a\/env\/stage\/backend\/manifests\/deployment\.yaml[\s\S]*\+ {2}namespace: stage/);
    expect(log(bare)).toHaveLength(3);
  });

  it("is refused: nothing there, not proven, edited by hand, a newer one has passed", async () => {
    expect(await sentence(go("stage"))).toBe("promoting to stage: dev has no release yet; run ci --promote --env dev");
    expect(await sentence(go("dev"))).toBe("promoting to dev: no environment comes before it; use ci --promote --env dev");
    await write(rendered(url, [release("backend", 22)], { verdicts: { build: "passed" } }), effects());
    expect(await sentence(go("stage"))).toMatch(/gate integration: nothing says that sha256:\w+ was proven under Argo CD; run ci --promote --env dev$/);
    await ci("backend", 23);
    expect(await sentence(go("stage", { service: "bakcend" }))).toMatch(/dev has no release of "bakcend" \(did you mean "backend"\?\)/);
    await ci("backend", 24, "stage");
    expect(await sentence(go("stage"))).toMatch(/stage has 2026\.11\.24-\w+, whose source is newer than that of 2026\.11\.23-\w+; use rollback to go back$/);
    await ci("backend", 25);
    const path = "env/dev/backend/manifests/deployment.yaml";
    scene.push(bare, { [path]: show(bare, path).replace("replicas: 1", "replicas: 7") });
    expect(await sentence(go("stage"))).toMatch(/^env\/dev\/backend\/manifests\/deployment\.yaml: its content is not what was released \(env\/dev\/backend\/record\.yaml:\d+\), so somebody edited it by hand; bring/);
  });

  it("a record that was edited is refused by file and line, by every writer", async () => {
    await ci("backend", 22);
    const path = "env/dev/backend/record.yaml";
    scene.push(bare, { [path]: show(bare, path).replace("worstFinding: medium", "worstFinding: none") });
    const edited = /^env\/dev\/backend\/record\.yaml:\d+: checksum: it does not fit what stands above it, so the record was edited by hand; bring the file back/;
    expect(await sentence(go("stage"))).toMatch(edited);
    expect(await sentence(ci("backend", 23))).toMatch(edited);
    scene.push(bare, { [path]: "apiVersion: golden-path/v1\nkind: Record\nat: soon\n" });
    expect(await sentence(go("stage"))).toMatch(/record\.yaml: service: missing[\s\S]*record\.yaml:3: at: "soon" is not right; use a UTC time/);
    expect((await audit({ remote: { url, branch: "main" } }) as Status).problems).toHaveLength(1);
  });

  it("one service refused refuses all, and says how to take the others", async () => {
    await ci("backend", 22);
    await write(rendered(url, [release("frontend", 22)], { verdicts: {} }), effects());
    expect(await sentence(go("stage"))).toMatch(/^promoting frontend from dev to stage: gate integration: .*\nnothing was promoted; name --service to promote backend alone$/);
    expect(await go("stage", { service: "backend" })).toMatchObject({ committed: true });
  });

  it("what was judged outside counts for exactly its digest", async () => {
    await ci("backend", 22);
    const given = { backend: { digest: release("backend", 22).digest, gates: [{ gate: "image", passed: true, evidence: "there" }] } };
    await ci("backend", 23);
    expect(await sentence(go("stage", { given }))).toMatch(/gate image: dev moved to 2026\.11\.23-\w+ meanwhile; run it again/);
  });
});

describe("rollback", () => {
  async function twoInProd(): Promise<void> {
    for (const day of [21, 22]) {
      await ci("backend", day);
      await go("stage");
      await go("prod");
    }
  }

  it("brings the earlier release back byte for byte, holds the bad one, and does nothing when called again", async () => {
    await twoInProd();
    const before = git(["-C", bare, "rev-parse", "main~3:env/prod/backend/manifests"]);
    const done = await back("prod");
    expect(done).toMatchObject({ committed: true, services: [{ action: "rollback", bad: { digest: release("backend", 22).digest }, to: { digest: release("backend", 21).digest } }] });
    expect(git(["-C", bare, "rev-parse", "main:env/prod/backend/manifests"])).toBe(before);
    expect(log(bare, "%B")[0]).toContain(`rollback(prod): backend ${release("backend", 21).version}`);
    const again = await back("prod");
    expect(again).toMatchObject({ committed: false, services: [{ action: "none" }] });
    expect(again.services[0]!.reason).toMatch(/prod went back to .* name --release to go further back/);
    expect(await back("prod", { service: "backend", release: release("backend", 21).version })).toMatchObject({ committed: false });
    git(["-C", bare, "fsck", "--strict"]);
  });

  it("every writer honours the hold until it is lifted, with the reason", async () => {
    await twoInProd();
    await back("prod");
    const held = /backend 2026\.11\.22-\w+ is held in prod since \S+ by pat \(it answers 500\); release a corrected version, or lift the hold: dagger call lift --env prod --service backend --release 2026/;
    expect(await sentence(go("prod"))).toMatch(held);
    expect(await sentence(ci("backend", 22, "prod"))).toMatch(held);
    expect(await sentence(back("prod", { service: "backend", release: release("backend", 22).version }))).toMatch(held);
    expect((await ci("backend", 22)).committed).toBe(false);
    expect(await lift({ ...asked(url, next()), env: "prod", service: "backend", reason: "the database was down" }, effects())).toMatchObject({ committed: true });
    expect(await lift({ ...asked(url, next()), env: "prod", service: "backend", reason: "again" }, effects())).toMatchObject({ committed: false });
    expect(await go("prod")).toMatchObject({ committed: true });
    expect(runs("backend", "prod")).toBe(release("backend", 22).digest);
  });

  it("a hold in an earlier environment keeps the release out of the later ones", async () => {
    await twoInProd();
    await ci("backend", 23);
    await go("stage");
    await back("dev");
    expect(await sentence(go("prod"))).toMatch(/is held in dev since/);
  });

  it("is stopped by nothing of what it replaces: neither freeze, nor soak, nor a damaged record", async () => {
    await twoInProd();
    const path = "env/prod/backend/record.yaml";
    scene.push(bare, { [path]: "nonsense: [", "gates.yaml": "apiVersion: golden-path/v1\nkind: Gates\nprod: {freeze: [{from: '2020-01-01T00:00:00Z', to: '2099-01-01T00:00:00Z', reason: all}]}\n" });
    expect(await back("prod", { service: "backend" })).toMatchObject({ committed: true });
    expect(runs("backend", "prod")).toBe(release("backend", 21).digest);
  });

  it("goes back from a release whose file nobody can read any more, and holds what it was", async () => {
    await twoInProd();
    scene.push(bare, { "env/prod/backend/release.yaml": "nonsense: [" });
    expect(await sentence(back("prod", { service: "backend", release: release("backend", 22).version }))).toMatch(/^env\/prod\/backend\/release\.yaml:1:\d+: not valid YAML/);
    expect(await back("prod", { service: "backend" })).toMatchObject({ committed: true, services: [{ bad: { digest: release("backend", 22).digest }, to: { digest: release("backend", 21).digest } }] });
    expect(runs("backend", "prod")).toBe(release("backend", 21).digest);
  });

  it("without a service it undoes what the last release brought, in one commit", async () => {
    await write(rendered(url, [release("backend", 20), release("frontend", 20), release("other", 20)], { runId: next() }), effects());
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await write(rendered(url, [release("backend", 21), release("frontend", 21), release("other", 20)], { runId: next() }), effects());
    const done = await back("dev");
    expect(done.services.map(({ service }) => service)).toEqual(["backend", "frontend"]);
    expect(log(bare)).toHaveLength(3);
    expect(git(["-C", bare, "ls-tree", "-r", "--name-only", "main", "holds/"]).trim().split("\n")).toHaveLength(2);
  });

  it("is refused: nothing before, unknown release, an environment that moved", async () => {
    await ci("backend", 21);
    expect(await sentence(back("dev", { service: "backend" }))).toBe("rolling back backend in dev: there was no release before; release a corrected version, or lift a hold");
    await ci("backend", 22);
    expect(await sentence(back("dev", { service: "backend", release: "1.0" }))).toMatch(/dev never had "1\.0"; it had 2026\.11\.21-/);
    const expected = { backend: { bad: release("backend", 21).digest, to: release("backend", 20).digest } };
    expect(await sentence(back("dev", { expected }))).toMatch(/it moved to 2026\.11\.22-\w+ meanwhile/);
  });
});

describe("audit", () => {
  it("status and history tell it all from Git, as data and as a table", async () => {
    await ci("backend", 21);
    await go("stage");
    await ci("backend", 22);
    await go("stage");
    await back("stage");
    scene.push(bare, { "env/stage/backend/notes.txt": "mine" }, "a note");
    const remote = { url, branch: "main" };
    const status = await audit({ remote }) as Status;
    expect(status.services.map(({ env, action }) => [env, action])).toEqual([["dev", "release"], ["stage", undefined]]);
    expect(status.problems[0]).toMatch(/^env\/stage\/backend\/notes\.txt: no release put it there/);
    scene.push(bare, { "env/stage/backend/notes.txt": null }, "no note");
    const clean = await audit({ remote, env: "stage" }) as Status;
    expect(clean).toMatchObject({ problems: [], services: [{ action: "rollback", by: "pat", reason: "it answers 500" }], holds: [{ env: "stage", digest: release("backend", 22).digest }] });
    expect(renderStatus(clean, Date.now())).toMatch(/^ENV +SERVICE[\s\S]*stage +backend +2026\.11\.21[\s\S]*rollback from \w{7}[\s\S]*held:[\s\S]*it answers 500/);
    const history = await audit({ remote, env: "stage", last: 10 }) as History;
    expect(history.entries.map(({ action }) => action)).toEqual(["changed by hand", "changed by hand", "rollback", "promote", "promote"]);
    expect(renderHistory(history)).toMatch(/stage +rollback +backend 2026\.11\.21[\s\S]*it answers 500[\s\S]*from dev; integration scan/);
  });
});
