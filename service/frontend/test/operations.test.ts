import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";

import { readConfig } from "../src/config.ts";
import { startApp, type Running } from "./support.ts";

describe("operations", () => {
  let app: Running;
  afterEach(() => app.close());

  it("is alive", async () => {
    app = await startApp();
    const answer = await fetch(`${app.url}/health`);
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { status: "ok" });
  });

  it("is ready, until it is told to stop", async () => {
    app = await startApp();
    assert.equal((await fetch(`${app.url}/ready`)).status, 200);
    const stopped = app.lifecycle.stop(app.server, 300, 1000);
    const answer = await fetch(`${app.url}/ready`);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("connection"), "close");
    assert.deepEqual(await answer.json(), { status: "stopping" });
    assert.equal((await fetch(`${app.url}/health`)).status, 200);
    await stopped;
    await assert.rejects(fetch(`${app.url}/health`));
  });

  it("says its version, and unknown where it was not told", async () => {
    app = await startApp({ VERSION: "1.2", SOURCE_REVISION: "abc" });
    assert.deepEqual(await (await fetch(`${app.url}/version`)).json(), {
      name: "frontend",
      version: "1.2",
      sourceRevision: "abc",
      buildTime: "unknown",
    });
  });

  it("counts requests by route, not by path", async () => {
    app = await startApp({ VERSION: 'a"b' });
    await fetch(`${app.url}/health?x=1`);
    await fetch(`${app.url}/invented`);
    const text = await (await fetch(`${app.url}/metrics`)).text();
    assert.match(text, /http_requests_total\{method="GET",route="\/health",status="200"\} 1\n/);
    assert.match(text, /http_requests_total\{method="GET",route="unmatched",status="404"\} 1\n/);
    assert.match(text, /build_info\{version="a\\"b",source_revision="unknown"\} 1\n/);
    assert.doesNotMatch(text, /invented/);
  });

  it("answers errors as JSON", async () => {
    app = await startApp();
    const missing = await fetch(`${app.url}/nothing`);
    assert.equal(missing.status, 404);
    assert.deepEqual(await missing.json(), {
      error: { code: "not_found", message: "there is nothing at this address" },
    });
    const refused = await fetch(`${app.url}/health`, { method: "POST", body: "x" });
    assert.equal(refused.status, 405);
    assert.equal(refused.headers.get("allow"), "GET, HEAD");
  });

  it("logs requests, but not successful probes", async () => {
    app = await startApp();
    await fetch(`${app.url}/health`);
    await fetch(`${app.url}/version`);
    assert.deepEqual(
      app.logged.map(({ message, path, status }) => ({ message, path, status })),
      [{ message: "request", path: "/version", status: 200 }],
    );
  });
});

describe("settings", () => {
  it("have defaults", () => {
    assert.equal(readConfig({ PORT: "" }).port, 8080);
  });

  it("are refused with a sentence", () => {
    assert.throws(() => readConfig({ PORT: "70000" }), {
      message: "reading the environment: PORT is '70000'; use a number from 1 to 65535",
    });
    assert.throws(() => readConfig({ PORT: "abc" }), /PORT is 'abc'/);
    assert.throws(() => readConfig({ BACKEND_URL: "ftp://x" }), /BACKEND_URL is not usable/);
    assert.throws(() => readConfig({ BACKEND_URL: "http://u:secret@x" }), (error: Error) => {
      return !error.message.includes("secret");
    });
  });
});
