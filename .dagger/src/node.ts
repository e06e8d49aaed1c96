import type { Container, Directory } from "@dagger.io/dagger";
import { type Layer, packLayer } from "./image.ts";
import { type Context, fetching, fetchingRecipe, run } from "./mirrors.ts";
import { node24 } from "./toolbox.ts";

const ROOT = "/build/root";

/** Settings that every Node image has; a service's own come after them. */
export const NODE_ENV: Record<string, string> = {
  PATH: "/usr/bin",
  LANG: "C.UTF-8",
  SSL_CERT_FILE: "/etc/ssl/certs/ca-certificates.crt",
  NODE_ENV: "production",
};

/** Node with a service's package files, nothing installed yet. */
async function withPackageFiles(context: Context, source: Directory): Promise<Container> {
  return (await node24(context))
    .withWorkdir("/src")
    .withFile("/src/package.json", source.file("package.json"))
    .withFile("/src/package-lock.json", source.file("package-lock.json"));
}

/** All dependencies, then the source. */
async function checker(context: Context, source: Directory): Promise<Container> {
  const installed = await fetching(context, await withPackageFiles(context, source), [
    "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error",
  ]);
  // A host's own node_modules or build must not lie over what was installed here.
  return installed.withDirectory("/src", source, { exclude: ["node_modules", "dist"] });
}

/** The service's `lint` and `typecheck` scripts. */
export async function lintNode(context: Context, source: Directory): Promise<Container> {
  return (await checker(context, source)).withExec(["npm", "run", "lint"]).withExec(["npm", "run", "typecheck"]);
}

/** The service's `test` script. */
export async function testNode(context: Context, source: Directory): Promise<Container> {
  return (await checker(context, source)).withExec(["npm", "test"]);
}

/** Dependencies and code of a Node service, each as a layer. */
export async function nodeLayers(context: Context, source: Directory): Promise<Layer[]> {
  const dependencies = async () => {
    const ready = await withPackageFiles(context, source);
    const installed = await fetchingRecipe(context, ready, "node-dependencies", ["/src", ROOT]);
    return packLayer(installed, ROOT, "npm dependencies from package-lock.json");
  };
  const app = async () => {
    const built = (await checker(context, source)).withExec(["npm", "run", "build"]);
    return packLayer(await run(built, "node-app", ["/src", ROOT]), ROOT, "built source of the service");
  };
  return Promise.all([dependencies(), app()]);
}
