import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";

import { startApp, startBackend, statusBody } from "./support.ts";

interface Status {
  status: string;
  reason: string;
  environments: unknown[];
}

describe("the status", () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  /** Starts a backend that answers this way, and the service in front of it. */
  async function serve(answer: Parameters<typeof startBackend>[0], timeout = "2"): Promise<string> {
    const backend = await startBackend(answer);
    const app = await startApp({ BACKEND_URL: backend.url, BACKEND_TIMEOUT_SECONDS: timeout });
    closing.push(app.close, backend.close);
    return app.url;
  }

  async function servePage(service: Record<string, unknown> = {}): Promise<Response> {
    const url = await serve((_, response) => response.end(JSON.stringify(statusBody(service))));
    return fetch(url);
  }

  async function unknown(url: string): Promise<Status> {
    const answer = await fetch(`${url}/api/status`);
    assert.equal(answer.status, 200);
    const body = (await answer.json()) as Status;
    assert.equal(body.status, "unknown");
    assert.deepEqual(body.environments, []);
    const page = await (await fetch(url)).text();
    assert.match(page, /Status unknown\./);
    assert.doesNotMatch(page, /class="card"/);
    return body;
  }

  it("comes from the backend's API", async () => {
    let asked = "";
    const url = await serve((request, response) => {
      asked = request.url ?? "";
      response.end(JSON.stringify(statusBody()));
    });
    const body = (await (await fetch(`${url}/api/status`)).json()) as Status;
    assert.equal(asked, "/api/v1/status");
    assert.equal(body.status, "ok");
    assert.equal(body.environments.length, 2);
  });

  it("is shown with version, revision, digest and last promotion", async () => {
    const page = await (await servePage()).text();
    assert.match(page, /2026\.11\.22-ab12cd3/);
    assert.match(page, new RegExp("ab12cd3".padEnd(40, "0")));
    assert.match(page, new RegExp(`sha256:${"d".repeat(64)}`));
    assert.match(page, /<time datetime="2026-11-22T02:30:00.000Z">2026-11-22 02:30 UTC<\/time>/);
    assert.match(page, /by Pipeline .*run run-7/);
    assert.match(page, /<dt>Sync<\/dt><dd><span class="state">unknown<\/span>/);
    assert.match(page, /<dt>Holds<\/dt><dd><span class="state">unknown<\/span>/);
    assert.match(page, /Nothing has been released here yet\./);
  });

  it("tells good from bad", async () => {
    const hold = { digest: `sha256:${"a".repeat(64)}`, reason: "crashes" };
    const page = await (
      await servePage({ sync: "Synced", health: "Degraded", holds: [hold] })
    ).text();
    assert.match(page, /<span class="state good">Synced/);
    assert.match(page, /<span class="state bad">Degraded/);
    assert.match(page, /<li class="state bad">.* crashes/);
    assert.match(page, /<strong>1 on hold<\/strong>/);
  });

  it("tells how a release came there, what is held and why, and the environment's history", async () => {
    const record = {
      action: "rollback", since: "2026-11-22T02:50:00Z", run: "run-8", by: "pat", from: "f".repeat(40),
      reason: "it answers <500>", gates: [{ gate: "image", passed: true, evidence: "the registry has it" }], previous: null,
    };
    const hold = { digest: `sha256:${"a".repeat(64)}`, version: "1.1", env: "stage", reason: "it answers 500", by: "pat", since: "2026-11-22T02:50:00Z" };
    const body = statusBody({ record, holds: [hold] });
    Object.assign(body.environments[0] ?? {}, {
      history: [
        { commit: "e".repeat(40), at: "2026-11-22T02:50:00Z", author: "x", action: "rollback", subject: "s", services: [{ service: "backend", version: "1.0" }], by: "pat", reason: "it answers 500" },
        { commit: "d".repeat(40), at: "2026-11-22T02:40:00Z", author: "Eve", action: "changed by hand", subject: "<b>mine</b>", services: [], by: null, reason: null },
      ],
    });
    const url = await serve((_, response) => response.end(JSON.stringify(body)));
    const page = await (await fetch(url)).text();
    assert.match(page, /<dt>By way of<\/dt><dd>rollback from <code.*f{12}.*by pat.*it answers &lt;500&gt;/);
    assert.match(page, /<li class="state good" title="the registry has it">image<\/li>/);
    assert.match(page, /<li class="state bad">1\.1 it answers 500 <span class="by">by pat in stage<\/span>/);
    assert.match(page, /<details class="history" id="history-dev">[^]*<strong>rollback<\/strong> backend 1\.0[^]*by pat in/);
    assert.match(page, /<strong>changed by hand<\/strong> &lt;b&gt;mine&lt;\/b&gt;[^]*by Eve in/);
    assert.doesNotMatch(page, /history-prod/);
  });

  it("tells what Argo CD says of a release, and why it is not well", async () => {
    const live = {
      revision: "f".repeat(40),
      reconciledAt: "2026-11-22T02:45:00Z",
      message: "Deployment backend: exceeded its progress deadline",
    };
    const page = await (await servePage({ sync: "Synced", health: "Degraded", live })).text();
    assert.match(page, /<strong>0 of 1<\/strong> synced and healthy/);
    assert.match(page, /<span class="tally bad">0 of 1 well<\/span>/);
    assert.match(page, /<p class="notice">Deployment backend: exceeded its progress deadline<\/p>/);
    assert.match(page, /<dt>Compared<\/dt><dd><time datetime="2026-11-22T02:45:00.000Z">.*f{12}/);
    const well = await (await servePage({ sync: "Synced", health: "Healthy", live })).text();
    assert.match(well, /, all synced and healthy/);
    assert.doesNotMatch(well, /progress deadline/);
  });

  it("says why sync and health are not known", async () => {
    const body = { ...statusBody(), live: { status: "unknown", reason: "no cluster <account>" } };
    const url = await serve((_, response) => response.end(JSON.stringify(body)));
    const page = await (await fetch(url)).text();
    assert.match(page, /<p class="aside">Sync and health unknown\. No cluster &lt;account&gt;\.<\/p>/);
    assert.doesNotMatch(page, /well<\/span>/);
  });

  it("escapes whatever it is told", async () => {
    const evil = `"><script>alert('1')</script>&`;
    const page = await (await servePage({ name: evil, version: evil, digest: evil })).text();
    assert.doesNotMatch(page, /<script>alert/);
    assert.match(page, /&quot;&gt;&lt;script&gt;alert\(&#39;1&#39;\)&lt;\/script&gt;&amp;/);
  });

  it("is a page under a strict policy that loads only what is served here", async () => {
    const answer = await servePage();
    const policy = answer.headers.get("content-security-policy") ?? "";
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'sha256-/);
    assert.doesNotMatch(policy, /unsafe/);
    const page = await answer.text();
    const paths = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1] ?? "");
    assert.deepEqual(paths, ["/assets/icon.svg", "/assets/browser/client.js"]);
    for (const path of paths) await loads(new URL(path, answer.url));
  });

  /** A script loads, and so does everything that it imports. */
  async function loads(url: URL): Promise<void> {
    const answer = await fetch(url);
    assert.equal(answer.status, 200, url.pathname);
    const text = await answer.text();
    for (const [, inner] of text.matchAll(/from "([^"]*)"/g)) await loads(new URL(inner ?? "", url));
  }

  it("is unknown without a backend", async () => {
    const app = await startApp();
    closing.push(app.close);
    assert.equal((await unknown(app.url)).reason, "no backend is configured; set BACKEND_URL");
  });

  it("is unknown when the backend is not there", async () => {
    const gone = await startBackend(() => undefined);
    await gone.close();
    const app = await startApp({ BACKEND_URL: gone.url });
    closing.push(app.close);
    const { reason } = await unknown(app.url);
    assert.equal(reason, `asking the backend at ${gone.url}: the connection was refused`);
  });

  it("is unknown when the backend does not answer in time", async () => {
    const url = await serve(() => undefined, "0.2");
    assert.match((await unknown(url)).reason, /it did not answer within 0\.2 s$/);
  });

  it("is unknown when the backend stops in the middle", async () => {
    const url = await serve((_, response) => response.write("{"), "0.2");
    assert.match((await unknown(url)).reason, /it did not answer within 0\.2 s$/);
  });

  it("is unknown when the backend fails", async () => {
    const url = await serve((_, response) => response.writeHead(500).end("inside"));
    assert.match((await unknown(url)).reason, /it answered 500$/);
  });

  for (const [text, reason] of [
    ["<html>", /its answer is not JSON$/],
    ["[]", /it is not a platform status$/],
    [" ".repeat(5_000_000), /its answer is too large$/],
  ] as const) {
    it(`is unknown when the answer cannot be used: ${text.slice(0, 6)}`, async () => {
      const url = await serve((_, response) => response.end(text));
      assert.match((await unknown(url)).reason, reason);
    });
  }

  it("passes on why the backend does not know", async () => {
    const body = { status: "unknown", reason: "no GitOps repository <is> configured", environments: [] };
    const url = await serve((_, response) => response.end(JSON.stringify(body)));
    assert.equal((await unknown(url)).reason, body.reason);
    assert.match(await (await fetch(url)).text(), /No GitOps repository &lt;is&gt; configured\./);
  });
});
