/** Answers requests. */

import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { readStatus } from "./backend.ts";
import type { Config } from "./config.ts";
import { CONTENT_SECURITY_POLICY, renderDocument } from "./document.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Log } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { ICON } from "./style.ts";

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type Route = () => Answer | Promise<Answer>;

const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";
const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";
// What the browser loads; compiled next to this file.
const SCRIPTS = ["browser/client.js", "shared/html.js", "shared/render.js", "shared/status.js"];
// Probes and scrapes come every few seconds and say nothing while they succeed.
const QUIET = ["/health", "/ready", "/metrics"];

/** Returns a server that is not listening yet. */
export function createApp(config: Config, lifecycle: Lifecycle, log: Log): Server {
  const metrics = new Metrics(config.build);
  const routes = createRoutes(config, lifecycle, metrics);

  async function answerTo(request: IncomingMessage, path: string): Promise<Answer> {
    const route = routes.get(path);
    if (route === undefined) return failure(404, "not_found", "there is nothing at this address");
    if (request.method !== "GET" && request.method !== "HEAD") {
      const refused = failure(405, "method_not_allowed", "use GET or HEAD");
      return { ...refused, headers: { Allow: "GET, HEAD" } };
    }
    try {
      return await route();
    } catch (error) {
      log("error", "the request could not be answered", { path, error: String(error) });
      return failure(500, "internal_server_error", "the request could not be answered");
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const begin = performance.now();
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const answer = await answerTo(request, path);
    response.writeHead(answer.status, {
      "Content-Type": answer.type,
      "Content-Length": Buffer.byteLength(answer.body),
      "Content-Security-Policy": CONTENT_SECURITY_POLICY,
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "no-referrer",
      "Cross-Origin-Opener-Policy": "same-origin",
      ...(lifecycle.stopping ? { Connection: "close" } : {}),
      ...answer.headers,
    });
    response.end(request.method === "HEAD" ? undefined : answer.body);

    const seconds = (performance.now() - begin) / 1000;
    const method = ["GET", "HEAD"].includes(request.method ?? "") ? request.method : undefined;
    metrics.observe(method ?? "other", routes.has(path) ? path : "unmatched", answer.status, seconds);
    if (QUIET.includes(path) && answer.status < 400) return;
    log("info", "request", {
      method: request.method,
      path,
      status: answer.status,
      durationMs: Math.round(seconds * 100_000) / 100,
    });
  }

  const server = createServer((request, response) => {
    request.resume(); // a body is of no use here
    void handle(request, response);
  });
  server.requestTimeout = 15_000;
  server.headersTimeout = 10_000;
  return server;
}

function createRoutes(config: Config, lifecycle: Lifecycle, metrics: Metrics): Map<string, Route> {
  const status = () => readStatus(config.backendUrl, config.backendTimeoutMs);
  const routes = new Map<string, Route>([
    ["/health", () => json(200, { status: "ok" })],
    [
      "/ready",
      () =>
        lifecycle.stopping ? json(503, { status: "stopping" }) : json(200, { status: "ready" }),
    ],
    ["/version", () => json(200, config.build)],
    ["/metrics", () => ({ status: 200, type: PROMETHEUS, body: metrics.text() })],
    ["/api/status", async () => json(200, await status())],
    [
      "/",
      async () => ({ status: 200, type: HTML, body: renderDocument(await status(), config.build) }),
    ],
    ["/assets/icon.svg", () => ({ status: 200, type: "image/svg+xml", body: ICON })],
  ]);
  for (const name of SCRIPTS) {
    const body = readFileSync(new URL(name, import.meta.url), "utf8");
    routes.set(`/assets/${name}`, () => ({ status: 200, type: SCRIPT, body }));
  }
  return routes;
}

function json(status: number, value: unknown): Answer {
  return { status, type: "application/json", body: JSON.stringify(value) };
}

function failure(status: number, code: string, message: string): Answer {
  return json(status, { error: { code, message } });
}
