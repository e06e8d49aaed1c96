import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { request as ask } from "node:http";
import type { Agent } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { EntryDecision } from "../src/lib/entry-route.ts";

/** Where a service's requests go. */
export interface Upstream {
  host: string;
  port: number;
  /** Makes the connections, where they are not plain TCP. */
  agent?: Agent;
}

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

const LIMIT_MS = 30_000;
/** These speak of one connection, not of the message; HTTP/2 refuses them. */
const OF_THE_CONNECTION = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "trailer"]);

/** Headers of a message without those of its connection and without HTTP/2's own. */
export function passedOn(headers: NodeJS.Dict<string | string[]>): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(":") && !OF_THE_CONNECTION.has(name.toLowerCase())));
}

/** The name that the client called. */
export function hostOf(request: Request): string {
  return (request.headers[":authority"] as string | undefined) ?? request.headers.host ?? "";
}

/** Passes a request on to a service and its answer back, both as they come. */
export function forward(request: Request, response: Response, name: string, path: string, upstream: Upstream): void {
  const headers = { ...passedOn(request.headers), host: name, "x-forwarded-host": hostOf(request) };
  const { host, port, agent } = upstream;
  const options = { host, port, path, method: request.method ?? "GET", headers, ...(agent ? { agent } : {}) };
  // Not HTTP's own timeout, which a socket must keep and a pod's connection does not.
  const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${LIMIT_MS / 1000} s`)), LIMIT_MS);
  const asked = ask(options, (answer) => {
    clearTimeout(timer);
    response.writeHead(answer.statusCode ?? 502, passedOn(answer.headers));
    answer.pipe(response as ServerResponse);
    answer.once("error", () => response.destroy());
  });
  asked.on("error", (error) => {
    clearTimeout(timer);
    say(response, 502, `${name} does not answer: ${error.message}`);
  });
  response.once("close", () => {
    clearTimeout(timer);
    asked.destroy();
  });
  request.pipe(asked);
}

/** An answer of the entry's own. */
export function say(response: Response, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const text = typeof body === "string" ? `${body}\n` : `${JSON.stringify(body, null, 2)}\n`;
  response.writeHead(status, { "content-type": `${typeof body === "string" ? "text/plain" : "application/json"}; charset=utf-8`, "cache-control": "no-store" });
  response.end(text);
}

/** Answers what names no service: the list of all, or that there is none of that name. */
export function sayUnknown(response: Response, decision: EntryDecision, names: readonly string[], nothing: string): void {
  if (!("unknown" in decision)) return say(response, 200, { services: names });
  if (names.length === 0) return say(response, 503, nothing);
  say(response, 404, `there is no service ${decision.unknown}; there are ${names.join(", ")}`);
}
