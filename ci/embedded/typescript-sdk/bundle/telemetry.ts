// The SDK's telemetry without what sdk-node brings besides tracing (exporters for metrics and logs, gRPC),
// and with the exporter loaded when a first span is to be sent: most calls make none.
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator, getBooleanFromEnv } from "@opentelemetry/core"
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources"
import { BatchSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace-base"
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node"
import { LiveProcessor } from "@dagger.io/dagger/dist/src/telemetry/live_processor.js"

// Almost live, as in the package.
const DELAY = { scheduledDelayMillis: 100 }

class LateExporter implements SpanExporter {
  private inner?: Promise<SpanExporter>

  export(...args: Parameters<SpanExporter["export"]>): void {
    this.inner ??= import("@opentelemetry/exporter-trace-otlp-proto").then(({ OTLPTraceExporter }) => new OTLPTraceExporter())
    this.inner.then((inner) => inner.export(...args), (error: Error) => args[1]({ code: 1, error }))
  }

  async shutdown(): Promise<void> {
    await (await this.inner)?.shutdown()
  }

  async forceFlush(): Promise<void> {
    await (await this.inner)?.forceFlush?.()
  }
}

export class DaggerOtelConfigurator {
  private configured = false
  private provider?: NodeTracerProvider

  initialize(): void {
    if (this.configured) return
    this.configured = true
    const named = Object.keys(process.env).some((key) => key.startsWith("OTEL_"))
    if (!named || (getBooleanFromEnv("OTEL_SDK_DISABLED") ?? true)) return
    const live = process.env["OTEL_EXPORTER_OTLP_TRACES_LIVE"] !== undefined
    const exporter = new LateExporter()
    this.provider = new NodeTracerProvider({
      resource: defaultResource()
        .merge(resourceFromAttributes({ "service.name": "dagger-typescript-sdk" }))
        .merge(detectResources({ detectors: [envDetector] })),
      spanProcessors: [live ? new LiveProcessor(exporter, DELAY) : new BatchSpanProcessor(exporter, DELAY)],
    })
    this.provider.register({ propagator: new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }) })
  }

  async close(): Promise<void> {
    await this.provider?.shutdown()
  }
}
