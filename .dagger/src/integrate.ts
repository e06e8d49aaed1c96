import { dag } from "@dagger.io/dagger";
import type { Container, Directory } from "@dagger.io/dagger";
import { CLUSTER_ALIAS } from "./cluster-role.ts";
import type { ClusterNeeds, IntegrationCluster } from "./integrate-cluster.ts";
import { GIT_ALIAS, serveTree, treeDirectory } from "./integrate-git.ts";
import { MODULE, PROGRAM, below, objectsOf, programTree } from "./integrate-program.ts";
import { contentId } from "./lib/canonical.ts";
import type { Tree } from "./lib/edits.ts";
import { UserError } from "./lib/errors.ts";
import { execFailure } from "./lib/exec-error.ts";
import { DEFAULT_TIMEOUTS } from "./lib/integrate-plan.ts";
import { withPlaceholders } from "./lib/sealed.ts";
import type { ExpectedService, IntegratePlan, IntegrateTimeouts, IntegrateVerdict } from "./lib/integrate-plan.ts";

export interface IntegrateOptions extends ClusterNeeds, IntegrationCluster {
  services: ExpectedService[];
  /** The GitOps repository as `promote` would commit it; `argocd/` and `env/<env>/` are used. */
  tree: Tree;
  /** A container that has git, its daemon included. */
  git: Container;
  timeouts?: Partial<IntegrateTimeouts>;
  /** The cluster admits only what is signed with it; it needs a `verifier` then. */
  demandedKey?: string;
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
  const { env, services, images } = options;
  const demanded = options.demandedKey === undefined ? {} : { demandedKey: options.demandedKey };
  const tree = withPlaceholders(usedTree(options.tree, env));
  const { service, kubeconfig, kubectl } = options.cluster;
  const [git, program] = await Promise.all([serveTree(options.git, tree), programTree()]);
  const question = { env, services, images, tree, program, timeouts: options.timeouts, fresh: options.fresh, ...demanded };
  const id = contentId(question);
  const plan: IntegratePlan = {
    id,
    env,
    gitops: { url: git.url, revision: git.revision },
    services,
    timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    ...demanded,
  };
  const exec = options.node
    .withMountedDirectory(`${PROGRAM}/programs`, treeDirectory(below(program, "programs/")))
    .withMountedDirectory(`${PROGRAM}/src`, treeDirectory(below(program, "src/")))
    .withNewFile(`${PROGRAM}/package.json`, MODULE)
    .withMountedFile("/usr/local/bin/kubectl", kubectl)
    .withMountedDirectory("/work-input/install", options.install)
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
  const text = await proven(out, id).finally(async () => await service.stop({ kill: true }).catch(() => undefined));
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
