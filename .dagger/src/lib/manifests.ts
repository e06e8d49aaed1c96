import { Scalar, isMap, parseDocument } from "yaml";
import type { Document } from "yaml";
import type { Environment } from "./environments.ts";
import { UserError } from "./errors.ts";
import { parseDigestReference } from "./image-reference.ts";
import { isWantedPolicy, policyName, purposeOf } from "./network.ts";
import { SEALED_ANNOTATION, SEALED_FILE, sealedDigest } from "./sealed.ts";
import type { ServiceSpec } from "./service-spec.ts";
import { GITOPS_LABEL, GITOPS_REPOSITORY, SURROUNDINGS } from "./surroundings.ts";

/** What differs between two releases of one service. */
export interface ManifestTarget {
  env: Environment;
  /** By digest. */
  image: string;
  version: string;
  sourceRevision: string;
  /** The encrypted secrets of the environment; left out where the service has none. */
  sealed?: string | undefined;
}

/** File name to YAML text. */
export type ManifestFiles = Record<string, string>;

export const MANAGED_BY = "golden-path";
export const OWNER_LABEL = "golden-path/owner";
/** By it costs are counted. */
export const COSTS_LABEL = "golden-path/cost-center";
export const REVISION_ANNOTATION = "golden-path/source-revision";

/** Folding would break values at places that move with their length, and so spoil every diff. */
const ONE_LINE_A_VALUE = { lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER };

type Path = readonly (string | number)[];

/** The host under which an exposed service answers. */
export function ingressHost(service: string, env: Environment): string {
  return `${service}.${env}.golden-path.internal`;
}

/**
 * Renders one service's manifests from the golden base: the same input gives
 * the same bytes. What the base says and the service does not change stays as
 * it is, comments included.
 */
export function renderManifests(spec: ServiceSpec, target: ManifestTarget, base: ManifestFiles): ManifestFiles {
  const doing = `rendering the manifests of ${spec.name} for ${target.env}`;
  parseDigestReference(target.image, doing);
  if (!isLabelValue(target.version)) {
    throw new UserError(`${doing}: version "${target.version}" cannot be a label; use letters, digits, dashes, dots and underscores, at most 63`);
  }
  const rendered: [string, string][] = [];
  const kinds = new Set<string>();
  for (const file of Object.keys(base).filter((name) => /\.ya?ml$/.test(name)).sort()) {
    const manifest = new Manifest(base[file]!, `k8s/base/${file}`);
    if (!isWanted(manifest, spec)) continue;
    kinds.add(manifest.kind);
    setIdentity(manifest, spec, target);
    EDITS[manifest.kind]?.(manifest, spec, target);
    rendered.push([file, manifest.toString()]);
  }
  if (kinds.has("Secret")) throw new UserError(`${doing}: k8s/base holds a Secret, and what is in Git is read by everyone who reads Git; encrypt it (docs/security/secrets.md)`);
  // As it was encrypted, byte for byte: SOPS would refuse anything else.
  if (target.sealed !== undefined) rendered.push([SEALED_FILE, target.sealed]);
  for (const kind of ["Deployment", "Service", "ServiceAccount"]) {
    if (!kinds.has(kind)) throw new UserError(`${doing}: k8s/base has no ${kind}; restore its file`);
  }
  return Object.fromEntries(rendered);
}

function isWanted({ kind, file }: Manifest, spec: ServiceSpec): boolean {
  if (kind === "Ingress") return spec.expose;
  if (kind === "PodDisruptionBudget") return spec.replicas > 1;
  if (kind === "HorizontalPodAutoscaler") return spec.autoscale !== undefined;
  if (kind === "NetworkPolicy") return isWantedPolicy(file, spec);
  return true;
}

function setIdentity(manifest: Manifest, spec: ServiceSpec, target: ManifestTarget): void {
  manifest.set(["metadata", "name"], spec.name);
  manifest.set(["metadata", "namespace"], target.env);
  manifest.merge(["metadata", "labels"], labels(spec, target));
  manifest.merge(["metadata", "annotations"], { [REVISION_ANNOTATION]: target.sourceRevision });
}

/** What finds a service's pods. It can never change, so it holds nothing that a release changes. */
function selector(spec: ServiceSpec): Record<string, string> {
  return { "app.kubernetes.io/name": spec.name };
}

function labels(spec: ServiceSpec, target: ManifestTarget): Record<string, string> {
  return {
    ...selector(spec),
    "app.kubernetes.io/part-of": "golden-path",
    "app.kubernetes.io/managed-by": MANAGED_BY,
    "app.kubernetes.io/version": target.version,
    [OWNER_LABEL]: spec.owner,
    [COSTS_LABEL]: spec.costs ?? spec.owner,
  };
}

const EDITS: Record<string, (manifest: Manifest, spec: ServiceSpec, target: ManifestTarget) => void> = {
  Deployment: editDeployment,
  Service: (manifest, spec) => manifest.merge(["spec", "selector"], selector(spec)),
  Ingress: (manifest, spec, target) => {
    manifest.replace(["spec", "rules", 0, "host"], ingressHost(spec.name, target.env));
    manifest.replace(["spec", "rules", 0, "http", "paths", 0, "backend", "service", "name"], spec.name);
  },
  HorizontalPodAutoscaler: (manifest, spec) => {
    manifest.replace(["spec", "scaleTargetRef", "name"], spec.name);
    manifest.replace(["spec", "minReplicas"], spec.replicas);
    manifest.replace(["spec", "maxReplicas"], spec.autoscale?.max);
    manifest.replace(["spec", "metrics", 0, "resource", "target", "averageUtilization"], spec.autoscale?.cpu);
  },
  PodDisruptionBudget: (manifest, spec) => manifest.merge(["spec", "selector", "matchLabels"], selector(spec)),
  NetworkPolicy: editPolicy,
};

function editPolicy(manifest: Manifest, spec: ServiceSpec): void {
  manifest.set(["metadata", "name"], policyName(manifest.file, spec));
  const others = ["podSelector", "matchExpressions", 0, "values"];
  switch (purposeOf(manifest.file)) {
    case "calls":
      manifest.replace(["spec", "egress", 0, "to", 0, ...others], spec.calls);
      break;
    case "callees":
      manifest.replace(["spec", ...others], spec.calls);
      manifest.merge(["spec", "ingress", 0, "from", 0, "podSelector", "matchLabels"], selector(spec));
      return;
  }
  manifest.merge(["spec", "podSelector", "matchLabels"], selector(spec));
}

function editDeployment(manifest: Manifest, spec: ServiceSpec, target: ManifestTarget): void {
  if (spec.autoscale === undefined) manifest.set(["spec", "replicas"], spec.replicas);
  else manifest.remove(["spec", "replicas"]);
  manifest.merge(["spec", "selector", "matchLabels"], selector(spec));
  const pod = ["spec", "template"];
  // Whoever runs the cluster knows where its Git server is, and lets these pods there.
  const access: Record<string, string> = spec.access.includes("gitops") ? { [GITOPS_LABEL]: "allowed" } : {};
  manifest.merge([...pod, "metadata", "labels"], { ...labels(spec, target), ...access });
  const sealed: Record<string, string> = target.sealed === undefined ? {} : { [SEALED_ANNOTATION]: sealedDigest(target.sealed) };
  manifest.merge([...pod, "metadata", "annotations"], { [REVISION_ANNOTATION]: target.sourceRevision, ...sealed });
  manifest.replace([...pod, "spec", "serviceAccountName"], spec.name);
  // A token is a way into the API server: only who asked to read there gets one.
  manifest.replace([...pod, "spec", "automountServiceAccountToken"], spec.access.includes("applications"));
  const container = [...pod, "spec", "containers", 0];
  manifest.replace([...container, "name"], spec.name);
  manifest.replace([...container, "image"], target.image);
  manifest.replace([...container, "ports", 0, "containerPort"], spec.port);
  manifest.replace([...container, "startupProbe", "httpGet", "path"], spec.health);
  manifest.replace([...container, "livenessProbe", "httpGet", "path"], spec.health);
  manifest.replace([...container, "readinessProbe", "httpGet", "path"], spec.ready);
  manifest.set([...container, "env"], environmentOf(spec));
  // What `env` says goes before what a Secret says.
  if (target.sealed !== undefined) manifest.set([...container, "envFrom"], [{ secretRef: { name: spec.name } }]);
  const { cpu, memory, limits } = spec.resources;
  manifest.set([...container, "resources"], { requests: { cpu, memory }, limits: { ...limits } });
}

interface Variable {
  name: string;
  value?: Scalar;
  valueFrom?: unknown;
}

function environmentOf(spec: ServiceSpec): Variable[] {
  const all: Record<string, string> = { ...spec.env, PORT: String(spec.port) };
  const surroundings: Record<string, unknown> = {};
  if (spec.access.includes("gitops")) {
    const { configMap: name, gitopsRepository: key } = SURROUNDINGS;
    // Optional: where nobody says it, the service starts all the same and says "unknown".
    surroundings[GITOPS_REPOSITORY] = { configMapKeyRef: { name, key, optional: true } };
  }
  return [...new Set([...Object.keys(all), ...Object.keys(surroundings)])].sort().map((name) => {
    // What the service itself says goes before its surroundings.
    const value = all[name];
    if (value === undefined) return { name, valueFrom: surroundings[name] };
    // The cluster stores an empty value as none: written so, nothing ever differs from it.
    return value === "" ? { name } : { name, value: quoted(literal(value)) };
  });
}

/** Kubernetes expands `$(NAME)` in values and takes `$$` for `$`; a service's are plain strings. */
function literal(value: string): string {
  return value.replaceAll("$", () => "$$");
}

/** Always in quotes: a value that looks like a number must still reach the process as text. */
function quoted(value: string): Scalar {
  const scalar = new Scalar(value);
  scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}

function isLabelValue(text: string): boolean {
  return text.length <= 63 && /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(text);
}

/** One file of the base, edited as a tree. */
class Manifest {
  readonly kind: string;
  readonly file: string;
  private readonly document: Document;

  constructor(text: string, file: string) {
    // Kubernetes reads YAML 1.1, where a plain `yes` is true: such texts are quoted.
    this.document = parseDocument(text, { compat: "yaml-1.1" });
    this.file = file;
    if (this.document.errors.length > 0) {
      throw new UserError(`${file}: not valid YAML: ${this.document.errors[0]!.message.split("\n")[0]}; correct it, one document a file`);
    }
    const kind = this.document.getIn(["kind"]);
    if (!isMap(this.document.contents) || typeof kind !== "string") {
      throw new UserError(`${file}: kind: missing; write one Kubernetes object a file`);
    }
    this.kind = kind;
  }

  /** Sets a value, there before or not. */
  set(path: Path, value: unknown): void {
    // As a new node: an empty base value is written `{}`, what takes its place reads better as lines.
    this.document.setIn(path, this.document.createNode(value));
  }

  /** Sets a value that the base must have: a base without it has lost its meaning. */
  replace(path: Path, value: unknown): void {
    if (!this.document.hasIn(path)) {
      throw new UserError(`${this.file}: ${path.join(".")}: missing; restore it, every service's manifests are rendered from it`);
    }
    this.document.setIn(path, value);
  }

  /** Takes a field out, there or not. */
  remove(path: Path): void {
    this.document.deleteIn(path);
  }

  /** Adds entries to a mapping, keeping what the base has there. */
  merge(path: Path, entries: Record<string, string>): void {
    const there = this.document.getIn(path, true);
    const before = isMap(there) ? (there.toJS(this.document) as Record<string, string>) : {};
    this.set(path, { ...before, ...entries });
  }

  toString(): string {
    return this.document.toString(ONE_LINE_A_VALUE);
  }
}
