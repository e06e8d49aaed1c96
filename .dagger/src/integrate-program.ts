import type { Container, Directory, File } from "@dagger.io/dagger";
import type { Tree } from "./lib/edits.ts";
import { INTEGRATE_LIBRARY } from "./lib/program-files.ts";
import { moduleFile, moduleFiles } from "./mirrors.ts";

/** Where the program lies in the container that runs it. */
export const PROGRAM = "/golden-path";
/** Says to Node that the program is made of ECMAScript modules. */
export const MODULE = `{"type": "module"}\n`;

/** What fits Argo CD's installation to the cluster; the rest of the program must not change the cluster. */
const FIT_FILES = ["programs/integrate-fit.ts", "programs/integrate-objects.ts", "src/lib/argocd-install.ts", "src/lib/kube.ts"];

/** The program's texts: of the module only their content counts. */
export async function programTree(): Promise<Tree> {
  return await textsOf([...(await moduleFiles("programs", "integrate")), ...INTEGRATE_LIBRARY]);
}

/** Files of the module as texts: only their content counts in what is asked with them. */
export async function textsOf(paths: string[]): Promise<Tree> {
  const texts = await Promise.all(paths.sort().map(async (path) => [path, await moduleFile(path)] as const));
  return Object.fromEntries(texts);
}

/** The files below a folder, by their path in it. */
export function below(tree: Tree, prefix: string): Tree {
  const inside = Object.entries(tree).filter(([path]) => path.startsWith(prefix));
  return Object.fromEntries(inside.map(([path, text]) => [path.slice(prefix.length), text]));
}

/** The objects in a directory of YAML files, as one JSON list. */
export function objectsOf(node: Container, program: Tree, yaml: Directory): File {
  const file = "programs/integrate-objects.ts";
  return node
    .withNewFile(`${PROGRAM}/${file}`, program[file] ?? "")
    .withNewFile(`${PROGRAM}/package.json`, MODULE)
    .withMountedDirectory("/yaml", yaml)
    .withExec(["sh", "-ec", `node ${PROGRAM}/${file} /objects.json /yaml/*.yaml`])
    .file("/objects.json");
}

/** Argo CD's installation fitted to the cluster: lists to apply in the order of their names. */
export async function fittedInstall(node: Container, manifest: Directory, images: { argocd: string; redis: string }): Promise<Directory> {
  const texts = await textsOf([...FIT_FILES]);
  let container = node
    .withNewFile(`${PROGRAM}/package.json`, MODULE)
    .withMountedFile("/objects.json", objectsOf(node, texts, manifest));
  for (const [path, text] of Object.entries(texts)) container = container.withNewFile(`${PROGRAM}/${path}`, text);
  return container
    .withExec(["node", `${PROGRAM}/programs/integrate-fit.ts`, "/objects.json", "/install", images.argocd, images.redis])
    .directory("/install");
}
