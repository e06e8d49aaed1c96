import { dag } from "@dagger.io/dagger";
import type { Service } from "@dagger.io/dagger";
import { randomUUID } from "node:crypto";
import { installManifest } from "./argocd-manifest.ts";
import { CLUSTER_ALIAS } from "./cluster-role.ts";
import { cluster, inClusterImages, takesArchives } from "./cluster.ts";
import { readTip, serverOf } from "./gitops.ts";
import { treeDirectory } from "./integrate-git.ts";
import { MODULE, PROGRAM, below, fittedInstall, textsOf } from "./integrate-program.ts";
import { ENVIRONMENTS } from "./lib/environments.ts";
import { UserError, sentenceOf } from "./lib/errors.ts";
import { execFailure } from "./lib/exec-error.ts";
import { AGE_KEYS, type PlatformPlan } from "./lib/local-platform.ts";
import { PLATFORM_FILES } from "./lib/program-files.ts";
import { RECOVERY } from "./lib/recovery.ts";
import { DEMANDED_KEY, POLICY_FOLDER } from "./lib/signing.ts";
import type { Workshop } from "./settings.ts";
import { SIGNATURE_IMAGE, signatureVerifier } from "./signature-policy.ts";
import { decrypter } from "./sops.ts";

const ENTRY_ALIAS = "entry";
/** The image that decrypts, by its name in the cluster. */
const DECRYPTER = "argocd-sops";

/** One cluster for all environments, Argo CD in it, following the GitOps repository until the call is ended. */
export async function localPlatform(workshop: Workshop, entry: Service): Promise<string> {
  const { context, settings } = workshop;
  const doing = "running the local platform";
  const repository = workshop.gitops();
  if (!repository) throw new UserError(`${doing}: no GitOps repository is named; give --gitops <url>, or use the embedded engine, which brings one`);
  if (repository.token ?? repository.sshKey) {
    throw new UserError(`${doing}: it reads the repository without credentials so far; name one that can be read so, or the local one`);
  }
  const [tools, registry, manifest, gitops, port] = await Promise.all([
    workshop.tools(), workshop.registry(), installManifest(context.images.argocd), serverOf(repository), portOf(entry),
  ]);
  const fitted = fittedInstall(tools.tools, dag.directory().withFile("core-install.yaml", manifest), inClusterImages(context.images));
  const [program, plain, tip] = await Promise.all([textsOf([...PLATFORM_FILES]), fitted, readTip(tools, repository, [`${POLICY_FOLDER}/`])]);
  const able = takesArchives(context.images);
  const verifier = able && tip.files[DEMANDED_KEY] !== undefined ? await signatureVerifier(context, registry) : undefined;
  const install = verifier === undefined ? plain : plain.withNewFile(verifier.file, verifier.list);
  // A cache volume of its own: an ephemeral cluster would otherwise find its store taken and begin with an empty one.
  const { service, kubeconfig, kubectl } = cluster({
    images: context.images, install, key: `local-platform-${randomUUID()}`, store: "local-platform",
    ...(registry.service === undefined ? {} : { registry: registry.service }),
    further: {
      ...(settings.ageKey === undefined ? {} : { [DECRYPTER]: await decrypter(context) }),
      ...(verifier === undefined ? {} : { [SIGNATURE_IMAGE]: verifier.image }),
    },
  });
  const server = gitops.service === undefined ? {} : { server: { host: gitops.alias, port: Number(new URL(gitops.url).port) } };
  const plan: PlatformPlan = {
    gitops: { url: gitops.url, branch: gitops.branch, ...server },
    environments: [...ENVIRONMENTS],
    recovery: RECOVERY,
    entry: `${ENTRY_ALIAS}:${port}`,
    ...(settings.ageKey === undefined ? {} : { decrypter: `images.golden-path.internal/${DECRYPTER}:imported` }),
    signatures: verifier !== undefined ? "verified" : able ? "not-demanded" : "never",
  };
  let exec = tools.tools
    .withMountedDirectory(`${PROGRAM}/programs`, treeDirectory(below(program, "programs/")))
    .withMountedDirectory(`${PROGRAM}/src`, treeDirectory(below(program, "src/")))
    .withNewFile(`${PROGRAM}/package.json`, MODULE)
    .withMountedFile("/usr/local/bin/kubectl", kubectl)
    .withMountedDirectory("/work-input/install", install)
    .withNewFile("/work-input/platform.json", JSON.stringify(plan, null, 2))
    .withMountedFile("/kube/config", kubeconfig)
    .withEnvVariable("KUBECONFIG", "/kube/config")
    .withEnvVariable("GOLDEN_PATH_NONCE", randomUUID())
    .withServiceBinding(CLUSTER_ALIAS, service)
    .withServiceBinding(ENTRY_ALIAS, entry);
  if (settings.ageKey !== undefined) exec = exec.withMountedSecret(AGE_KEYS, settings.ageKey);
  if (gitops.service !== undefined) exec = exec.withServiceBinding(gitops.alias, gitops.service);
  try {
    return await exec.withExec(["node", `${PROGRAM}/programs/platform.ts`]).stdout();
  } catch (error) {
    const failure = execFailure(error);
    const last = failure?.stderr.trim().split("\n").at(-1);
    throw new UserError(`${doing}: ${last ? last : sentenceOf(error)}`);
  } finally {
    await service.stop({ kill: true }).catch(() => undefined);
  }
}

/** The port at which the machine waits; a service of the machine knows it once it is started. */
async function portOf(entry: Service): Promise<number> {
  const running = await entry.start();
  const [first] = await running.ports();
  if (first === undefined) throw new UserError("running the local platform: --entry has no port; give it as tcp://127.0.0.1:8090");
  return await first.port();
}
