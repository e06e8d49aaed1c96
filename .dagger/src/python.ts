import type { Container, Directory } from "@dagger.io/dagger";
import { type Layer, packLayer } from "./image.ts";
import { type Context, fetching, fetchingRecipe, moduleFile, run } from "./mirrors.ts";
import { python313 } from "./toolbox.ts";

const ROOT = "/build/root";

/** Settings that every Python image has; a service's own come after them. */
export const PYTHON_ENV: Record<string, string> = {
  PATH: "/usr/bin",
  LANG: "C.UTF-8",
  SSL_CERT_FILE: "/etc/ssl/certs/ca-certificates.crt",
  PYTHONPATH: "/app:/usr/lib/golden/python",
  PYTHONUNBUFFERED: "1",
  // The root is read-only, and compiled files are in it already.
  PYTHONDONTWRITEBYTECODE: "1",
};

/** The checks' tools and the run-time dependencies, installed from both locks. */
async function installedTools(context: Context, source: Directory): Promise<Container> {
  const locks = ["requirements.txt", "requirements-dev.txt"];
  let tools = (await python313(context)).withWorkdir("/src");
  for (const lock of locks) tools = tools.withFile(`/src/${lock}`, source.file(lock));
  const installed = await fetching(context, tools, [
    "/opt/venv/bin/pip", "install", "--quiet", "--require-hashes", "--only-binary=:all:",
    ...locks.flatMap((lock) => ["--requirement", lock]),
  ]);
  return installed
    .withEnvVariable("PATH", "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin")
    .withEnvVariable("PYTHONPATH", "/src/src")
    .withEnvVariable("PYTHONDONTWRITEBYTECODE", "1");
}

/** What mypy knows of other projects' packages, which take most of its time: looked at anew when an import, a lock or a setting changes. */
async function knownTypes(tools: Container, source: Directory): Promise<Directory> {
  const program = "/run/third-party-imports.py";
  const imports = tools
    .withNewFile(program, await moduleFile("programs/third-party-imports.py"))
    .withMountedDirectory("/src", source)
    .withExec(["python", program, "/src", "/imports/imports.py"])
    // A directory's file is named by content; a container's is not.
    .directory("/imports").file("imports.py");
  return tools
    .withFile("/src/pyproject.toml", source.file("pyproject.toml"))
    .withMountedFile("/imports/imports.py", imports)
    // Whatever is wrong with it is said where the source itself is looked at.
    .withExec(["sh", "-c", "mkdir -p /known && { mypy --cache-dir=/known /imports/imports.py || true; }"])
    .directory("/known");
}

/** ruff and mypy. */
export async function lintPython(context: Context, source: Directory): Promise<Container> {
  const tools = await installedTools(context, source);
  return tools
    .withMountedDirectory("/src", source)
    .withExec(["ruff", "check", "--no-cache", "."])
    .withExec(["ruff", "format", "--no-cache", "--check", "."])
    .withMountedDirectory("/known", await knownTypes(tools, source))
    .withExec(["mypy", "--cache-dir=/known"]);
}

/** pytest. */
export async function testPython(context: Context, source: Directory): Promise<Container> {
  return (await installedTools(context, source)).withMountedDirectory("/src", source).withExec(["pytest", "-q", "-p", "no:cacheprovider"]);
}

/** Dependencies and code of a Python service, each as a layer. */
export async function pythonLayers(context: Context, source: Directory): Promise<Layer[]> {
  const python = await python313(context);
  const dependencies = async () => {
    // Only the lock: a change of source leaves this layer as it is.
    const ready = python.withFile("/run/requirements.txt", source.file("requirements.txt"));
    const installed = await fetchingRecipe(context, ready, "python-dependencies", ["/run/requirements.txt", ROOT]);
    return packLayer(installed, ROOT, "Python dependencies from requirements.txt");
  };
  const app = async () => {
    const ready = python.withMountedDirectory("/src/src", source.directory("src"));
    return packLayer(await run(ready, "python-app", ["/src", ROOT]), ROOT, "Python source of the service");
  };
  return Promise.all([dependencies(), app()]);
}
