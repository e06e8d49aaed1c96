import { type Container, dag, type Directory } from "@dagger.io/dagger";
import type { Environment } from "./lib/environments.ts";
import { UserError } from "./lib/errors.ts";
import { execFailure } from "./lib/exec-error.ts";
import { type ManifestFiles, renderManifests } from "./lib/manifests.ts";
import type { ServiceSpec } from "./lib/service-spec.ts";
import { type Context, fetching, moduleFile, run } from "./mirrors.ts";
import { debian, goTool, python313 } from "./toolbox.ts";

/**
 * What stands for a build that is not there yet: schemas know nothing of digests and revisions, and so the answer
 * stays right, and kept, whatever is built.
 */
const ANY_BUILD = { image: `registry.golden-path.internal/any@sha256:${"0".repeat(64)}`, version: "0", sourceRevision: "0".repeat(40) };

/** Holds a service's rendered manifests against the schemas of the Kubernetes that runs them. */
export async function checkManifests(context: Context, spec: ServiceSpec, env: Environment, base: ManifestFiles): Promise<string> {
  const files = renderManifests(spec, { env, ...ANY_BUILD }, base);
  const folder = Object.entries(files).reduce((tree, [name, text]) => tree.withNewFile(name, text), dag.directory());
  const checked = await run((await checker(context)).withDirectory("/manifests", folder), "conform", ["/manifests"]);
  try {
    return (await checked.stdout()).trim();
  } catch (error) {
    const failed = execFailure(error);
    if (!failed) throw error;
    throw new UserError(`checking the manifests of ${spec.name} for ${env} (kubeconform):\n${failed.stdout.trim() || failed.stderr.trim()}\ncorrect k8s/base or its service.yaml`);
  }
}

async function checker(context: Context): Promise<Container> {
  const [program, schemas] = await Promise.all([goTool(context, "github.com/yannh/kubeconform/cmd/kubeconform"), kubernetesSchemas(context)]);
  return debian(context).withFile("/usr/local/bin/kubeconform", program, { permissions: 0o755 }).withDirectory("/api", schemas);
}

/** Kubernetes' schemas, from their checked wheel. */
async function kubernetesSchemas(context: Context): Promise<Directory> {
  const pins = await moduleFile("tools/kubernetes-schemas.txt");
  const minor = /^kubernetes-validate==(\d+\.\d+)\./m.exec(pins)?.[1];
  const python = (await python313(context)).withNewFile("/tmp/schemas.txt", pins);
  const fetched = await fetching(context, python, [
    "/opt/venv/bin/pip", "install", "--quiet", "--require-hashes", "--only-binary=:all:", "--no-deps", "--no-compile",
    "--target", "/out", "--requirement", "/tmp/schemas.txt",
  ]);
  // Strict: what no schema knows is refused. They name each other by addresses on the net, and are read from /api.
  return fetched
    .withWorkdir(`/out/kubernetes_validate/kubernetes-json-schema/v${minor}.0-local-strict`)
    .withExec(["sh", "-ec", `sed -i 's#"$id": "https://kubernetes.io/api/#"$id": "file:///api/#' *.json`])
    .directory(".");
}
