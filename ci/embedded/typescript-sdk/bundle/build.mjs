// Bundles the SDK from its npm package into library/core.js (what modules run with)
// and prepare.js (what makes a module ready to run, once). Run in a folder with node_modules.
import { build } from "esbuild"
import { join } from "node:path"

const here = import.meta.dirname
const dist = join(here, "node_modules/@dagger.io/dagger/dist/src")
const stead = {
  [join(dist, "api/client.gen.js")]: join(here, "api.ts"),
  [join(dist, "module/introspector/dagger_module/index.js")]: join(here, "description.ts"),
  [join(dist, "telemetry/init.js")]: join(here, "telemetry.ts"),
  [join(dist, "provisioning/index.js")]: join(here, "provisioning.ts"),
}
/** The package exports its index alone; its parts are taken by path, some of them replaced. */
const parts = (replaced) => ({
  name: "parts",
  setup({ onResolve }) {
    onResolve({ filter: /^@dagger\.io\/dagger\/dist\// }, ({ path }) => ({ path: join(here, "node_modules", path) }))
    onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
      const full = join(resolveDir, path)
      return replaced[full] ? { path: replaced[full] } : undefined
    })
  },
})
/** The scan's compiler; what stands in for it uses the real one. */
const compiler = {
  name: "compiler",
  setup({ onResolve }) {
    onResolve({ filter: /^typescript$/ }, ({ importer }) => (importer.includes("@dagger.io") ? { path: join(here, "compiler.ts") } : undefined))
  },
}
// Dependencies that are CommonJS call require().
const js = 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);'
const common = { bundle: true, platform: "node", format: "esm", target: "node24", banner: { js }, logLevel: "warning" }

await build({ ...common, entryPoints: [join(here, "core.ts")], outfile: join(here, "library/core.js"), plugins: [parts(stead)], keepNames: true })
await build({
  ...common,
  entryPoints: [join(here, "prepare.ts")],
  outfile: join(here, "prepare/prepare.js"),
  plugins: [parts({}), compiler],
  external: ["typescript", "esbuild"],
})
