import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { write } from "../../../.dagger/programs/gitops-write.ts";
import { effects, git, release, wanted } from "./fixtures.ts";

// The state folder is read when the module loads, so it is set before.
const state = mkdtempSync(join(tmpdir(), "gitops-server-"));
const earlier = process.env.GOLDEN_PATH_STATE;
process.env.GOLDEN_PATH_STATE = state;
const { ensureGitServer, gitServer, stopGitServer } = await import("../../engine/git-server.ts");

beforeAll(() => expect(state).not.toBe(""));
afterAll(async () => {
  await stopGitServer();
  if (earlier === undefined) delete process.env.GOLDEN_PATH_STATE;
  else process.env.GOLDEN_PATH_STATE = earlier;
  rmSync(state, { recursive: true, force: true });
});

const pid = (): string => readFileSync(join(state, "run/git.pid"), "utf8");

it("starts once, takes a release, keeps address and commits over a restart", async () => {
  const first = await ensureGitServer();
  const started = pid();
  expect(await ensureGitServer()).toEqual(first);
  expect(pid()).toBe(started);
  const result = await write(wanted(first.url, [release("backend", 22)]), effects());
  expect(result.committed).toBe(true);
  expect(await stopGitServer()).toBe(true);
  expect(await gitServer()).toBeUndefined();
  expect(await stopGitServer()).toBe(false);
  expect(await ensureGitServer()).toEqual(first);
  expect(git(["ls-remote", first.url])).toContain(result.commit!);
}, 20_000);

it("recovers from a killed server and from a port that another program took", async () => {
  const before = await ensureGitServer();
  process.kill(Number(pid()), "SIGKILL");
  expect(await ensureGitServer()).toEqual(before);
  await stopGitServer();
  const squatter = createServer((socket) => socket.on("error", () => undefined).end("HTTP/1.1 400\r\n\r\n"));
  await new Promise<void>((resolve) => squatter.listen(before.port, "127.0.0.1", resolve));
  try {
    const moved = await ensureGitServer();
    expect(moved.port).not.toBe(before.port);
    expect(git(["ls-remote", moved.url])).toContain("refs/heads/main");
  } finally {
    squatter.close();
  }
}, 20_000);

it("a process id that is somebody else's by now is not taken for it", async () => {
  await stopGitServer();
  writeFileSync(join(state, "run/git.pid"), String(process.pid));
  expect(await gitServer()).toBeUndefined();
  expect(await stopGitServer()).toBe(false);
}, 20_000);
