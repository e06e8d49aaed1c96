// Makes a module ready to run, once for each content of it: its code as one JavaScript file,
// its generated client as another, its types as JSON, and V8's compilation of all of it.
// Usage: node prepare.js <module's folder> <module's name> <output folder below it>
import { build, type Plugin } from "esbuild"
import { spawnSync } from "node:child_process"
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { scan } from "@dagger.io/dagger/dist/src/module/introspector/index.js"
import { reading } from "./compiler.ts"
import { describe } from "./description.ts"

const [root, name, out] = process.argv.slice(2) as [string, string, string]
const library = join(root, "sdk")
const files = readdirSync(join(root, "src"), { recursive: true })
  .map(String)
  .filter((file) => /\.m?ts$/.test(file))
  .sort()
  .map((file) => join(root, "src", file))
const common = { bundle: true, platform: "node", format: "esm", target: "node24", logLevel: "error" } as const

mkdirSync(out, { recursive: true })
copyFileSync(join(library, "core.js"), join(out, "core.js"))

const main = `import { enableCompileCache } from "node:module"
import { readFileSync } from "node:fs"
enableCompileCache(import.meta.dirname + "/cache")
const [client, { start }] = [await import("./sdk.js"), await import("./core.js")]
await start(client, JSON.parse(readFileSync(import.meta.dirname + "/types.json", "utf8")), () => import("./module.js"))
`

/** Modules see one SDK, whether they or their dependencies import it. */
const sdkBeside: Plugin = {
  name: "sdk",
  setup({ onResolve }) {
    onResolve({ filter: /^@dagger\.io\/dagger(\/telemetry)?$/ }, () => ({ path: "./sdk.js", external: true }))
    onResolve({ filter: /^\.\/core\.js$/ }, ({ resolveDir }) => (resolveDir === library ? { path: "./core.js", external: true } : undefined))
    onResolve({ filter: /^\.\.?\/.*sdk\/(index|client\.gen)\.(ts|js)$/ }, ({ path, resolveDir }) =>
      dirname(join(resolveDir, path)) === library ? { path: "./sdk.js", external: true } : undefined)
  },
}

/** A file's own place stays what it was before it became part of the bundle. */
const places: Plugin = {
  name: "places",
  setup({ onLoad }) {
    onLoad({ filter: /\.m?[jt]s$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8")
      if (!text.includes("import.meta.")) return undefined
      const place: Record<string, string> = { dirname: dirname(path), filename: path, url: `file://${path}` }
      return { contents: text.replace(/\bimport\.meta\.(dirname|filename|url)\b/g, (_, key: string) => JSON.stringify(place[key])), loader: path.endsWith("ts") ? "ts" : "js" }
    })
  },
}

async function bundle(): Promise<void> {
  const lines = files.map((file, i) => `import * as m${i} from ${JSON.stringify(file)}`)
  const entry = `${lines.join("\n")}\nexport const modules = [${files.map((_, i) => `m${i}`).join(", ")}]\n`
  await build({
    ...common,
    entryPoints: [join(library, "index.ts")],
    outfile: join(out, "sdk.js"),
    plugins: [{ name: "core", setup: ({ onResolve }) => onResolve({ filter: /^\.\/core\.js$/ }, () => ({ path: "./core.js", external: true })) }],
  })
  await build({
    ...common,
    stdin: { contents: entry, resolveDir: root, sourcefile: "modules.ts", loader: "ts" },
    outfile: join(out, "module.js"),
    tsconfig: existsSync(join(root, "tsconfig.json")) ? join(root, "tsconfig.json") : undefined,
    // npm's packages stay where they were installed: they may read files beside themselves or be compiled programs.
    packages: "external",
    keepNames: true,
    sourcemap: "linked",
    plugins: [sdkBeside, places],
  })
}

/** Loads everything once, so that V8's compilation is kept; a module that cannot be loaded here says so when it runs. */
function warm(): void {
  const script = `import { enableCompileCache } from "node:module"
enableCompileCache(${JSON.stringify(join(out, "cache"))})
for (const file of ["sdk.js", "core.js", "module.js"]) await import(${JSON.stringify(out)} + "/" + file)
`
  // A folder that the environment names would go before the module's own.
  const env = { ...process.env, NODE_COMPILE_CACHE: undefined }
  spawnSync(process.execPath, ["--enable-source-maps", "--input-type=module", "-e", script], { stdio: "ignore", timeout: 60_000, env })
}

/** The module's types; a second time with all that the compiler knows, before they are called unknown. */
async function scanned(): ReturnType<typeof scan> {
  const sources = [...files, join(library, "client.gen.ts")]
  try {
    return await scan(sources, name, false)
  } catch {
    reading.everything = true
    return await scan(sources, name, false)
  }
}

try {
  await bundle()
} catch (error) {
  // esbuild has written what is wrong and where.
  console.error(`make the module's code ready to run: ${(error as Error).message.split("\n")[0]}`)
  process.exit(1)
}
const described = describe(await scanned())
writeFileSync(join(out, "types.json"), JSON.stringify(described))
writeFileSync(join(out, "main.js"), main)
warm()
