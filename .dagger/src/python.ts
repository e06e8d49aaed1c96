import type { Container, Directory } from "@dagger.io/dagger";
import { type Layer, packLayer } from "./image.ts";
import { type Context, fetching, fetchingRecipe, run } from "./mirrors.ts";
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

/** The checks' tools and the run-time dependencies, installed from both locks, then the source. */
async function checker(context: Context, source: Directory): Promise<Container> {
  const locks = ["requirements.txt", "requirements-dev.txt"];
  let tools = (await python313(context)).withWorkdir("/src");
  for (const lock of locks) tools = tools.withFile(`/src/${lock}`, source.file(lock));
  const installed = await fetching(context, tools, [
    "/opt/venv/bin/pip", "install", "--quiet", "--require-hashes", "--only-binary=:all:",
    ...locks.flatMap((lock) => ["--requirement", lock]),
  ]);
  return installed
    .withMountedDirectory("/src", source)
    .withEnvVariable("PATH", "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin")
    .withEnvVariable("PYTHONPATH", "/src/src")
    .withEnvVariable("PYTHONDONTWRITEBYTECODE", "1");
}

/** ruff and mypy. */
export async function lintPython(context: Context, source: Directory): Promise<Container> {
  return (await checker(context, source))
    .withExec(["ruff", "check", "--no-cache", "."])
    .withExec(["ruff", "format", "--no-cache", "--check", "."])
    .withExec(["mypy", "--cache-dir=/tmp/mypy"]);
}

/** pytest. */
export async function testPython(context: Context, source: Directory): Promise<Container> {
  return (await checker(context, source)).withExec(["pytest", "-q", "-p", "no:cacheprovider"]);
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
