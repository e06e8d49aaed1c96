import { dag, type Container } from "@dagger.io/dagger";
import { type Context, fetching, moduleFile } from "./mirrors.ts";
import { debianTools, node24 } from "./toolbox.ts";

/**
 * Where the module's programs run: git, ssh and Node 24, with the one package that
 * they import, `yaml`, as the module's own lock file pins it.
 */
export async function programTools(context: Context): Promise<Container> {
  const [tools, node, manifest, lock] = await Promise.all([
    debianTools(context, ["git", "openssh-client"]),
    node24(context),
    moduleFile("package.json"),
    moduleFile("package-lock.json"),
  ]);
  const files = dag.directory().withNewFile("package.json", manifest).withNewFile("package-lock.json", lock);
  const installed = await fetching(context, node.withDirectory("/golden-path", files).withWorkdir("/golden-path"), [
    "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund",
  ]);
  return tools
    .withFile("/usr/local/bin/node", node.file("/opt/node/bin/node"))
    .withDirectory("/golden-path/node_modules", installed.directory("/golden-path/node_modules"));
}
