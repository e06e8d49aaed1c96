import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { read } from "../../../.dagger/programs/gitops-read.ts";
import { write } from "../../../.dagger/programs/gitops-write.ts";
import { effects, freePort, git, log, release, Scene, sentence, wanted } from "./fixtures.ts";

let scene: Scene;
let bare: string;
let url: string;
beforeEach(() => {
  scene = new Scene();
  bare = scene.bare();
  url = `file://${bare}`;
});
afterEach(() => scene.close());

const backend = (): ReturnType<typeof release> => release("backend", 22);

describe("a repository that cannot be written", () => {
  it("a hook that declines: its own words, one attempt, no commit", async () => {
    scene.push(bare, { a: "b" });
    scene.hook(bare, "pre-receive", `echo "releases need a ticket" >&2; exit 1`);
    const seen = effects();
    const text = await sentence(write(wanted(url, [backend()]), seen));
    expect(text).toMatch(/^pushing to branch main of the GitOps repository file:.*pre-receive hook declined: releases need a ticket; a rule of that server/);
    expect(seen.waits).toEqual([]);
    expect(log(bare)).toEqual(["their work"]);
  });

  it("a protected branch is told from other refusals", async () => {
    scene.push(bare, { a: "b" });
    scene.hook(bare, "update", `echo "GH006: Protected branch update failed for refs/heads/main." >&2; exit 1`);
    expect(await sentence(write(wanted(url, [backend()]), effects()))).toMatch(/GH006.*takes no direct pushes/);
  });

  it("a server without the right to push", async () => {
    scene.push(bare, { a: "b" });
    git(["-C", bare, "config", "daemon.receivepack", "false"]);
    const port = await scene.daemon();
    const text = await sentence(write(wanted(`git://127.0.0.1:${port}/gitops.git`, [backend()]), effects()));
    expect(text).toMatch(/pushing to branch main .*service not enabled.*make the repository writable/);
  });

  it("a repository that does not exist", async () => {
    const port = await scene.daemon();
    const gone = `git://127.0.0.1:${port}/nothing.git`;
    expect(await sentence(write(wanted(gone, [backend()]), effects()))).toMatch(/^fetching branch main of .*nothing\.git: .*check the repository's address, that it exists/);
    expect(await sentence(read({ remote: { url: `file://${bare}-no`, branch: "main" }, prefixes: [] }))).toMatch(/check the repository's address/);
  });

  it("a branch that does not exist, in a repository that has others", async () => {
    scene.push(bare, { a: "b" });
    const text = await sentence(write(wanted(url, [backend()], { remote: { url, branch: "mian" } }), effects()));
    expect(text).toMatch(/fetching branch mian .*there is no such branch, only main; name one of these or create it first/);
  });

  it("a port where nothing listens", async () => {
    const closed = `git://127.0.0.1:${await freePort()}/gitops.git`;
    const text = await sentence(write(wanted(closed, [backend()]), effects()));
    expect(text).toMatch(/^fetching branch main of the GitOps repository git:.*[Cc]onnection refused.*check the repository's address/);
    expect(text.split("\n")).toHaveLength(1);
  });

  it("a server that never answers is given up at the limit", async () => {
    const port = await scene.silent();
    for (const scheme of ["git", "http"]) {
      const started = Date.now();
      const text = await sentence(write(wanted(`${scheme}://127.0.0.1:${port}/gitops.git`, [backend()], { limits: { fetchSeconds: 1 } }), effects()));
      expect(text).toMatch(/^fetching branch main .*: no answer within 1 s; check that the server answers/);
      expect(Date.now() - started).toBeLessThan(3_000);
    }
  });

  it("a push that hangs is given up at the limit, with nothing half done", async () => {
    scene.push(bare, { a: "b" });
    scene.hook(bare, "pre-receive", "exec sleep 4");
    const text = await sentence(write(wanted(url, [backend()], { limits: { pushSeconds: 1 } }), effects()));
    expect(text).toMatch(/^pushing to branch main .*no answer within 1 s/);
    expect(log(bare)).toHaveLength(1);
  });

  it("a disk that cannot be written", async () => {
    scene.push(bare, { a: "b" });
    scene.hook(bare, "pre-receive", `echo "fatal: Unable to create: Read-only file system" >&2; exit 1`);
    expect(await sentence(write(wanted(url, [backend()]), effects()))).toMatch(/Read-only file system/);
  });

  it("a corrupt record on the branch is refused by file and line, and stays as it is", async () => {
    scene.push(bare, { "env/dev/backend/release.yaml": "apiVersion: golden-path/v1\nkind: Release\nservice: [\n" });
    expect(await sentence(write(wanted(url, [backend()]), effects()))).toContain("env/dev/backend/release.yaml");
    expect(log(bare)).toHaveLength(1);
  });

  it("a release of uncommitted source", async () => {
    const dirty = release("backend", 22, { sourceRevision: `${"a".repeat(40)}-dirty` });
    expect(await sentence(write(wanted(url, [dirty]), effects()))).toMatch(/backend was built from uncommitted changes/);
  });
});

describe("over http", () => {
  let server: Server | undefined;
  const seen: string[] = [];
  const token = "s3cret-tok/en+1";
  afterEach(() => server?.close());

  async function serve(status: number, headers: Record<string, string> = {}): Promise<string> {
    seen.length = 0;
    const listening = createServer((request, response) => {
      seen.push(request.headers.authorization ?? "none");
      response.writeHead(status, headers).end(`told ${token}`);
    });
    server = listening;
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/team/gitops.git`;
  }

  it("500: three attempts, then a sentence", async () => {
    const address = await serve(500);
    expect(await sentence(write(wanted(address, [backend()]), effects()))).toMatch(/returned error: 500; the server is in trouble.*gave up after 3 attempts/);
  });

  it("a token that is refused: sent as a password, never shown", async () => {
    const address = await serve(401, { "www-authenticate": 'Basic realm="git"' });
    const tokenFile = join(scene.dir, "token");
    writeFileSync(tokenFile, `${token}\n`);
    const seenLines = effects();
    const text = await sentence(write(wanted(address, [backend()], { remote: { url: address, branch: "main", tokenFile, username: "bot" } }), seenLines));
    expect(text).toMatch(/Authentication failed.*check that the token or ssh key/);
    expect(seen.map((header) => Buffer.from(header.replace("Basic ", ""), "base64").toString())).toContain(`bot:${token}`);
    expect(`${text}${seenLines.lines.join()}`).not.toContain(token);
  });

  it("a token that is right: reads and writes, and no process carries it in its arguments or environment", async () => {
    git(["-C", bare, "config", "http.receivepack", "true"]);
    let leaks: string[] = [];
    const address = await scene.http("bot", token, () => void (leaks = leaks.concat(processesWith(token))));
    const tokenFile = join(scene.dir, "token");
    writeFileSync(tokenFile, `${token}\n`);
    const remote = { url: address, branch: "main", tokenFile, username: "bot" };
    const result = await write(wanted(address, [backend()], { remote }), effects());
    expect(result.committed).toBe(true);
    expect(await read({ remote, prefixes: [] })).toMatchObject({ commit: result.commit });
    expect(leaks).toEqual([]);
  });

  it("no token where one is asked for: no prompt", async () => {
    const address = await serve(401, { "www-authenticate": 'Basic realm="git"' });
    expect(await sentence(write(wanted(address, [backend()]), effects()))).toMatch(/check that the token or ssh key/);
  });
});

/** Running processes that hold the text in their arguments or environment; none where there is no /proc. */
function processesWith(text: string): string[] {
  if (!existsSync("/proc")) return [];
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && ["cmdline", "environ"].some((file) => readFileSync(`/proc/${pid}/${file}`, "utf8").includes(text));
    } catch {
      return false; // ended meanwhile, or another user's
    }
  });
}

describe("addresses", () => {
  it.each([
    ["--upload-pack=touch /tmp/x", /is not one; use https/],
    ["ext::sh -c true", /is not one; use https/],
    ["https://me:hunter2@example.com/x.git", /carries a password/],
    ["git@example.com:team/x.git", /no ssh key was given/],
  ])("%s is refused", async (address, reason) => {
    const text = await sentence(write(wanted(address, [backend()]), effects()));
    expect(text).toMatch(reason);
    expect(text).not.toContain("hunter2");
  });

  it.each(["--all", "a..b", "a b", "x.lock", "/main", ""])("branch %j is refused", async (branch) => {
    expect(await sentence(write(wanted(url, [backend()], { remote: { url, branch } }), effects()))).toMatch(/is not a branch name/);
  });
});

describe("reading", () => {
  it("hands out text under the prefixes with the commit, and says what it left out", async () => {
    const commit = scene.push(bare, { "env/dev/a/release.yaml": "x\n", "env/dev/a/big": "y".repeat(50), "env/dev/ab": "no", "env/dev/a/bin": Buffer.from([0, 255]) });
    const result = await read({ remote: { url, branch: "main" }, prefixes: ["env/dev/a/"], maxFileBytes: 20 });
    expect(result).toEqual({
      commit,
      branch: "main",
      files: { "env/dev/a/release.yaml": "x\n" },
      skipped: [
        { path: "env/dev/a/big", reason: "50 bytes, more than 20" },
        { path: "env/dev/a/bin", reason: "not text" },
      ],
    });
  });

  it("an empty repository has no commit", async () => {
    expect(await read({ remote: { url, branch: "main" }, prefixes: [] })).toMatchObject({ commit: null, files: {} });
  });

  it("is a program too: JSON in, JSON out, one sentence and exit 1 on failure", async () => {
    const run = (input: unknown): Promise<{ code: number; stdout: string; stderr: string }> => {
      const file = join(scene.dir, "input.json");
      writeFileSync(file, JSON.stringify(input));
      chmodSync(file, 0o600);
      const program = fileURLToPath(new URL("../../../.dagger/programs/gitops-read.ts", import.meta.url));
      return new Promise((resolve) => {
        execFile(process.execPath, ["--import", "tsx", program, file, join(scene.dir, "out/result.json")], { cwd: fileURLToPath(new URL("../../..", import.meta.url)) }, (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
        });
      });
    };
    const good = await run({ remote: { url, branch: "main" }, prefixes: [] });
    expect(good).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(join(scene.dir, "out/result.json"), "utf8")).toBe(good.stdout);
    const bad = await run({ remote: { url: `${url}-no`, branch: "main" }, prefixes: [] });
    expect(bad.code).toBe(1);
    expect(bad.stderr.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(bad.stdout)).toMatchObject({ error: { kind: "not-found" } });
  });
});
