import { isSeq, parseDocument } from "yaml";
import type { YAMLSeq } from "yaml";
import { ENVIRONMENTS } from "./environments.ts";
import { UserError } from "./errors.ts";
import type { ManifestFiles } from "./manifests.ts";

/** What Argo CD and the platform itself need: no team is called so. */
const RESERVED = /^(?:default|golden-path.*)$/;

/** How the paths of all projects begin. */
export const PROJECT_FILES = "argocd/project-";

/** One kind of object, as an AppProject names it. */
export interface Kind {
  group: string;
  kind: string;
}

/** The AppProject of a team: a DNS label made of the owner, as the ApplicationSet makes it too. */
export function projectName(owner: string): string {
  return owner.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

export function isReserved(owner: string): boolean {
  return RESERVED.test(projectName(owner));
}

/** Where the project lies in the GitOps repository. */
export function projectPath(owner: string): string {
  return `${PROJECT_FILES}${projectName(owner)}.yaml`;
}

/** The kinds of object that a service's manifests can hold: those of the golden base, each once. */
export function kindsOf(base: ManifestFiles): Kind[] {
  const kinds = Object.keys(base).filter((file) => /\.ya?ml$/.test(file)).map((file): Kind => {
    const { apiVersion = "", kind = "" } = (parseDocument(base[file]!).toJS() ?? {}) as { apiVersion?: string; kind?: string };
    return { group: apiVersion.includes("/") ? apiVersion.split("/")[0]! : "", kind };
  });
  const names = kinds.map(nameOf);
  return kinds.filter((one, index) => names.indexOf(nameOf(one)) === index).sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
}

/** What a team may do: one repository, the environments' namespaces, these kinds; nothing outside a namespace. */
export function renderProject(owner: string, kinds: readonly Kind[], repository: string): string {
  const lines = [
    "# What this team's releases may bring to a cluster: from one repository, into these namespaces, of these kinds,",
    "# and nothing that lies outside a namespace. Argo CD refuses everything else before it reaches the cluster.",
    "# The pipeline wrote it when the team released for the first time, and adds kinds that the golden base gains;",
    "# all else in it is the platform team's.",
    "apiVersion: argoproj.io/v1alpha1",
    "kind: AppProject",
    "metadata:",
    `  name: ${projectName(owner)}`,
    "  namespace: argocd",
    "  labels:",
    `    golden-path/owner: "${owner}"`,
    "spec:",
    `  description: Services of ${owner}`,
    "  sourceRepos:",
    `    - ${repository}`,
    "  destinations:",
    ...ENVIRONMENTS.flatMap((env) => ["    - server: https://kubernetes.default.svc", `      namespace: ${env}`]),
    "  namespaceResourceWhitelist:",
    ...kinds.flatMap(({ group, kind }) => [`    - group: "${group}"`, `      kind: ${kind}`]),
  ];
  return `${lines.join("\n")}\n`;
}

/** A project that exists, with the kinds that it lacks; every other byte stays. */
export function renewProject(text: string, kinds: readonly Kind[], file: string): string {
  const document = parseDocument(text);
  if (document.errors.length > 0) throw new UserError(`${file}: not valid YAML: ${document.errors[0]!.message.split("\n")[0]}; correct it in the GitOps repository`);
  const there = document.getIn(["spec", "namespaceResourceWhitelist"]);
  // A list that was taken out allows every kind: whoever did that has decided it.
  if (!isSeq(there) || !there.range) return text;
  const names = (there.toJSON() as Kind[]).map(nameOf);
  const missing = kinds.filter((one) => !names.includes(nameOf(one)) && !names.includes(`${one.group}/*`) && !names.includes("*/*"));
  if (missing.length === 0) return text;
  return there.flow === true || there.items.length === 0 ? rewritten(document, there, missing) : inserted(text, there, missing);
}

/** Lines after the last item, in the way of the list. */
function inserted(text: string, list: YAMLSeq, missing: readonly Kind[]): string {
  const [begin] = list.range!;
  const indent = begin - (text.lastIndexOf("\n", begin - 1) + 1);
  const last = (list.items.at(-1) as { range?: [number, number, number] }).range![1];
  const end = text.indexOf("\n", last - 1);
  const at = end < 0 ? text.length : end + 1;
  const lines = missing.flatMap(({ group, kind }) => [`${" ".repeat(indent)}- group: "${group}"\n`, `${" ".repeat(indent)}  kind: ${kind}\n`]);
  return `${text.slice(0, at)}${end < 0 ? "\n" : ""}${lines.join("")}${text.slice(at)}`;
}

function rewritten(document: ReturnType<typeof parseDocument>, list: YAMLSeq, missing: readonly Kind[]): string {
  for (const one of missing) list.add(document.createNode(one));
  return document.toString({ lineWidth: 0 });
}

function nameOf({ group, kind }: Kind): string {
  return `${group}/${kind}`;
}
