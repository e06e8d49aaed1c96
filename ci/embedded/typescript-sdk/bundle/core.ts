// What a module's generated `sdk/index.ts` re-exports as ./core.js, and what starts a function of it.
// Only what a running module needs: the scan of its types is done once, by prepare.ts.
export { Context } from "@dagger.io/dagger/dist/src/common/context.js"
export * from "@dagger.io/dagger/dist/src/common/errors/index.js"
export { connect, connection } from "@dagger.io/dagger/dist/src/connect.js"
export * from "@dagger.io/dagger/dist/src/module/decorators.js"
export { getTracer } from "@dagger.io/dagger/dist/src/telemetry/telemetry.js"
export { start } from "./start.ts"
