import { type Container, dag } from "@dagger.io/dagger";
import { type Context, moduleFile } from "./mirrors.ts";
import { type Registry, withRegistry } from "./registry.ts";
import { debianTools, goToolOf, node24 } from "./toolbox.ts";

const ROOT = "/golden-path";
const FILES = [
  "programs/cosign.ts", "programs/verify-image.ts", "programs/verify.ts", "programs/sign.ts",
  "src/lib/signing.ts", "src/lib/attestation.ts", "src/lib/keyless.ts",
];

/** Where the registry's credentials lie, as cosign and skopeo both look for them. */
const DOCKER = "/run/docker";

/** cosign, skopeo and Node beside a registry. Compiles cosign when it is asked for the first time. */
export async function signingTools(context: Context, registry: Registry): Promise<Container> {
  const [tools, node, cosign, texts] = await Promise.all([
    debianTools(context, ["skopeo"]),
    node24(context),
    cosignTool(context),
    Promise.all(FILES.map(moduleFile)),
  ]);
  const program = FILES.reduce((folder, file, i) => folder.withNewFile(file, texts[i]!), dag.directory()).withNewFile("package.json", `{"type": "module"}\n`);
  const ready = withRegistry(tools, registry)
    .withFile("/usr/local/bin/node", node.file("/opt/node/bin/node"))
    .withFile("/usr/local/bin/cosign", cosign, { permissions: 0o755 })
    .withDirectory(ROOT, program)
    .withEnvVariable("DOCKER_CONFIG", DOCKER);
  return registry.auth === undefined
    ? ready
    : ready.withMountedSecret(`${DOCKER}/config.json`, registry.auth).withEnvVariable("REGISTRY_AUTH_FILE", `${DOCKER}/config.json`);
}

/** The pinned cosign, also for whoever verifies elsewhere. */
export function cosignTool(context: Context): ReturnType<typeof goToolOf> {
  return goToolOf(context, "cosign", "github.com/sigstore/cosign/v2/cmd/cosign");
}

/** Runs one of the programs; its answer is on stdout, a refusal has an exit code of its own. */
export function runSigning(container: Container, program: "sign" | "verify", input: unknown, nonce: string): Container {
  return container
    .withNewFile("/input.json", JSON.stringify(input))
    // What a registry holds is never a cached answer.
    .withEnvVariable("ATTEMPT", nonce)
    .withMountedTemp("/tmp")
    .withExec(["node", `${ROOT}/programs/${program}.ts`, "/input.json"]);
}
