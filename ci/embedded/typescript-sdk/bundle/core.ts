// The SDK as one file: what a module's generated `sdk/index.ts` re-exports as ./core.js.
export * from "@dagger.io/dagger"
export { getTracer } from "@dagger.io/dagger/telemetry"
