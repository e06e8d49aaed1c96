import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const SERVER = fileURLToPath(new URL("../src/server.js", import.meta.url));

describe("the process", () => {
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill("SIGKILL"));

  it("turns unready at SIGTERM, goes on serving, cuts what hangs and exits 0", async () => {
    const port = await freePort();
    const lines = start({
      PORT: String(port),
      DRAIN_DELAY_SECONDS: "1",
      SHUTDOWN_TIMEOUT_SECONDS: "0.5",
    });
    const url = `http://127.0.0.1:${port}`;
    await until(async () => (await fetch(`${url}/ready`)).status === 200);
    const begin = performance.now();
    child?.kill("SIGTERM");
    await until(async () => (await fetch(`${url}/ready`)).status === 503);
    assert.equal((await fetch(`${url}/health`)).status, 200);
    const hanging = fetch(`${url}/`, { method: "POST", body: endless(), duplex: "half" });
    hanging.catch(() => undefined);
    assert.equal(await exitCode(), 0);
    assert.ok(performance.now() - begin < 8000, "it took too long");
    const entries = lines().map((line) => JSON.parse(line) as { time: string; message: string });
    assert.equal(entries[0]?.message, "listening");
    assert.equal(entries.at(-1)?.message, "stopped");
    assert.ok(entries.every(({ time }) => !Number.isNaN(Date.parse(time))));
  });

  it("ends with a sentence when a setting cannot be used", async () => {
    const lines = start({ PORT: "0" });
    assert.equal(await exitCode(), 2);
    assert.match(lines()[0] ?? "", /PORT is '0'; use a number from 1 to 65535/);
  });

  function start(env: Readonly<Record<string, string>>): () => string[] {
    child = spawn(process.execPath, [SERVER], { env: { HOST: "127.0.0.1", ...env } });
    let out = "";
    child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
    return () => out.trimEnd().split("\n");
  }

  async function exitCode(): Promise<number> {
    assert.ok(child);
    const [code] = (await once(child, "close", { signal: AbortSignal.timeout(15_000) })) as [number];
    return code;
  }
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000;
  while (performance.now() < end) {
    if (await condition().catch(() => false)) return;
    await sleep(30);
  }
  assert.fail("waited 15 s in vain");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  assert.ok(address !== null && typeof address === "object");
  return address.port;
}

/** A request body that never ends. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => {
      controller.enqueue(new Uint8Array([1]));
    },
  });
}
