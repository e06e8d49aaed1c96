import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lift } from "../../../.dagger/programs/gitops-lift.ts";
import { promote } from "../../../.dagger/programs/gitops-promote.ts";
import { rollback } from "../../../.dagger/programs/gitops-rollback.ts";
import { write } from "../../../.dagger/programs/gitops-write.ts";
import { STEPS } from "../../../.dagger/programs/gitops-writer.ts";
import { asked, effects, git, log, release, rendered, Scene } from "./fixtures.ts";

/** kill -9 at every boundary of every writer, then the same call again: exactly one commit, the same tree. */
let scene: Scene;
let bare: string;
let url: string;
beforeEach(async () => {
  scene = new Scene();
  bare = scene.bare();
  url = `git://127.0.0.1:${await scene.daemon()}/gitops.git`;
  const local = `file://${bare}`;
  for (const day of [20, 21]) {
    await write(rendered(local, [release("backend", day)], { runId: `run-${day}` }), effects());
    await promote({ ...asked(local, `promote-${day}`), to: "stage" }, effects());
  }
  await write(rendered(local, [release("backend", 22)], { runId: "run-22" }), effects());
});
afterEach(() => scene.close());

const WRITERS = { lift, promote, rollback, write } as Record<string, (input: never, seen: ReturnType<typeof effects>) => Promise<{ committed: boolean }>>;
const inputs = (runId: string): Record<string, object> => ({
  write: rendered(url, [release("backend", 23)], { runId }),
  promote: { ...asked(url, runId), to: "stage" },
  rollback: { ...asked(url, runId), env: "stage", reason: "it answers 500" },
});
const PROGRAM = fileURLToPath(new URL("killed-writer.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

function begin(kind: string, input: object, step: string) {
  const file = join(scene.dir, "input.json");
  writeFileSync(file, JSON.stringify(input));
  const tmp = join(scene.dir, "tmp");
  mkdirSync(tmp, { recursive: true });
  return { command: [process.execPath, ["--import", "tsx", PROGRAM, kind, file, step]] as const, options: { cwd: ROOT, env: { ...process.env, TMPDIR: tmp } } };
}

/** Everything but what tells of the run: its id and its time. */
function tree(): string {
  const paths = git(["-C", bare, "ls-tree", "-r", "--name-only", "main"]).trim().split("\n");
  return paths.map((path) => `${path}\n${git(["-C", bare, "show", `main:${path}`]).replaceAll(/^(run|at|checksum| {2}provenBy| {4}evidence): .*$/gm, "$1")}`).join("\n");
}

async function afterwards(kind: string, before: number): Promise<void> {
  const again = await WRITERS[kind]!(inputs("again")[kind] as never, effects());
  expect(log(bare)).toHaveLength(before + 1);
  const killed = tree();
  // The same without anybody killed.
  expect((await WRITERS[kind]!(inputs("once-more")[kind] as never, effects())).committed).toBe(false);
  expect(tree()).toBe(killed);
  expect(again).toBeDefined();
  git(["-C", bare, "fsck", "--strict"]);
}

describe.each(["write", "promote", "rollback"])("%s", (kind) => {
  it.each(STEPS)("killed when it has %s", async (step) => {
    const before = log(bare).length;
    const { command, options } = begin(kind, inputs("killed")[kind]!, step);
    const killed = spawnSync(...command, { ...options, encoding: "utf8" });
    expect(killed.signal, killed.stderr).toBe("SIGKILL");
    expect(log(bare)).toHaveLength(before + (step === "pushed" ? 1 : 0));
    await afterwards(kind, before);
  });

  it.each(["pre-receive", "post-receive"])("killed while the server is in %s", async (hook) => {
    const before = log(bare).length;
    const pid = join(scene.dir, "pid");
    // The client dies in the middle of its push; what the server does with what it has got is the server's.
    scene.hook(bare, hook, `cat > /dev/null; if [ -s ${pid} ]; then kill -9 "$(cat ${pid})"; rm ${pid}; sleep 0.3; fi`);
    const { command, options } = begin(kind, inputs("killed")[kind]!, "never");
    const child = spawn(...command, { ...options, stdio: "ignore" });
    writeFileSync(pid, String(child.pid));
    const signal = await new Promise((resolve) => child.once("exit", (_, by) => resolve(by)));
    expect(signal).toBe("SIGKILL");
    // git itself outlives its caller and may finish the push.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(existsSync(pid) && readFileSync(pid, "utf8")).toBe(false);
    await afterwards(kind, before);
  });
});
