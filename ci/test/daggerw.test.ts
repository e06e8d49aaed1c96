import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAGGER_VERSION } from "../engine/versions.ts";
import { parseAddress, clientSettings } from "../engine/share.ts";
import { ROOT } from "./helpers.ts";

/**
 * Which engine the wrapper takes: a decision of its own, so it is tested with programs that only answer.
 * What dagger then does with the runtime is dagger's, and not shown here.
 */
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "golden-path-daggerw-"));
  program("dagger", `if [ "$1" = version ]; then echo "dagger ${DAGGER_VERSION} (image://…)"; else echo "$_EXPERIMENTAL_DAGGER_RUNNER_HOST|$*"; fi`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, body: string): void {
  const file = join(folder, "bin", name);
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
}

const answering = (name: string): void => program(name, 'test "$1" = info');
const silent = (name: string): void => program(name, "exit 1");

function daggerw(env: Record<string, string> = {}, ...args: string[]): { stdout: string; stderr: string; status: number | null } {
  const PATH = `${join(folder, "bin")}:/usr/bin:/bin`;
  const result = spawnSync(join(ROOT, "daggerw"), args, { encoding: "utf8", env: { PATH, HOME: folder, ...env } });
  return { stdout: result.stdout.trim(), stderr: result.stderr.trim(), status: result.status };
}

const official = (runtime: string): string => `image+${runtime}://registry.dagger.io/engine:${DAGGER_VERSION}`;

describe("daggerw", () => {
  test("takes the engine that the environment names, and hands it nothing", () => {
    answering("docker");
    const { stdout, stderr } = daggerw({ _EXPERIMENTAL_DAGGER_RUNNER_HOST: "tcp://192.0.2.1:7777" }, "call", "plan");
    expect(stdout).toBe("tcp://192.0.2.1:7777|call plan");
    expect(stderr).toBe("daggerw: engine: tcp://192.0.2.1:7777, named by the environment");
  });

  test.each(["docker", "podman", "finch", "nerdctl"])("takes the official engine of its own version through %s", (runtime) => {
    answering(runtime);
    const { stdout, stderr } = daggerw({}, "call", "ci", "--promote");
    expect(stdout).toBe(`${official(runtime)}|call ci --promote`);
    expect(stderr).toBe(`daggerw: engine: Dagger ${DAGGER_VERSION} through ${runtime}`);
  });

  test("takes podman where docker is installed but does not answer", () => {
    silent("docker");
    answering("podman");
    expect(daggerw({}, "functions").stdout).toBe(`${official("podman")}|functions`);
  });

  test("takes the runtime that is asked for, and says when that one does not answer", () => {
    answering("docker");
    answering("nerdctl");
    expect(daggerw({ GOLDEN_PATH_ENGINE: "nerdctl" }, "functions").stdout).toBe(`${official("nerdctl")}|functions`);
    const { status, stderr } = daggerw({ GOLDEN_PATH_ENGINE: "podman" }, "functions");
    expect(status).toBe(1);
    expect(stderr).toBe("daggerw: GOLDEN_PATH_ENGINE=podman is asked for, but 'podman info' does not answer; start it, or leave the variable out");
  });

  test("refuses an engine that it does not know", () => {
    const { status, stderr } = daggerw({ GOLDEN_PATH_ENGINE: "dokcer" }, "functions");
    expect(status).toBe(1);
    expect(stderr).toBe("daggerw: GOLDEN_PATH_ENGINE=dokcer is not known; use embedded, docker, podman, finch or nerdctl");
  });
});

describe("daggerw beside a call of the embedded engine", () => {
  const env = (): Record<string, string> => ({ GOLDEN_PATH_ENGINE: "embedded", GOLDEN_PATH_STATE: folder });
  function running(pid: number, body: string): void {
    // What the quick way prints when everything runs.
    program("node", `echo "dagger=${join(folder, "bin/dagger")} flags="`);
    program("dagger", body);
    mkdirSync(join(folder, "run"), { recursive: true });
    writeFileSync(join(folder, "run/engine.pid"), String(pid));
  }

  test("says once that the disk is full", () => {
    running(process.pid, "exec sleep 3");
    program("df", "printf 'head\\nline 100 95 5 95%% /\\n'");
    const { status, stderr } = daggerw(env(), "call", "plan");
    expect(status).toBe(0);
    expect(stderr.match(/daggerw: the disk of \S+ is full; what fails in this call may fail for that; free some space/g)).toHaveLength(1);
  });

  test("tells that the engine has ended, and ends a call that waits for it", () => {
    const engine = spawn("sleep", ["1"], { stdio: "ignore" });
    running(engine.pid!, "exec sleep 30");
    const { status, stderr } = daggerw(env(), "call", "plan");
    expect(status).toBeNull();
    expect(stderr).toContain(`daggerw: the engine (process ${engine.pid}) ended during this call; call again, it is then started anew; its log is ${folder}/log/engine.log`);
  });
});

describe("sharing the embedded engine", () => {
  const own = ["192.0.2.7", "fd00::7", "127.0.0.1"];

  test("listens on one address of this machine", () => {
    expect(parseAddress("tcp://192.0.2.7:7777", own)).toBe("tcp://192.0.2.7:7777");
    expect(parseAddress("tcp://[fd00::7]:7777", own)).toBe("tcp://[fd00::7]:7777");
  });

  test.each([
    ["0.0.0.0:7777", '"0.0.0.0:7777" is no'],
    ["tcp://0.0.0.0:7777", "0.0.0.0 stands for every network of this machine, and the engine asks for no password"],
    ["tcp://[::]:7777", ":: stands for every network"],
    ["tcp://build.example:7777", '"build.example" is a name, not an address'],
    ["tcp://198.51.100.9:7777", "this machine has no address 198.51.100.9"],
    ["tcp://192.0.2.7", "is not of the form tcp://<address>:<port>"],
    ["unix:///run/engine.sock", "is not of the form tcp://<address>:<port>"],
  ])("%s is refused", (text, words) => {
    expect(() => parseAddress(text, own)).toThrow(words);
    expect(() => parseAddress(text, own)).toThrow("name one address of this machine and a port, as in tcp://192.0.2.7:7777");
  });

  test("a client's .env names the images alone, as Dagger reads lists", () => {
    const text = clientSettings(["--images=debian=a@sha256:1", "--gitops-service=tcp://127.0.0.1:1", "--images=cluster=b@sha256:2", "--mirrors=file:/x"]);
    expect(text).toBe(`IMAGES='["debian=a@sha256:1","cluster=b@sha256:2"]'\n`);
  });
});

test("the script is what POSIX's shell reads", () => {
  expect(spawnSync("sh", ["-n", join(ROOT, "daggerw")]).status).toBe(0);
  expect(readFileSync(join(ROOT, "daggerw"), "utf8")).toContain(`version=${DAGGER_VERSION}\n`);
});
