import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { trailerMap, trailerValues } from "../../../.dagger/src/lib/trailers.ts";
import { write } from "../../../.dagger/programs/gitops-write.ts";
import { effects, git, log, release, Scene, sentence, show, wanted } from "./fixtures.ts";

let scene: Scene;
let bare: string;
let url: string;
beforeEach(() => {
  scene = new Scene();
  bare = scene.bare();
  url = `file://${bare}`;
});
afterEach(() => scene.close());

describe("writing a release", () => {
  it("makes the first commit of an empty repository, with its trailers", async () => {
    const [backend, frontend] = [release("backend", 22), release("frontend", 21)];
    const result = await write(wanted(url, [backend, frontend]), effects());
    expect(result).toMatchObject({ committed: true, branch: "main", attempts: 1, released: ["backend", "frontend"], alreadyReleased: false });
    expect(result.commit).toBe(log(bare, "%H")[0]);
    // What was rendered, and a record for each service.
    expect(result.files).toHaveLength(8);
    expect(result.files).toEqual(expect.arrayContaining(["env/dev/backend/record.yaml", "env/dev/frontend/record.yaml"]));
    const message = log(bare, "%B").join("\n");
    expect(trailerMap(message, "Image-Digest")).toEqual({ backend: backend.digest, frontend: frontend.digest });
    expect(trailerMap(message, "Source-Revision")).toEqual({ backend: backend.sourceRevision, frontend: frontend.sourceRevision });
    expect(trailerValues(message, "Run-Id")).toEqual(["run-1"]);
    expect(log(bare, "%an <%ae>")).toEqual(["Golden Path <golden-path@example.com>"]);
    expect(show(bare, "env/dev/backend/manifests/deployment.yaml")).toContain("ünïcode");
    git(["-C", bare, "fsck", "--strict"]);
  });

  it("commits nothing for the same release, even from another run", async () => {
    const first = await write(wanted(url, [release("backend", 22)]), effects());
    const again = await write(wanted(url, [release("backend", 22)], { runId: "run-2" }), effects());
    expect(again).toMatchObject({ committed: false, alreadyReleased: true, commit: first.commit, files: [], released: [], superseded: [] });
    expect(log(bare)).toHaveLength(1);
  });

  it("names only the services that change", async () => {
    await write(wanted(url, [release("backend", 20), release("frontend", 20)]), effects());
    const result = await write(wanted(url, [release("backend", 21), release("frontend", 20)]), effects());
    expect(result.released).toEqual(["backend"]);
    expect(result.files.every((path) => path.startsWith("env/dev/backend/"))).toBe(true);
    expect(log(bare)[0]).not.toContain("frontend");
  });

  it("a commit of nothing but shared files releases nothing, and says so", async () => {
    await write(wanted(url, [release("backend", 20)]), effects());
    const next = wanted(url, [release("backend", 20)], { runId: "run-2" });
    const result = await write({ ...next, desired: { ...next.desired, "argocd/project.yaml": "kind: AppProject\n" }, owned: [...next.owned, "argocd"] }, effects());
    expect(result).toMatchObject({ committed: true, files: ["argocd/project.yaml"], released: [], alreadyReleased: false });
    const message = git(["-C", bare, "log", "-1", "--format=%B", "main"]);
    expect(message).toMatch(/^platform\(dev\): a shared file\n\n- argocd\/project.yaml\n/);
    expect(trailerValues(message, "Run-Id")).toEqual(["run-2"]);
    expect(trailerValues(message, "Golden-Path-Service")).toEqual([]);
  });

  it("is refused where the key that signatures were verified with is not the one that is demanded now", async () => {
    scene.push(bare, { "policy/cosign.pub": "the new key\n" });
    await expect(write({ ...wanted(url, [release("backend", 20)]), demandedKey: null }, effects())).rejects.toThrow(/^writing to main: policy\/cosign.pub has changed since the signatures were verified; run again/);
    await expect(write({ ...wanted(url, [release("backend", 20)]), demandedKey: "the old key\n" }, effects())).rejects.toThrow(/has changed since/);
    expect((await write({ ...wanted(url, [release("backend", 20)]), demandedKey: "the new key\n" }, effects())).committed).toBe(true);
  });

  it("removes what its own folder no longer holds", async () => {
    await write(wanted(url, [release("backend", 20)]), effects());
    const next = wanted(url, [release("backend", 21)]);
    delete next.desired["env/dev/backend/manifests/service.yaml"];
    await write(next, effects());
    expect(git(["-C", bare, "ls-tree", "-r", "--name-only", "main"])).not.toContain("service.yaml");
  });

  it("leaves every other file, byte and mode alone", async () => {
    scene.push(bare, {
      "README.md": "line one\r\nno end",
      "env/dev/backend2/release.yaml": "not: ours # kept\n",
      "env/prod/backend/x.yaml": "a:   b\n",
      "logo.png": Buffer.from([0, 255, 1, 254]),
      'odd "näme".txt': "x",
    });
    const before = git(["-C", bare, "ls-tree", "-r", "main"]);
    await write(wanted(url, [release("backend", 22)]), effects());
    const after = git(["-C", bare, "ls-tree", "-r", "main"]).split("\n").filter((line) => !line.includes("\tenv/dev/backend/"));
    expect(after.join("\n")).toBe(before);
    expect(log(bare)).toHaveLength(2);
  });

  it("replaces a binary file that stands where a manifest belongs", async () => {
    scene.push(bare, { "env/dev/backend/manifests/service.yaml": Buffer.from([0, 1, 2, 255]) });
    await write(wanted(url, [release("backend", 22)]), effects());
    expect(show(bare, "env/dev/backend/manifests/service.yaml")).toBe("kind: Service\n");
  });

  it("writes to a branch other than main", async () => {
    scene.push(bare, { a: "b" }, "start", "releases/live");
    await write(wanted(url, [release("backend", 22)], { remote: { url, branch: "releases/live" } }), effects());
    expect(log(bare, "%s", "releases/live")).toHaveLength(2);
  });
});

describe("another writer at the same time", () => {
  it("re-applies on the fresh tip when it lost the race, keeping the other's commit", async () => {
    scene.push(bare, { "README.md": "start" });
    const beforePush = (attempt: number): Promise<void> => {
      if (attempt <= 2) scene.push(bare, { [`theirs-${attempt}.txt`]: "theirs" });
      return Promise.resolve();
    };
    const seen = effects({ beforePush, random: () => 0.5 });
    const result = await write(wanted(url, [release("backend", 22)]), seen);
    expect(result).toMatchObject({ committed: true, attempts: 3 });
    expect(seen.waits).toEqual([0.3, 0.42]);
    expect(log(bare)).toHaveLength(4);
    expect(show(bare, "theirs-1.txt")).toBe("theirs");
    expect(seen.lines.join("\n")).toContain("trying again on the fresh tip");
  });

  it("loses the race for the very first commit and goes on", async () => {
    const beforePush = (attempt: number): Promise<void> => {
      if (attempt === 1) scene.push(bare, { "README.md": "first" });
      return Promise.resolve();
    };
    const result = await write(wanted(url, [release("backend", 22)]), effects({ beforePush }));
    expect(result).toMatchObject({ committed: true, attempts: 2 });
    expect(log(bare)).toHaveLength(2);
  });

  it("finds that the other one wrote the same release, and commits nothing", async () => {
    const beforePush = async (attempt: number): Promise<void> => {
      if (attempt === 1) await write(wanted(url, [release("backend", 22)], { runId: "run-2" }), effects());
    };
    const result = await write(wanted(url, [release("backend", 22)]), effects({ beforePush }));
    expect(result).toMatchObject({ committed: false, alreadyReleased: true, attempts: 2 });
    expect(log(bare)).toHaveLength(1);
  });

  it("survives a branch that was rewritten meanwhile, without bringing back what was taken out", async () => {
    scene.push(bare, { "old.txt": "old" });
    scene.push(bare, { "secret.txt": "oops" });
    const beforePush = (attempt: number): Promise<void> => {
      if (attempt === 1) git(["-C", bare, "update-ref", "refs/heads/main", "main~1"]);
      return Promise.resolve();
    };
    await write(wanted(url, [release("backend", 22)]), effects({ beforePush }));
    expect(git(["-C", bare, "ls-tree", "-r", "--name-only", "main"])).not.toContain("secret.txt");
  });

  it("gives up after its last lost race, says so, and has changed nothing of its own", async () => {
    let count = 0;
    const beforePush = (): Promise<void> => {
      git(["-C", bare, "update-ref", "refs/heads/main", git(["-C", bare, "commit-tree", "-m", `${++count}`, EMPTY_TREE(bare)]).trim()]);
      return Promise.resolve();
    };
    const text = await sentence(write(wanted(url, [release("backend", 22)], { backoff: { attempts: 10 } }), effects({ beforePush })));
    expect(text).toMatch(/pushing to branch main .*stale info; other writers keep moving the branch; run it again \(gave up after 10 attempts\)/);
    expect(count).toBe(10);
  });

  it("takes its own push for done when only the answer was lost", async () => {
    scene.push(bare, { "README.md": "start" });
    // The server takes the commit, then reports a failure that a further try could cure.
    scene.hook(bare, "post-receive", `if [ ! -e once ]; then : > once; kill -9 $PPID; fi`);
    const result = await write(wanted(url, [release("backend", 22)]), effects());
    expect(result).toMatchObject({ committed: true, attempts: 2 });
    expect(log(bare)).toHaveLength(2);
    expect(result.commit).toBe(log(bare, "%H")[0]);
  });

  it("eight writers over git://: no lost update, no duplicate, each service once", async () => {
    const port = await scene.daemon();
    const remote = `git://127.0.0.1:${port}/gitops.git`;
    const services = ["a", "b", "c", "d", "e", "f"];
    const inputs = services.map((service) => wanted(remote, [release(service, 22)]));
    inputs.push(wanted(remote, [release("a", 22)], { runId: "twin" }), wanted(remote, [release("b", 22)], { runId: "twin" }));
    const results = await Promise.all(inputs.map((input) => write(input, effects({ sleep: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 60)) }))));
    expect(results.filter((result) => result.committed)).toHaveLength(6);
    expect(results.filter((result) => result.alreadyReleased)).toHaveLength(2);
    expect(log(bare)).toHaveLength(6);
    for (const service of services) expect(show(bare, `env/dev/${service}/release.yaml`)).toContain(release(service, 22).digest);
    git(["-C", bare, "fsck", "--strict"]);
  }, 20_000);
});

describe("an older run", () => {
  it("does not overwrite a newer release, and says which one stands", async () => {
    const newer = release("backend", 23);
    await write(wanted(url, [newer]), effects());
    const result = await write(wanted(url, [release("backend", 20)]), effects());
    expect(result).toMatchObject({ committed: false, alreadyReleased: false });
    expect(result.superseded).toEqual([
      { service: "backend", env: "dev", by: { version: newer.version, sourceRevision: newer.sourceRevision, sourceTime: newer.sourceTime, digest: newer.digest } },
    ]);
    expect(log(bare)).toHaveLength(1);
  });

  it("still writes its other services, and leaves shared files to the newer run", async () => {
    const shared = { "argocd/project.yaml": "new\n" };
    const newer = wanted(url, [release("backend", 23)]);
    await write({ ...newer, desired: { ...newer.desired, ...shared }, owned: [...newer.owned, "argocd"] }, effects());
    const older = wanted(url, [release("backend", 20), release("frontend", 20)]);
    const result = await write({ ...older, desired: { ...older.desired, "argocd/project.yaml": "old\n" }, owned: [...older.owned, "argocd"] }, effects());
    expect(result).toMatchObject({ committed: true, released: ["frontend"] });
    expect(show(bare, "argocd/project.yaml")).toBe("new\n");
    expect(show(bare, "env/dev/backend/release.yaml")).toContain(release("backend", 23).digest);
    expect(log(bare)[0]).not.toContain("backend");
  });

  it("is found out too when the newer one lands during its push", async () => {
    const beforePush = async (attempt: number): Promise<void> => {
      if (attempt === 1) await write(wanted(url, [release("backend", 23)]), effects());
    };
    const result = await write(wanted(url, [release("backend", 20)]), effects({ beforePush }));
    expect(result).toMatchObject({ committed: false, attempts: 2 });
    expect(result.superseded).toHaveLength(1);
  });

  it("twelve runs of one service in any order end at the newest", async () => {
    const days = [5, 12, 1, 9, 3, 7, 2, 11, 4, 10, 6, 8];
    for (let at = 0; at < days.length; at += 4) {
      await Promise.all(days.slice(at, at + 4).map((day) => write(wanted(url, [release("backend", day)]), effects({ sleep: (s) => new Promise((r) => setTimeout(r, s * 40)) }))));
    }
    expect(show(bare, "env/dev/backend/release.yaml")).toContain(release("backend", 12).digest);
    const times = log(bare, "%(trailers:key=Source-Revision,valueonly)").filter((line) => line !== "");
    expect(new Set(times).size).toBe(times.length);
  }, 20_000);
});

function EMPTY_TREE(repository: string): string {
  return git(["-C", repository, "hash-object", "-t", "tree", "-w", "/dev/null"]).trim();
}
