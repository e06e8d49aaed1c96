import { UserError, listOf } from "./errors.ts";
import { doubleMemory, memoryBytes, milliCores } from "./quantity.ts";
import { didYouMean } from "./suggest.ts";
import { isReserved } from "./team-project.ts";
import { Fields } from "./yaml-fields.ts";

export const LANGUAGES = ["python", "node"] as const;

export type Language = (typeof LANGUAGES)[number];

/** What of the platform a service may read: Argo CD's Applications, the GitOps repository's address. */
export const ACCESSES = ["applications", "gitops"] as const;

export type Access = (typeof ACCESSES)[number];

/** Reads the value of `--runtime`. */
export function parseLanguage(text: string): Language {
  const known = LANGUAGES.find((language) => language === text);
  if (known !== undefined) return known;
  throw new UserError(`--runtime: unknown runtime "${text}"${didYouMean(text, LANGUAGES)}; use ${listOf(LANGUAGES, "or")}`);
}

/** What a service asks the cluster for, and the most it may take. */
export interface Resources {
  cpu: string;
  memory: string;
  limits: { cpu?: string; memory: string };
}

/** How far, and at what load, more replicas are started than `replicas`. */
export interface Autoscale {
  /** The most replicas. */
  max: number;
  /** Percent of the requested CPU that a replica uses on average. */
  cpu: number;
}

/** A `service.yaml` with every default filled in: all that the pipeline knows about a service. */
export interface ServiceSpec {
  name: string;
  owner: string;
  /** Who pays for it, where that is not the owner. */
  costs?: string;
  language: Language;
  port: number;
  /** Path that answers 200 while the process lives. */
  health: string;
  /** Path that answers 200 while it can take requests. */
  ready: string;
  /** Path that answers with name, version, source revision and build time. */
  version: string;
  replicas: number;
  /** Left out where the number of replicas is fixed. */
  autoscale?: Autoscale;
  resources: Resources;
  env: Record<string, string>;
  /** Whether the service is reachable from outside the cluster. */
  expose: boolean;
  /** What of the platform it may read; nothing unless it asks. */
  access: Access[];
  /** Services of the same environment that it asks; no other is reached. */
  calls: string[];
  /** What the image starts, without a shell. */
  command: string[];
}

const FIELDS = [
  "name", "owner", "costs", "language", "port", "health", "ready", "version",
  "replicas", "autoscale", "resources", "env", "expose", "access", "calls", "command",
] as const;

/** Set by the platform in every image; a service that sets them would make `/version` lie. */
const RESERVED = ["PORT", "VERSION", "SOURCE_REVISION", "BUILD_TIME"];

/** The longest environment and a dash stand before the name in the Application's, a label of at most 63. */
const NAME_LIMIT = 57;

const DEFAULT_CPU = "50m";
const DEFAULT_MEMORY = "128Mi";
const DEFAULT_LOAD = 80;

/** Reads a `service.yaml`; throws one UserError that lists every problem, one a line. */
export function parseServiceSpec(text: string, file: string): ServiceSpec {
  const fields = new Fields(text, file);
  fields.onlyKnown(FIELDS);
  const name = readName(fields, file);
  const owner = readOwner(fields);
  const costs = readCosts(fields);
  const language = readLanguage(fields);
  const port = readPort(fields);
  const health = readPath(fields, "health");
  const ready = readPath(fields, "ready");
  const version = readPath(fields, "version");
  const replicas = readReplicas(fields);
  const autoscale = readAutoscale(fields, replicas ?? 1);
  const resources = readResources(fields);
  const env = readEnv(fields);
  const expose = fields.has("expose") ? fields.boolean("expose") : false;
  const access = readAccess(fields);
  const calls = readCalls(fields, name);
  const command = readCommand(fields, name ?? "", language ?? "python");
  fields.finish();
  // `finish` has thrown unless every reader gave a value.
  return {
    name, owner, ...(costs === undefined ? {} : { costs }), language, port, health, ready, version, replicas,
    ...(autoscale === undefined ? {} : { autoscale }),
    resources, env, expose, access, calls, command,
  } as ServiceSpec;
}

function readName(fields: Fields, file: string): string | undefined {
  if (!fields.required("name", "name: backend")) return undefined;
  const name = fields.text("name");
  if (name === undefined) return undefined;
  if (!isName(name)) {
    return fields.problem(
      "name",
      `"${name}" is not a DNS label; use a lower-case letter, then letters, digits and dashes, at most ${NAME_LIMIT}`,
    );
  }
  const folder = file.split("/").at(-2);
  if (folder !== undefined && folder !== name) {
    return fields.problem("name", `"${name}" differs from its folder "${folder}"; give both the same name`);
  }
  if (REPORT_FOLDERS.includes(name)) return fields.problem("name", `"${name}" is what a report calls one of its own folders; choose another`);
  return name;
}

/** A service's evidence lies beside them, in a folder of its name. */
const REPORT_FOLDERS = ["integrate", "logs"];

function isName(text: string): boolean {
  return /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(text) && text.length <= NAME_LIMIT;
}

function readOwner(fields: Fields): string | undefined {
  if (!fields.required("owner", "owner: team-platform")) return undefined;
  const owner = fields.text("owner");
  if (owner === undefined) return undefined;
  if (!isLabel(owner)) return fields.problem("owner", `"${owner}" cannot be a label; ${LABEL_ADVICE}`);
  if (isReserved(owner)) return fields.problem("owner", `"${owner}" is a name of Argo CD's or the platform's own; use the team's`);
  return owner;
}

function readCosts(fields: Fields): string | undefined {
  const costs = fields.has("costs") ? fields.text("costs") : undefined;
  return costs === undefined || isLabel(costs) ? costs : fields.problem("costs", `"${costs}" cannot be a label; ${LABEL_ADVICE}`);
}

const LABEL_ADVICE = "use letters, digits, dashes, dots and underscores, at most 63";

/** Whether Kubernetes takes it as a label's value. */
export function isLabel(text: string): boolean {
  return /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(text) && text.length <= 63;
}

function readLanguage(fields: Fields): Language | undefined {
  if (!fields.required("language", "language: python")) return undefined;
  const text = fields.text("language");
  if (text === undefined) return undefined;
  const known = LANGUAGES.find((language) => language === text);
  return known ?? fields.problem("language", `unknown language "${text}"${didYouMean(text, LANGUAGES)}; use ${listOf(LANGUAGES, "or")}`);
}

function readPort(fields: Fields): number | undefined {
  if (!fields.required("port", "port: 8000")) return undefined;
  const port = fields.integer("port");
  if (port === undefined || (port >= 1024 && port <= 65535)) return port;
  return fields.problem("port", `${port} is out of range; use 1024 to 65535`);
}

function readPath(fields: Fields, field: "health" | "ready" | "version"): string | undefined {
  if (!fields.has(field)) return `/${field}`;
  const path = fields.text(field);
  if (path === undefined || /^\/[^\s?#]*$/.test(path)) return path;
  return fields.problem(field, `"${path}" is not a path; begin it with "/" and leave out spaces, "?" and "#"`);
}

function readReplicas(fields: Fields): number | undefined {
  if (!fields.has("replicas")) return 1;
  const replicas = fields.integer("replicas");
  if (replicas === undefined || (replicas >= 1 && replicas <= 100)) return replicas;
  return fields.problem("replicas", `${replicas} is out of range; use 1 to 100`);
}

function readAutoscale(fields: Fields, replicas: number): Autoscale | undefined {
  if (!fields.has("autoscale") || fields.keys("autoscale") === undefined) return undefined;
  fields.onlyKnown(["max", "cpu"], "autoscale");
  if (!fields.required("autoscale.max", "autoscale: {max: 5}")) return undefined;
  const max = fields.integer("autoscale.max");
  if (max !== undefined && (max <= replicas || max > 100)) {
    fields.problem("autoscale.max", `${max} is out of range; use ${replicas + 1} (one more than replicas) to 100`);
  }
  const cpu = fields.has("autoscale.cpu") ? fields.integer("autoscale.cpu") : DEFAULT_LOAD;
  if (cpu !== undefined && (cpu < 1 || cpu > 100)) fields.problem("autoscale.cpu", `${cpu} is out of range; use 1 to 100, percent of resources.cpu`);
  return max === undefined || cpu === undefined ? undefined : { max, cpu };
}

function readResources(fields: Fields): Resources | undefined {
  const asked = fields.has("resources");
  if (asked) {
    if (fields.keys("resources") === undefined) return undefined;
    fields.onlyKnown(["cpu", "memory", "limits"], "resources");
  }
  const limited = asked && fields.has("resources.limits");
  if (limited) {
    if (fields.keys("resources.limits") === undefined) return undefined;
    fields.onlyKnown(["cpu", "memory"], "resources.limits");
  }
  const cpu = readQuantity(fields, "resources.cpu", DEFAULT_CPU, milliCores, CPU_HINT);
  const memory = readQuantity(fields, "resources.memory", DEFAULT_MEMORY, memoryBytes, MEMORY_HINT);
  const mostCpu = readQuantity(fields, "resources.limits.cpu", undefined, milliCores, CPU_HINT);
  const mostMemory = readQuantity(
    fields, "resources.limits.memory", memory === undefined ? undefined : doubleMemory(memory), memoryBytes, MEMORY_HINT,
  );
  if (cpu !== undefined && mostCpu !== undefined && milliCores(mostCpu)! < milliCores(cpu)!) {
    return fields.problem("resources.limits.cpu", `${mostCpu} is less than the ${cpu} asked for; raise it to at least ${cpu}`);
  }
  if (memory === undefined || mostMemory === undefined) return undefined;
  if (memoryBytes(mostMemory)! < memoryBytes(memory)!) {
    return fields.problem("resources.limits.memory", `${mostMemory} is less than the ${memory} asked for; raise it to at least ${memory}`);
  }
  const limits = mostCpu === undefined ? { memory: mostMemory } : { cpu: mostCpu, memory: mostMemory };
  return cpu === undefined ? undefined : { cpu, memory, limits };
}

const CPU_HINT = "use cores or thousandths of one, as in 0.5 or 250m";
const MEMORY_HINT = "use a number with its unit, as in 128Mi or 1Gi";

function readQuantity(
  fields: Fields, field: string, otherwise: string | undefined,
  read: (text: string) => number | undefined, hint: string,
): string | undefined {
  if (!fields.has(field)) return otherwise;
  const text = fields.written(field);
  if (text === undefined || read(text) !== undefined) return text;
  return fields.problem(field, `"${text}" is not a quantity; ${hint}`);
}

function readEnv(fields: Fields): Record<string, string> | undefined {
  if (!fields.has("env")) return {};
  const names = fields.keys("env");
  if (names === undefined) return undefined;
  const env: [string, string][] = [];
  for (const name of names) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      fields.problems.push(`${fields.file}: env: "${name}" cannot be a variable; use letters, digits and underscores`);
      continue;
    }
    if (RESERVED.includes(name)) {
      fields.problem(`env.${name}`, "set by the platform; leave it out");
      continue;
    }
    const value = fields.text(`env.${name}`);
    if (value !== undefined) env.push([name, value]);
  }
  return Object.fromEntries(env);
}

function readAccess(fields: Fields): Access[] | undefined {
  if (!fields.has("access")) return [];
  const words = fields.texts("access");
  for (const word of words ?? []) {
    if (ACCESSES.some((known) => known === word)) continue;
    return fields.problem("access", `there is no access to "${word}"${didYouMean(word, ACCESSES)}; use ${listOf(ACCESSES, "or")}`);
  }
  // In one order and once each: what is asked for twice renders no other manifest.
  return words && ACCESSES.filter((known) => words.includes(known));
}

function readCalls(fields: Fields, name: string | undefined): string[] | undefined {
  if (!fields.has("calls")) return [];
  const names = fields.texts("calls");
  for (const one of names ?? []) {
    if (!isName(one)) return fields.problem("calls", `"${one}" is no service's name; use a lower-case letter, then letters, digits and dashes`);
    if (one === name) return fields.problem("calls", `"${one}" is the service itself; leave it out`);
  }
  return names && [...new Set(names)].sort();
}

function readCommand(fields: Fields, name: string, language: Language): string[] | undefined {
  if (!fields.has("command")) {
    // A Python package cannot have a dash in its name.
    return language === "python" ? ["python3", "-m", name.replaceAll("-", "_")] : ["node", "dist/server.js"];
  }
  const command = fields.texts("command");
  if (command === undefined || command[0]) return command;
  return fields.problem("command", "names no program; give the program and its arguments as a list, or leave it out");
}

/**
 * The services that were asked for, or all of them, by name.
 * An unknown one is an error that names those there are.
 */
export function selectServices<T extends { name: string }>(all: readonly T[], wanted: readonly string[]): T[] {
  const known = all.map((service) => service.name).sort();
  if (known.length === 0) {
    throw new UserError("finding services: no service/<name>/service.yaml found; add a folder with one, or name the right --source");
  }
  for (const name of wanted) {
    if (!known.includes(name)) {
      throw new UserError(`--service: unknown service "${name}"${didYouMean(name, known)}; use ${listOf(known, "or")}`);
    }
  }
  return all
    .filter((service) => wanted.length === 0 || wanted.includes(service.name))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}
