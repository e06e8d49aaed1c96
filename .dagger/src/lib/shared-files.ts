import { createHash } from "node:crypto";
import { parseDocument } from "yaml";
import type { Tree } from "./edits.ts";
import type { ManifestFiles } from "./manifests.ts";
import { isLabel } from "./service-spec.ts";
import { isReserved, kindsOf, projectPath, renderProject, renewProject } from "./team-project.ts";

/** What a GitOps repository holds besides releases, and what a run writes of it. Pure. */

/** The repository's address as the module's own files name it; true in every cluster that the pipeline makes. */
export const PLACEHOLDER = "git://git/gitops";
/** Brings Argo CD to reconcile `argocd/` itself. */
export const PLATFORM_FILE = "argocd/platform.yaml";
/** The name that manifests carry for images of the pipeline's own registry; in the module's own files it stands for any run's. */
export const STABLE_REGISTRY = "registry.golden-path.internal";

const SET_FILE = "argocd/applicationset.yaml";
/** One project for all teams, as the pipeline wrote it before each had its own. */
const FORMER_PROJECT = "argocd/appproject.yaml";

/** SHA-256 of files as earlier versions of the pipeline wrote them: nobody has changed one that is still so. */
const FORMER: Record<string, string[]> = {
  [SET_FILE]: ["907d4aee26144085959b35b01d190df6107f4674b6a15fced5a463ce13cc0a28"],
  [FORMER_PROJECT]: [
    "6919ace49777f0b64e641c45e2f9e291c53cc1f240f9e59cc7771e674be558bc",
    "bdae6b0e5fcf78a33eb4014d4cb4135d62a92237cf8b0ccaedf4a4336dd86421",
  ],
};

export interface SharedAsk {
  /** What a repository begins with: `argocd/…`, `gates.yaml`. */
  seed: Tree;
  /** The branch's tip, as far as `argocd`, `env` and the seed's own paths are concerned. */
  tip: Tree;
  /** Of the services of this run. */
  owners: readonly string[];
  base: ManifestFiles;
  /** Those of them that have a service with secrets: their projects, and no others, allow the kind. */
  withSecrets?: readonly string[];
  /** The registry that this run pushes to. */
  registry: string;
  /** The repository as everybody reaches it; left out for one that was handed in as a service. */
  address?: string | undefined;
}

export interface SharedFiles {
  /** As they will stand. */
  tree: Tree;
  /** Those that this run writes or removes; all others are the platform team's. */
  owned: string[];
}

/** What is missing is written; what nobody has changed since the pipeline wrote it is renewed; the rest is left alone. */
export function sharedFiles({ seed, tip, owners, base, withSecrets = [], registry, address }: SharedAsk): SharedFiles {
  const repository = address ?? PLACEHOLDER;
  const tree: Tree = {};
  for (const [path, text] of Object.entries(seed)) {
    if (path === PLATFORM_FILE && tip[path] === undefined && unnamed(tip, address)) continue;
    const there = tip[path];
    tree[path] = there === undefined || isFormer(path, there) ? begun(path, text, registry, repository) : there;
  }
  const rendered = kindsOf(base);
  for (const owner of [...new Set([...owners, ...ownersIn(tip)])].sort()) {
    if (isReserved(owner)) continue;
    const path = projectPath(owner);
    const kinds = withSecrets.includes(owner) ? [...rendered, { group: "", kind: "Secret" }] : rendered;
    tree[path] = tip[path] === undefined ? renderProject(owner, kinds, repository) : renewProject(tip[path], kinds, path);
  }
  const former = tip[FORMER_PROJECT];
  if (former !== undefined && (!isFormer(FORMER_PROJECT, former) || needsFormer(tree[SET_FILE] ?? ""))) tree[FORMER_PROJECT] = former;
  const paths = [...new Set([...Object.keys(tree), ...(former === undefined ? [] : [FORMER_PROJECT])])];
  return { tree, owned: paths.filter((path) => tree[path] !== tip[path]).sort() };
}

/** Every team that has a release anywhere: the ApplicationSet asks for its project. */
function ownersIn(tip: Tree): string[] {
  const releases = Object.keys(tip).filter((path) => /^env\/[^/]+\/[^/]+\/release\.yaml$/.test(path));
  return releases.flatMap((path) => {
    const document = parseDocument(tip[path]!);
    const owner = document.errors.length === 0 ? (document.toJS() as { owner?: unknown } | null)?.owner : undefined;
    // Whoever may write releases only must not write the platform's files by an owner of their choice.
    return typeof owner === "string" && isLabel(owner) ? [owner] : [];
  });
}

function begun(path: string, text: string, registry: string, repository: string): string {
  if (!path.startsWith("argocd/")) return text;
  return (path.startsWith("argocd/policy-") ? text.replaceAll(STABLE_REGISTRY, registry) : text).replaceAll(PLACEHOLDER, repository);
}

function isFormer(path: string, text: string): boolean {
  return FORMER[path]?.includes(createHash("sha256").update(text).digest("hex")) === true;
}

/** Whether an ApplicationSet that somebody has changed still puts all teams into the one project. */
function needsFormer(set: string): boolean {
  return /^\s*project:\s*["']?golden-path["']?\s*$/m.test(set);
}

/** Whether a file that somebody has changed still names no real repository: were Argo CD to reconcile it, it would look for one that is not there. */
function unnamed(tip: Tree, address: string | undefined): boolean {
  if (address === undefined) return false;
  return Object.entries(tip).some(([path, text]) => /^argocd\/[^/]+\.ya?ml$/.test(path) && text.includes(PLACEHOLDER) && !isFormer(path, text));
}
