import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { promote } from "../../../.dagger/programs/gitops-promote.ts";
import { rollback } from "../../../.dagger/programs/gitops-rollback.ts";
import { write } from "../../../.dagger/programs/gitops-write.ts";
import type { Remote } from "../../../.dagger/src/lib/gitops-io.ts";
import { asked, effects, git, log, release, rendered, Scene, sentence, show, SSHD } from "./fixtures.ts";

/** Promotion and rollback on servers that are in trouble: bounded, one sentence, nothing half done. */
const TOKEN = "s3cret-tok/en+1";
let scene: Scene;
let bare: string;
let local: string;
beforeEach(async () => {
  scene = new Scene();
  bare = scene.bare();
  local = `file://${bare}`;
  git(["-C", bare, "config", "http.receivepack", "true"]);
  for (const day of [20, 21]) {
    await write(rendered(local, [release("backend", day)], { runId: `run-${day}` }), effects());
    await promote({ ...asked(local, `promote-${day}`), to: "stage" }, effects());
  }
  await write(rendered(local, [release("backend", 22)], { runId: "run-22" }), effects());
});
afterEach(() => scene.close());

type Trouble = number | "hang" | undefined;
async function over(http: (url: string) => Trouble): Promise<Remote> {
  const tokenFile = join(scene.dir, "token");
  writeFileSync(tokenFile, TOKEN);
  return { url: await scene.http("bot", TOKEN, http), branch: "main", tokenFile, username: "bot" };
}

const go = async (remote: Remote, more: object = {}) => await promote({ ...asked("", "go"), remote, to: "stage", ...more }, effects());
const back = async (remote: Remote, more: object = {}) => await rollback({ ...asked("", "back"), remote, env: "stage", reason: "bad", ...more }, effects());
const pushing = (url: string): boolean => url.includes("git-receive-pack");

describe.each([["promote", go], ["rollback", back]] as const)("%s", (_, call) => {
  it("over http with a token: commits, and the token is in nothing that is written", async () => {
    const remote = await over(() => undefined);
    const result = await call(remote);
    expect(result.committed).toBe(true);
    expect(JSON.stringify(result) + git(["-C", bare, "log", "-p", "--all"])).not.toContain(TOKEN);
  });

  it("over https with a token: an unknown certificate is refused, a trusted one is enough", async () => {
    const { file, ...tls } = scene.certificate();
    const tokenFile = join(scene.dir, "token");
    writeFileSync(tokenFile, TOKEN);
    const remote = { url: await scene.http("bot", TOKEN, () => undefined, tls), branch: "main", tokenFile, username: "bot" };
    expect(await sentence(call(remote))).toMatch(/^fetching branch main of .*certificate.*check the server's certificate/i);
    process.env.GIT_SSL_CAINFO = file;
    try {
      expect(await call(remote)).toMatchObject({ committed: true });
    } finally {
      delete process.env.GIT_SSL_CAINFO;
    }
  });

  it.each([
    ["500 while it is pushed", 500, /^pushing to branch main of .*returned error: 500.*; the server is in trouble.*gave up after 3 attempts/],
    ["403 while it is pushed", 403, /^pushing to branch main of .*returned error: 403; check that the token/],
    ["no answer while it is pushed", "hang", /^pushing to branch main of .*no answer within 2 s; check that the server answers/],
  ] as const)("%s", async (_name, trouble, words) => {
    const before = log(bare, "%H")[0];
    const remote = await over((url) => (pushing(url) ? trouble : undefined));
    expect(await sentence(call(remote, { limits: { pushSeconds: 2 } }))).toMatch(words);
    expect(log(bare, "%H")[0]).toBe(before);
    expect(git(["-C", bare, "for-each-ref", "--format=%(refname)"]).trim()).toBe("refs/heads/main");
  });

  it("500 at first, then well again: one commit", async () => {
    let left = 2;
    const before = log(bare).length;
    const remote = await over((url) => (pushing(url) && left-- > 0 ? 500 : undefined));
    expect(await call(remote)).toMatchObject({ committed: true });
    expect(log(bare)).toHaveLength(before + 1);
  });

  it("a repository that is read-only", async () => {
    git(["-C", bare, "config", "daemon.receivepack", "false"]);
    const remote = { url: `git://127.0.0.1:${await scene.daemon()}/gitops.git`, branch: "main" };
    expect(await sentence(call(remote))).toMatch(/service not enabled.*make the repository writable/);
  });

  it("a branch that is rewritten meanwhile: decided anew on what is there then", async () => {
    const tip = log(bare, "%H");
    let moved = false;
    const beforePush = (): Promise<void> => {
      if (!moved) git(["-C", bare, "update-ref", "refs/heads/main", tip[1]!]);
      moved = true;
      return Promise.resolve();
    };
    const remote = { url: local, branch: "main" };
    // Without its last commit dev has release 21, which stage has already; a rollback of stage is the same as before.
    const result = call === go
      ? await promote({ ...asked("", "go"), remote, to: "stage" }, effects({ beforePush }))
      : await rollback({ ...asked("", "back"), remote, env: "stage", reason: "bad" }, effects({ beforePush }));
    expect(result).toMatchObject({ committed: call !== go, attempts: 2 });
    expect(log(bare, "%H")).not.toContain(tip[0]);
  });

  it("a protected branch: the commit goes to a branch of its own, once, and main stays", async () => {
    scene.hook(bare, "update", `[ "$1" != refs/heads/main ] || { echo "GH006: Protected branch update failed for $1." >&2; exit 1; }`);
    const before = log(bare, "%H")[0]!;
    const result = await call({ url: local, branch: "main" });
    expect(result).toMatchObject({ committed: false, commit: before });
    const { branch, commit, advice } = result.proposal!;
    expect(branch).toMatch(call === go ? /^golden-path\/promote-stage-[0-9a-f]{12}$/ : /^golden-path\/rollback-stage-[0-9a-f]{12}$/);
    expect(advice).toBe(`open a pull request from ${branch} to main on your Git server; merge it as it is, without squashing, so that its trailers stay`);
    expect(log(bare, "%H", branch).slice(0, 2)).toEqual([commit, before]);
    expect(log(bare, "%H")[0]).toBe(before);
    // The same wish again finds its branch as it is.
    expect((await call({ url: local, branch: "main" })).proposal).toEqual(result.proposal);
    expect(git(["-C", bare, "for-each-ref", "--format=%(refname)"]).trim().split("\n")).toHaveLength(2);
  });

  it("a server that holds a shallow clone", async () => {
    const shallow = join(scene.dir, "shallow.git");
    git(["clone", "--quiet", "--bare", "--depth=3", local, shallow]);
    expect(await call({ url: `file://${shallow}`, branch: "main" })).toMatchObject({ committed: true });
    git(["-C", shallow, "fsck"]);
  });

  it.skipIf(!existsSync(SSHD))("over ssh with a key and a known host", async () => {
    const { url, sshKeyFile, knownHostsFile } = await scene.ssh();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await call({ url, branch: "main", sshKeyFile, knownHostsFile })).toMatchObject({ committed: true });
    const other = join(scene.dir, "others");
    writeFileSync(other, "[127.0.0.1]:1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    expect(await sentence(call({ url, branch: "main", sshKeyFile, knownHostsFile: other }))).toMatch(/check the server's host key/);
  });
});

it("comments and formatting of other teams' files stay, whatever is written", async () => {
  const theirs = { "apps/values.yaml": "# why\na:   1   # kept\n\n\n", "gates.yaml": "# ours\napiVersion:  golden-path/v1\nkind: Gates   # x\n", "tabs.txt": "\t\r\n" };
  scene.push(bare, theirs);
  await go({ url: local, branch: "main" });
  await back({ url: local, branch: "main" });
  for (const [path, text] of Object.entries(theirs)) expect(show(bare, path)).toBe(text);
});
