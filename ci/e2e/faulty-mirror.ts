import { createServer, request as httpRequest } from "node:http"
import { request as httpsRequest } from "node:https"
import type { AddressInfo } from "node:net"

/** What the proxy does with a path: hand it on, answer a status, fall silent, or break off half-way. */
export type Fault = "pass" | 404 | 500 | "silent" | "cut"

export interface FaultyMirror {
  port: number
  /** Paths that were asked for, in order. */
  asked: string[]
  close: () => Promise<void>
}

/** A real HTTP proxy in front of a real mirror, which goes wrong where `fault` says so. */
export async function faultyMirror(upstream: string, fault: (path: string) => Fault, address = "127.0.0.1"): Promise<FaultyMirror> {
  const base = new URL(upstream)
  const asked: string[] = []
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? "/"
    asked.push(path)
    const what = fault(path)
    if (what === "silent") return
    if (typeof what === "number") {
      outgoing.writeHead(what).end()
      return
    }
    // A password for this proxy is none of the mirror's business.
    delete incoming.headers.authorization
    const send = base.protocol === "https:" ? httpsRequest : httpRequest
    const onward = send(new URL(base.pathname.replace(/\/$/, "") + path, base), { method: incoming.method, headers: { ...incoming.headers, host: base.host } }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      if (what === "pass") {
        answer.pipe(outgoing)
        return
      }
      answer.once("data", (data: Buffer) => {
        outgoing.write(data.subarray(0, Math.ceil(data.length / 2)))
        outgoing.destroy()
        answer.destroy()
      })
    })
    onward.on("error", () => outgoing.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
