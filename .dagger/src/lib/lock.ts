import { UserError } from "./errors.ts";
import { parseStanzas, type Stanza } from "./debian-sources.ts";

/** One exact Debian package. */
export interface LockedPackage {
  name: string;
  version: string;
  architecture: string;
  /** Which of the two archives holds it; their mirrors are set apart. */
  archive: "debian" | "security";
  /** Path below that archive. */
  path: string;
  sha256: string;
  size: number;
  source: string;
  sourceVersion: string;
}

/** `.dagger/locks/<runtime>.json`: the people's part first, then what `relock` wrote. */
export interface Lock {
  suite: string;
  architecture: string;
  /** The packages that the runtime is for; what they depend on is found by `relock`. */
  roots: string[];
  /** Dependencies that a distroless root has no use for, each with its reason. */
  leaveOut: Record<string, string>;
  /** Paths (shell patterns) removed from the root. */
  remove: string[];
  packages: LockedPackage[];
}

/** Reads a lock file; `file` is for messages. */
export function parseLock(text: string, file: string): Lock {
  let lock: Lock;
  try {
    lock = JSON.parse(text) as Lock;
  } catch (error) {
    throw new UserError(`${file}: not JSON: ${(error as Error).message}; restore it from Git`);
  }
  for (const field of ["suite", "architecture", "roots", "leaveOut", "remove", "packages"] as const) {
    if (lock[field] === undefined) throw new UserError(`${file}: ${field}: missing; restore it from Git`);
  }
  for (const locked of lock.packages) {
    const sound = /^[0-9a-f]{64}$/.test(locked.sha256) && /^pool\/[\w.+%~/-]+\.deb$/.test(locked.path);
    if (!sound) throw new UserError(`${file}: ${locked.name}: has no checksum or no path in the archive; relock it`);
  }
  return lock;
}

/** A lock's text: one package a line, so that a relock's diff reads well. */
export function renderLock(lock: Lock): string {
  const { packages, ...head } = lock;
  const text = JSON.stringify(head, null, 2).replace(/\n}$/, "");
  const lines = packages.map((locked) => `    ${JSON.stringify(locked)}`);
  return `${text},\n  "packages": [\n${lines.join(",\n")}\n  ]\n}\n`;
}

/** What the download recipe reads: archive, path, sha256, package, version, one package a line. */
export function fetchList(lock: Lock): string {
  return lock.packages
    .map(({ archive, path, sha256, name, version }) => `${[archive, path, sha256, name, version].join(" ")}\n`)
    .join("");
}

/**
 * Resolves a lock anew from the records of the candidate packages
 * (`apt-cache show`, one record a package): the roots and all they depend on,
 * less what is left out.
 */
export function relock(lock: Lock, records: string): Lock {
  const known = new Map<string, Stanza>();
  const provided = new Map<string, string>();
  for (const stanza of parseStanzas(records)) {
    const name = stanza["Package"];
    if (name === undefined) continue;
    known.set(name, stanza);
    for (const virtual of names(stanza["Provides"])) provided.set(virtual[0]!, name);
  }
  const chosen = new Set<string>();
  const queue = [...lock.roots];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (chosen.has(name) || lock.leaveOut[name] !== undefined) continue;
    const stanza = known.get(name);
    if (stanza === undefined) {
      throw new UserError(`relocking: ${lock.suite} has no package ${name} that can be installed; correct the lock's roots`);
    }
    chosen.add(name);
    for (const alternatives of [...names(stanza["Pre-Depends"]), ...names(stanza["Depends"])]) {
      const met = alternatives.find((other) => known.has(other) || lock.leaveOut[other] !== undefined);
      const next = met ?? alternatives.map((other) => provided.get(other)).find((other) => other !== undefined);
      if (next === undefined) {
        throw new UserError(`relocking: ${name} depends on ${alternatives.join(" or ")}, which the index does not offer; run again`);
      }
      queue.push(next);
    }
  }
  const packages = [...chosen].sort().map((name) => lockedPackage(known.get(name)!));
  return { ...lock, packages };
}

/** `a (>= 1), b | c` as [[a], [b, c]]. */
function names(field: string | undefined): string[][] {
  if (field === undefined || field.trim() === "") return [];
  return field.split(",").map((entry) =>
    entry.split("|").map((one) => one.replace(/\(.*$/s, "").replace(/:\w+$/, "").trim().replace(/:\w+$/, "")),
  );
}

function lockedPackage(stanza: Stanza): LockedPackage {
  const name = stanza["Package"]!;
  const version = stanza["Version"]!;
  const path = stanza["Filename"]!;
  // `Source: glibc (2.41-12)` names a version only where it differs.
  const [, source = name, sourceVersion = version.replace(/\+b\d+$/, "")] =
    /^(\S+)(?:\s+\(([^)]+)\))?/.exec(stanza["Source"] ?? name) ?? [];
  return {
    name, version,
    architecture: stanza["Architecture"]!,
    archive: path.startsWith("pool/updates/") ? "security" : "debian",
    path,
    sha256: stanza["SHA256"]!,
    size: Number(stanza["Size"]),
    source, sourceVersion,
  };
}
