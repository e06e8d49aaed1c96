import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/**
 * Some small services in one folder, each complete: a Node server without dependencies, as a team would add it.
 * `salt` goes into the sources, so that no engine has seen them.
 */
export function writeServices(folder: string, count: number, salt: string): string[] {
  const names = Array.from({ length: count }, (_, at) => `bench-${String(at + 1).padStart(2, "0")}`)
  for (const name of names) {
    for (const [path, text] of Object.entries(serviceFiles(name, salt))) {
      const file = join(folder, name, path)
      mkdirSync(join(file, ".."), { recursive: true })
      writeFileSync(file, text)
    }
  }
  return names
}

export function serviceFiles(name: string, salt: string): Record<string, string> {
  const manifest = { name, version: "0.0.0", private: true, type: "module" }
  const scripts = {
    lint: "node --check src/server.js",
    typecheck: "node --check src/server.js",
    test: "node --test test/*.test.js",
    build: "rm -rf dist && cp -R src dist",
  }
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
  return {
    "service.yaml": `name: ${name}\nowner: team-bench\nlanguage: node\nport: 8080\nresources: {cpu: 10m, memory: 64Mi}\n`,
    "package.json": json({ ...manifest, scripts }),
    "package-lock.json": json({ name, version: "0.0.0", lockfileVersion: 3, requires: true, packages: { "": { name, version: "0.0.0" } } }),
    "src/server.js": server(name, salt),
    "test/server.test.js": TEST,
  }
}

const server = (name: string, salt: string): string => `import { createServer } from "node:http";

const { PORT = "8080", VERSION, SOURCE_REVISION, BUILD_TIME } = process.env;
const version = { name: "${name}", version: VERSION, sourceRevision: SOURCE_REVISION, buildTime: BUILD_TIME };
const answers = { "/": { salt: "${salt}" }, "/health": { status: "ok" }, "/ready": { status: "ready" }, "/version": version };

export const server = createServer((request, response) => {
  const answer = answers[request.url];
  response.writeHead(answer ? 200 : 404, { "content-type": "application/json" });
  response.end(JSON.stringify(answer ?? { error: "not found" }));
});

process.on("SIGTERM", () => server.close(() => process.exit(0)));
server.listen(Number(PORT), "0.0.0.0");
`

const TEST = `import assert from "node:assert/strict";
import { once } from "node:events";
import { after, test } from "node:test";

process.env.PORT = "0";
const { server } = await import("../src/server.js");
after(() => server.close());

test("it says that it lives", async () => {
  if (!server.listening) await once(server, "listening");
  const answer = await fetch("http://127.0.0.1:" + server.address().port + "/health");
  assert.equal(answer.status, 200);
});
`
