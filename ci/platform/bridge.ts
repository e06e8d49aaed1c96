import { createServer as createHttp } from "node:http"
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from "node:http"
import { type ClientHttp2Session, connect } from "node:http2"
import { createServer as createTcp } from "node:net"
import type { AddressInfo, Server as TcpServer } from "node:net"

export interface Bridge {
  /** Where people's requests come in. */
  port: number
  /** Where the platform calls. */
  entryPort: number
  close: () => void
}

/** These speak of one connection; HTTP/2 refuses them. */
const OF_THE_CONNECTION = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "host"]
const PING_MS = 5000
const STARTING = "the platform is starting: npm run platform -- status\n"

/**
 * Takes requests on loopback and passes them to the platform, over a connection that the platform
 * makes to this end: nothing has to listen on this machine's other addresses, as it would if
 * Dagger itself published the port.
 */
export async function openBridge(port: number, entryPort: number): Promise<Bridge> {
  let platform: ClientHttp2Session | undefined
  const entry = createTcp((socket) => {
    socket.setNoDelay(true)
    socket.on("error", () => undefined)
    const session = connect("http://platform", { createConnection: () => socket })
    session.on("error", () => undefined)
    // A connection that is only half dead shows in a question without an answer.
    const ping = setInterval(() => {
      if (!session.closed) session.ping((error) => { if (error) session.destroy() })
    }, PING_MS)
    session.once("close", () => {
      clearInterval(ping)
      if (platform === session) platform = undefined
    })
    // The newest: an earlier one belongs to a platform that is gone.
    platform = session
  })
  const http = createHttp((request, response) => pass(request, response, platform))
  await listening(entry, entryPort)
  await listening(http, port)
  return {
    port: (http.address() as AddressInfo).port,
    entryPort: (entry.address() as AddressInfo).port,
    close: () => {
      platform?.destroy()
      http.closeAllConnections()
      http.close()
      entry.close()
    },
  }
}

function pass(request: IncomingMessage, response: ServerResponse, platform: ClientHttp2Session | undefined): void {
  if (platform === undefined || platform.closed) return refuse(response, STARTING)
  const stream = platform.request({
    ...passedOn(request.headers),
    ":method": request.method ?? "GET",
    ":path": request.url ?? "/",
    ":authority": request.headers.host ?? "localhost",
  })
  stream.once("response", (headers) => {
    response.writeHead(headers[":status"] ?? 502, passedOn(headers))
    stream.pipe(response)
  })
  stream.once("error", () => refuse(response, STARTING))
  stream.once("close", () => response.end())
  response.once("close", () => stream.close())
  request.pipe(stream)
}

function passedOn(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(":") && !OF_THE_CONNECTION.includes(name)))
}

function refuse(response: ServerResponse, text: string): void {
  if (!response.headersSent) response.writeHead(503, { "content-type": "text/plain; charset=utf-8", "retry-after": "2" })
  response.end(text)
}

async function listening(server: Server | TcpServer, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, "127.0.0.1", resolve)
  })
}
