import { createServer } from "node:http2";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { connect } from "node:net";

const AGAIN_MS = 500;

/**
 * Answers requests that come through connections made from here.
 *
 * Nothing in the engine's network can be reached from the person's machine unless Dagger listens
 * on all of the machine's addresses. The other way works: this end connects to a port that the
 * machine offers on its loopback, and serves HTTP/2 over that connection.
 */
export function answerThrough(entry: string, answer: (request: Http2ServerRequest, response: Http2ServerResponse) => void): void {
  const [host = "", port = ""] = entry.split(":");
  const server = createServer(answer);
  server.on("sessionError", () => undefined);
  const open = () => {
    const socket = connect(Number(port), host);
    socket.setNoDelay(true);
    // Without data for long, only this tells a dead peer from a silent one.
    socket.setKeepAlive(true, 10_000);
    socket.on("error", () => undefined);
    socket.once("connect", () => server.emit("connection", socket));
    socket.once("close", () => setTimeout(open, AGAIN_MS));
  };
  open();
}
