/**
 * Misconfigurations of infrastructure code: files of the checkout that say what others may do, in a cluster, on a
 * machine that builds, or as a container. Few rules, each of what gives away more than was meant. Pure.
 */
import { parseAllDocuments } from "yaml";
import type { Severity } from "./threshold.ts";

/** What is wrong with a file; `subject` is the object, job or line in it. Never a value. */
export interface InfrastructureHit {
  id: string;
  severity: Severity;
  file: string;
  subject: string;
  found: string;
}

export type InfrastructureKind = "manifest" | "workflow" | "dockerfile" | "compose";

type Say = (id: string, severity: Severity, subject: string, found: string) => void;
type Tree = Record<string, unknown>;

/** What kind of infrastructure code a path may be; undefined for none that is read. */
export function infrastructureKind(path: string): InfrastructureKind | undefined {
  const name = path.split("/").at(-1) ?? "";
  if (/(^|\/)\.github\/workflows\/[^/]+\.ya?ml$/.test(path)) return "workflow";
  if (!name.endsWith(".md") && /^(Dockerfile|Containerfile)(\..+)?$|\.(dockerfile|containerfile)$/i.test(name)) return "dockerfile";
  if (/^(docker-)?compose([.-].+)?\.ya?ml$/.test(name)) return "compose";
  return /\.(ya?ml|json)$/.test(name) ? "manifest" : undefined;
}

/** Infrastructure code that no rule here reads; it is told as not covered. */
export function unreadInfrastructure(path: string): string | undefined {
  if (/\.(tf|tf\.json|tfvars)$/.test(path)) return "Terraform";
  if (/(^|\/)Chart\.ya?ml$/.test(path)) return "Helm";
  if (/\.bicep$/.test(path)) return "Bicep";
  return /(^|\/)(\.gitlab-ci\.ya?ml|Jenkinsfile|azure-pipelines\.ya?ml)$/.test(path) ? "other CI" : undefined;
}

/** Whether a file was read, and what is wrong with it; what it seems to be where it could not be read whole. */
export interface InfrastructureLook {
  read: boolean;
  unread?: string;
  hits: InfrastructureHit[];
}

/** Looks through one file. YAML or JSON without Kubernetes objects is no infrastructure code. */
export function infrastructureFindings(file: string, text: string): InfrastructureLook {
  const hits: InfrastructureHit[] = [];
  const say: Say = (id, severity, subject, found) => void hits.push({ id: `infrastructure:${id}`, severity, file, subject, found });
  const kind = infrastructureKind(file);
  if (kind === undefined) return { read: false, hits };
  if (kind === "dockerfile") {
    dockerfile(text, say);
    return { read: true, hits };
  }
  // Most YAML and JSON is neither, and need not be parsed for that.
  if (kind === "manifest" && !/\bapiVersion\b/.test(text)) return { read: false, hits };
  const { whole, parts } = trees(text);
  const unread = whole ? {} : { unread: "YAML that is a template or broken" };
  if (kind === "manifest") {
    const objects = parts.flatMap((tree) => (tree["kind"] === "List" ? listOf(tree["items"]).map(treeOf) : [tree])).filter((tree) => typeof tree["apiVersion"] === "string" && typeof tree["kind"] === "string");
    for (const object of objects) manifest(object, say);
    return { read: objects.length > 0, ...unread, hits };
  }
  for (const tree of parts) (kind === "workflow" ? workflow : compose)(tree, say);
  return { read: parts.length > 0, ...unread, hits };
}

/** The documents that can be read, as a lenient reader takes them, and whether these are all. */
function trees(text: string): { whole: boolean; parts: Tree[] } {
  const documents = parseAllDocuments(text, { logLevel: "silent", uniqueKeys: false });
  const read = (Array.isArray(documents) ? documents : []).map((document) => {
    try {
      return document.errors.length > 0 ? undefined : treeOf(document.toJS({ maxAliasCount: 100 }));
    } catch {
      return undefined;
    }
  });
  const parts = read.filter((tree) => tree !== undefined);
  return { whole: parts.length === read.length, parts };
}

function manifest(object: Tree, say: Say): void {
  const kind = String(object["kind"]);
  const spec = treeOf(object["spec"]);
  const subject = `${kind} ${String(treeOf(object["metadata"])["name"] ?? "")}`;
  if (kind === "AppProject") {
    // `*` as a namespace or server of what is denied (`!`) is no such text.
    if (listOf(spec["sourceRepos"]).some(isAny)) say("project-any-source", "high", subject, "sourceRepos has *: an Application of it may come from anywhere");
    for (const one of listOf(spec["destinations"]).map(treeOf)) {
      if ([one["namespace"], one["server"], one["name"]].some(isAny)) say("project-any-destination", "high", subject, "destinations has *: it may change what is not its own");
    }
    for (const list of ["clusterResourceWhitelist", "namespaceResourceWhitelist"]) {
      if (listOf(spec[list]).map(treeOf).some((one) => isAny(one["kind"]))) say("project-any-kind", "high", subject, `${list} has *: it may make objects of any kind`);
    }
  }
  const application = kind === "Application" ? spec : kind === "ApplicationSet" ? treeOf(treeOf(spec["template"])["spec"]) : undefined;
  if (application !== undefined) {
    if ((application["project"] ?? "default") === "default") say("application-default-project", "high", subject, "its project is default, which allows everything unless somebody changed it");
    for (const source of [application["source"], ...listOf(application["sources"])].map(treeOf)) {
      if (source["repoURL"] !== undefined && source["chart"] === undefined && (source["targetRevision"] ?? "") === "") say("application-any-revision", "low", subject, "a source names no targetRevision");
    }
  }
  if (kind === "Role" || kind === "ClusterRole") {
    for (const rule of listOf(object["rules"]).map(treeOf)) {
      if (listOf(rule["verbs"]).includes("*") || listOf(rule["resources"]).includes("*")) say("role-wildcard", "high", subject, "a rule has * as verb or resource (CIS Kubernetes 5.1.3)");
      if (listOf(rule["verbs"]).some((verb) => ["escalate", "bind", "impersonate"].includes(String(verb)))) say("role-escalates", "high", subject, "it may give more rights than it has (CIS Kubernetes 5.1.8)");
    }
  }
  if (kind === "RoleBinding" || kind === "ClusterRoleBinding") {
    if (treeOf(object["roleRef"])["name"] === "cluster-admin") say("binding-cluster-admin", "high", subject, "it gives cluster-admin (CIS Kubernetes 5.1.1)");
    for (const { name } of listOf(object["subjects"]).map(treeOf)) {
      if (["system:anonymous", "system:unauthenticated", "system:authenticated"].includes(String(name))) say("binding-anybody", "high", subject, `it is for ${String(name)}`);
    }
  }
  // Each value as SOPS writes it: that it was there once says nothing.
  if (kind === "Secret" && [object["data"], object["stringData"]].flatMap((data) => Object.values(treeOf(data))).some((value) => !String(value).startsWith("ENC["))) {
    say("secret-in-git", "critical", subject, "a Secret with values that are not encrypted");
  }
}

const isAny = (value: unknown): boolean => typeof value === "string" && /^\*+$/.test(value);

const PINNED = /^(\.{1,2}\/|[^@]+@[0-9a-f]{40}$|docker:\/\/[^@]+@sha256:[0-9a-f]{64}$)/;
const NAMES_SECRET = /(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL)/i;

function workflow(tree: Tree, say: Say): void {
  if (tree["permissions"] === "write-all") say("workflow-writes-all", "high", "permissions", "write-all: every job may change everything");
  const events = tree["on"] ?? tree["true"];
  const external = events === "pull_request_target" || listOf(events).includes("pull_request_target") || "pull_request_target" in treeOf(events);
  for (const [name, job] of Object.entries(treeOf(tree["jobs"])).map(([key, value]) => [key, treeOf(value)] as const)) {
    const steps = listOf(job["steps"]).map(treeOf);
    if (job["permissions"] === "write-all") say("workflow-writes-all", "high", `job ${name}`, "write-all: it may change everything");
    for (const { uses } of [job, ...steps]) {
      if (typeof uses === "string" && !PINNED.test(uses)) say("workflow-unpinned-action", "medium", `job ${name}`, `uses ${uses}: a tag can move; name the commit`);
      if (external && typeof uses === "string" && uses.startsWith("actions/checkout@")) say("workflow-foreign-code", "high", `job ${name}`, "pull_request_target with a checkout: code of strangers beside this repository's secrets");
    }
    for (const env of [tree["env"], job["env"], ...steps.map((step) => step["env"])]) plainSecrets(treeOf(env), `job ${name}`, say);
  }
}

function compose(tree: Tree, say: Say): void {
  for (const [name, service] of Object.entries(treeOf(tree["services"])).map(([key, value]) => [key, treeOf(value)] as const)) {
    const subject = `service ${name}`;
    if (service["privileged"] === true) say("compose-privileged", "high", subject, "privileged (CIS Docker 5.5)");
    if (["network_mode", "pid", "ipc"].some((key) => service[key] === "host")) say("compose-host-namespace", "high", subject, "it shares a namespace of its host (CIS Docker 5.10, 5.16, 5.17)");
    const volumes = listOf(service["volumes"]).map((volume) => (typeof volume === "string" ? volume : String(treeOf(volume)["source"] ?? "")));
    if (volumes.some((volume) => volume.includes("docker.sock"))) say("compose-runtime-socket", "high", subject, "it has the runtime's socket (CIS Docker 5.32)");
    const env = service["environment"];
    plainSecrets(Array.isArray(env) ? Object.fromEntries(env.map((entry) => String(entry).split(/=(.*)/s, 2))) as Tree : treeOf(env), subject, say);
  }
}

/** What is said about a secret is none. */
const ABOUT_SECRET = /_(FILE|PATH|NAME|URL|TTL|SECONDS|MINUTES|HOURS|DAYS|LENGTH|COUNT|LIMIT|ENABLED|HEADER|AUDIENCE|ISSUER)$/i;

/** A name that promises a secret, with a value that is there in plain and refers to nothing. */
function plainSecrets(env: Tree, subject: string, say: Say): void {
  for (const [name, value] of Object.entries(env)) {
    const plain = ["string", "number"].includes(typeof value) && value !== "" && !/\$\{|\$[A-Za-z_]/.test(String(value));
    if (NAMES_SECRET.test(name) && !ABOUT_SECRET.test(name) && plain) say("environment-secret", "high", subject, `${name} has its value in the file`);
  }
}

function dockerfile(text: string, say: Say): void {
  // A here-document is what a shell or a file gets, and no instruction.
  const own = text.replace(/(<<-?["']?(\w+)["']?.*)\n[\s\S]*?^\t*\2$/gm, "$1");
  const lines = own.replace(/\\\r?\n/g, " ").split("\n").map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  /** Each stage's name and its user, which a stage from it inherits. */
  const stages = new Map<string, string>([["scratch", ""]]);
  let [user, stage] = ["", ""];
  for (const line of lines) {
    const [word = "", ...rest] = line.split(/\s+/);
    const words = rest.filter((one) => !one.startsWith("--"));
    switch (word.toUpperCase()) {
      case "FROM": {
        const [image = "", , as] = words;
        if (!stages.has(image.toLowerCase()) && !image.includes("@sha256:") && !image.includes("$")) say("dockerfile-unpinned-image", "medium", `FROM ${image}`, "a tag can move; name the digest");
        user = stages.get(image.toLowerCase()) ?? "";
        stage = as?.toLowerCase() ?? "";
        stages.set(stage, user);
        break;
      }
      case "USER": user = words[0] ?? ""; stages.set(stage, user); break;
      case "ADD": if (words.some((one) => /^https?:/.test(one)) && !line.includes("--checksum=")) say("dockerfile-unchecked-download", "medium", "ADD", "what is downloaded is not held against a checksum"); break;
      case "ENV": case "ARG": {
        const pairs = words.some((one) => one.includes("=")) ? words.map((one) => one.split(/=(.*)/s, 2)) : [[words[0] ?? "", words.slice(1).join(" ")]];
        plainSecrets(Object.fromEntries(pairs.map(([name = "", value = ""]) => [name, value])), word.toUpperCase(), say);
        break;
      }
      case "RUN": if (/\b(curl|wget)\b[^|;&]*\|\s*(sudo\s+)?(ba|da|z)?sh\b/.test(line)) say("dockerfile-runs-download", "medium", "RUN", "it runs what it downloads, unseen"); break;
    }
  }
  if (lines.length > 0 && ["", "0", "root"].includes(user.split(":")[0]!)) say("dockerfile-root", "medium", "USER", "what it makes runs as root (CIS Docker 4.1)");
}

function treeOf(value: unknown): Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Tree) : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
