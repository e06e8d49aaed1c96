import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"
import protobuf from "protobufjs"

/** The part of OpenTelemetry's trace.proto that a test reads; further fields are passed over. */
const PROTO = `
syntax = "proto3";
message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { repeated ScopeSpans scope_spans = 2; }
message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; }
message InstrumentationScope { string name = 1; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9; Status status = 15;
}
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { string string_value = 1; }
message Status { string message = 2; int32 code = 3; }
`
const REQUEST = protobuf.parse(PROTO).root.lookupType("ExportTraceServiceRequest")

export interface ReceivedSpan {
  scope: string
  traceId: string
  spanId: string
  parentId: string
  name: string
  seconds: number
  failed: boolean
  attributes: Record<string, string>
}

interface Decoded {
  resourceSpans?: { scopeSpans?: { scope?: { name?: string }; spans?: DecodedSpan[] }[] }[]
}

interface DecodedSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  startTimeUnixNano: string
  endTimeUnixNano?: string
  attributes?: { key: string; value?: { stringValue?: string } }[]
  status?: { code?: number }
}

/** A receiver of OTLP over HTTP: what an OpenTelemetry collector is to whoever exports. */
export class Collector {
  /** By span id: a span that is exported again while it goes on counts once, as it was last seen. */
  readonly spans = new Map<string, ReceivedSpan>()
  /** Is given everything that arrives (traces, logs, metrics), unpacked. */
  each: (body: Buffer) => void = () => undefined
  private server?: Server

  async start(): Promise<string> {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const received = Buffer.concat(chunks)
        const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(received) : received
        this.each(body)
        if (request.url === "/v1/traces") this.take(body)
        response.writeHead(200, { "content-type": "application/x-protobuf" }).end()
      })
    })
    await new Promise<void>((done) => this.server!.listen(0, "127.0.0.1", done))
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.server?.closeAllConnections()
    this.server?.close()
  }

  named(name: string): ReceivedSpan | undefined {
    return [...this.spans.values()].find((span) => span.name === name)
  }

  private take(body: Buffer): void {
    const decoded = REQUEST.toObject(REQUEST.decode(body), { bytes: Buffer, longs: String }) as unknown
    for (const { scopeSpans = [] } of (decoded as Decoded).resourceSpans ?? []) {
      for (const { scope, spans = [] } of scopeSpans) {
        for (const span of spans) this.keep(scope?.name ?? "", span)
      }
    }
  }

  private keep(scope: string, span: DecodedSpan): void {
    const hex = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString("hex")
    const end = BigInt(span.endTimeUnixNano ?? 0)
    this.spans.set(hex(span.spanId), {
      scope,
      traceId: hex(span.traceId),
      spanId: hex(span.spanId),
      parentId: hex(span.parentSpanId ?? []),
      name: span.name,
      seconds: end === 0n ? 0 : Number(end - BigInt(span.startTimeUnixNano)) / 1e9,
      failed: span.status?.code === 2,
      attributes: Object.fromEntries((span.attributes ?? []).map(({ key, value }) => [key, value?.stringValue ?? ""])),
    })
  }
}
