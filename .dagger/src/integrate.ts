import { dag } from "@dagger.io/dagger";
import type { Container, Directory, File, Service } from "@dagger.io/dagger";
import { installManifest } from "./argocd-manifest.ts";
import { cluster } from "./cluster.ts";
import { CLUSTER_ALIAS } from "./cluster-role.ts";
import { GIT_ALIAS, serveTree, treeDirectory } from "./integrate-git.ts";
import type { Tree } from "./lib/edits.ts";
import { UserError } from "./lib/errors.ts";
import { execFailure } from "./lib/exec-error.ts";
import type { ImageName } from "./lib/images.ts";
import { DEFAULT_TIMEOUTS, planId } from "./lib/integrate-plan.ts";
import type { ExpectedService, IntegratePlan, IntegrateTimeouts, IntegrateVerdict } from "./lib/integrate-plan.ts";

export interface IntegrateOptions {
  env: string;
  services: ExpectedService[];
  /** The GitOps repository as `promote` would commit it; `argocd/` and `env/<env>/` are used. */
  tree: Tree;
  images: Record<ImageName, string>;
  /** Serves the images under test, the same service in every run; left out for a registry of the user's. */
  registry?: Service;
  /** Node 24 with the package `yaml` in /golden-path/node_modules. */
  node: Container;
  /** A container that has git, its daemon included. */
  git: Container;
  /** This module's source: `dag.currentModule().source()`. */
  source: Directory;
  timeouts?: Partial<IntegrateTimeouts>;
  /** Any text that was not used before forces a new verdict. */
  fresh?: string;
}

export interface IntegrateResult {
  verdict: IntegrateVerdict;
  /** The verdict was reached by an earlier run on the same question. */
  reused: boolean;
  /** verdict.json and timeline.txt */
  out: Directory;
}

/** Holds what outlives a failed exec: `integrate/<plan id>/` until a run claims it. */
export const EVIDENCE_VOLUME = "golden-path-evidence";
const EVIDENCE = "/evidence";
const PROGRAM = "/golden-path";
/** Says to Node that the program is made of ECMAScript modules. */
const MODULE = `{"type": "module"}\n`;

/** Everything the program imports; another file of the module must not change the question. */
const PROGRAM_FILES = [
  "programs/integrate*.ts",
  "src/lib/argocd-install.ts",
  "src/lib/cluster-times.ts",
  "src/lib/health.ts",
  "src/lib/integrate-plan.ts",
  "src/lib/kube.ts",
  "src/lib/redact.ts",
  "src/lib/wait.ts",
];

/**
 * Deploys the tree with Argo CD on an ephemeral cluster and proves what comes of it.
 *
 * Whether a verdict is reused is left to Dagger's cache: all that enters the exec is content
 * (texts, digests, definitions), never a run id or a time, so an unchanged question finds its
 * answer and `verifiedAt` tells how old that is. A failure must never be found again, which is
 * why the exec is expected to succeed: Dagger does not keep execs that fail. What a failed exec
 * wrote is lost with it, except in cache volumes, so the program leaves its evidence in one.
 */
export async function integrate(options: IntegrateOptions): Promise<IntegrateResult> {
  const started = Date.now();
  const { env, services, images, registry } = options;
  const tree = usedTree(options.tree, env);
  const [git, program, install] = await Promise.all([
    serveTree(options.git, tree),
    programTree(options.source),
    installManifest(images.argocd),
  ]);
  const question = { env, services, images, tree, program, timeouts: options.timeouts, fresh: options.fresh };
  const id = planId(question);
  const { service, kubeconfig, kubectl, images: inCluster } = cluster({ images, key: id, ...(registry === undefined ? {} : { registry }) });
  const plan: IntegratePlan = {
    id,
    env,
    gitops: { url: git.url, revision: git.revision },
    images: inCluster,
    services,
    timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
  };
  const manifest = dag.directory().withFile("core-install.yaml", install);
  const exec = options.node
    .withMountedDirectory(`${PROGRAM}/programs`, treeDirectory(below(program, "programs/")))
    .withMountedDirectory(`${PROGRAM}/src`, treeDirectory(below(program, "src/")))
    .withNewFile(`${PROGRAM}/package.json`, MODULE)
    .withMountedFile("/usr/local/bin/kubectl", kubectl)
    .withMountedFile("/work-input/core-install.json", objectsOf(options.node, program, manifest))
    .withMountedFile("/work-input/gitops.json", objectsOf(options.node, program, treeDirectory(below(tree, "argocd/"))))
    .withNewFile("/work-input/plan.json", JSON.stringify(plan, null, 2))
    .withMountedFile("/kube/config", kubeconfig)
    .withEnvVariable("KUBECONFIG", "/kube/config")
    .withMountedCache(EVIDENCE, dag.cacheVolume(EVIDENCE_VOLUME))
    .withEnvVariable("INTEGRATE_EVIDENCE", `${EVIDENCE}/integrate`)
    .withServiceBinding(CLUSTER_ALIAS, service)
    .withServiceBinding(GIT_ALIAS, git.service)
    .withExec(["node", `${PROGRAM}/programs/integrate.ts`]);
  const out = exec.directory("/out");
  // The cluster is ended here and not with the session, which allows all its services a few seconds only.
  const text = await proven(out, id).finally(async () => await service.stop().catch(() => undefined));
  const verdict = JSON.parse(text) as IntegrateVerdict;
  // Dagger keeps whole seconds of neither side: an answer from before this call was reused.
  return { verdict, reused: Date.parse(verdict.verifiedAt) < started - 1000, out };
}

/** Why the proof failed, with the id under which its evidence lies in the volume. */
export class IntegrateFailure extends UserError {
  readonly planId: string;

  constructor(sentence: string, id: string) {
    super(sentence);
    this.planId = id;
  }
}

async function proven(out: Directory, id: string): Promise<string> {
  try {
    return await out.file("verdict.json").contents();
  } catch (error) {
    const failure = execFailure(error);
    if (failure !== undefined) {
      // The program's last line is the cause; what ran before it says its own.
      const last = failure.stderr.trim().split("\n").at(-1) ?? "";
      const cause = last === "" ? `the program ended with exit code ${failure.exitCode}` : last;
      throw new IntegrateFailure(`integrating under Argo CD: ${cause}`, id);
    }
    throw new IntegrateFailure(`integrating under Argo CD: the cluster or a service beside it failed: ${wordsOf(error)}`, id);
  }
}

/** What an error of Dagger's API says; its own message may be no more than "API Error". */
function wordsOf(error: unknown): string {
  const { response } = error as { response?: { errors?: { message: string }[] } };
  // The trace's id is for the engine's makers.
  const told = (response?.errors ?? []).map(({ message }) => message.replace(/ \[traceparent:[^\]]*\]/g, ""));
  return told.length > 0 ? told.join("; ") : error instanceof Error ? error.message : String(error);
}

/** The objects in a directory of YAML files, as one JSON list. */
function objectsOf(node: Container, program: Tree, yaml: Directory): File {
  const file = "programs/integrate-objects.ts";
  return node
    .withNewFile(`${PROGRAM}/${file}`, program[file] ?? "")
    .withNewFile(`${PROGRAM}/package.json`, MODULE)
    .withMountedDirectory("/yaml", yaml)
    .withExec(["sh", "-ec", `node ${PROGRAM}/${file} /objects.json /yaml/*.yaml`])
    .file("/objects.json");
}

/** What a failed proof left behind; the run's id keeps an earlier answer from being found again. */
export function claimEvidence(shell: Container, id: string, runId: string): Directory {
  const script = `
mkdir -p /out
if [ -d "${EVIDENCE}/integrate/$1" ]; then cp -R "${EVIDENCE}/integrate/$1/." /out/; else echo 'nothing was collected: the program did not run' > /out/README.txt; fi
`;
  return shell
    .withMountedCache(EVIDENCE, dag.cacheVolume(EVIDENCE_VOLUME))
    .withExec(["sh", "-ec", script, "claim", id, runId])
    .directory("/out");
}

/** Only what this environment is made of: other environments' images are not under test. */
function usedTree(tree: Tree, env: string): Tree {
  const used = Object.entries(tree).filter(([path]) => path.startsWith("argocd/") || path.startsWith(`env/${env}/`));
  for (const folder of ["argocd/", `env/${env}/`]) {
    if (used.some(([path]) => path.startsWith(folder))) continue;
    throw new UserError(`integrating under Argo CD: the GitOps tree has nothing under ${folder}; give it the files of the release`);
  }
  return Object.fromEntries(used);
}

/** The program's texts, read from the module so that only their content counts. */
async function programTree(source: Directory): Promise<Tree> {
  const paths = (await Promise.all(PROGRAM_FILES.map((pattern) => source.glob(pattern)))).flat().sort();
  const texts = await Promise.all(paths.map(async (path) => [path, await source.file(path).contents()] as const));
  return Object.fromEntries(texts);
}

function below(tree: Tree, prefix: string): Tree {
  const inside = Object.entries(tree).filter(([path]) => path.startsWith(prefix));
  return Object.fromEntries(inside.map(([path, text]) => [path.slice(prefix.length), text]));
}
