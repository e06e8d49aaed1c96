import { CodedError, GATE_CODES, plural } from "./errors.ts";
import type { SecurityData } from "./debian-sources.ts";
import { compareVersions } from "./debian-version.ts";
import { reaches, type Severity, type Threshold } from "./threshold.ts";

export type FindingKind = "vulnerability" | "licence" | "misconfiguration" | "secret";

/** One thing that is wrong with an image or its source. */
export interface Finding {
  /** A vulnerability when left out. */
  kind?: FindingKind;
  id: string;
  package: string;
  version: string;
  fixedIn: string;
  severity: Severity;
  /** Who says so. */
  source: string;
  /** The packages of the image that carry it. */
  location?: string;
  /** The file of the checkout to change: a lock, a manifest, where a secret is. */
  file?: string;
  /** Why it does not count today. */
  exception?: { status: string; reason: string; expires: string; file: string };
}

/** What was found in one image, and what was looked at to find it. */
export interface ScanResult {
  service: string;
  digest: string;
  findings: Finding[];
  covered: string[];
  notCovered: string[];
  /** When the data that was compared with was signed, RFC 3339. */
  dataDate: string;
  /** Sentences: exceptions whose day has passed. Each of them fails the gate. */
  expired?: string[];
  /** Sentences: exceptions that covered nothing. */
  unused?: string[];
}

/** The part of a CycloneDX bill of materials that a scan reads. */
export interface Bom {
  components?: { type?: string; name?: string; version?: string; purl?: string }[];
}

/** A package of a bill of materials, as its package URL names it. */
export interface Component {
  type: string;
  name: string;
  version: string;
  source: string;
  sourceVersion: string;
}

/** Reads the components that a package URL identifies; others (files, the image itself) are no packages. */
export function components(bom: Bom): Component[] {
  const found = new Map<string, Component>();
  for (const entry of bom.components ?? []) {
    const component = entry.purl === undefined ? undefined : parsePurl(entry.purl);
    if (component !== undefined) found.set(`${component.type}/${component.name}@${component.version}`, component);
  }
  return [...found.values()];
}

/** `pkg:deb/debian/libssl3t64@3.5.1-1?arch=amd64&upstream=openssl` and the like. */
export function parsePurl(purl: string): Component | undefined {
  const match = /^pkg:([a-z]+)\/([^@?#]+)@([^?#]+)(?:\?([^#]*))?/.exec(purl);
  if (match === null) return undefined;
  const [, type = "", path = "", rawVersion = "", query = ""] = match;
  const version = decodeURIComponent(rawVersion);
  const segments = path.split("/").map(decodeURIComponent);
  // A Debian purl's first segment names the distribution; an npm one's is the scope, part of the name.
  const name = type === "deb" ? segments.at(-1)! : segments.join("/");
  const upstream = new URLSearchParams(query.replaceAll("+", "%2B")).get("upstream") ?? "";
  const at = upstream.indexOf("@");
  return {
    type,
    name,
    version,
    source: (at < 0 ? upstream : upstream.slice(0, at)) || name,
    // A binary-only rebuild (+b1) has its source's version without that ending.
    sourceVersion: at < 0 ? version.replace(/\+b\d+$/, "") : upstream.slice(at + 1),
  };
}

/**
 * Debian's security index says which version fixes a source package, not how
 * grave the fault is. A published security update that an image lacks counts
 * as `high`: it can be had by a relock, so there is no reason to ship without it.
 */
const MISSED_UPDATE: Severity = "high";

/** Compares an image's bill of materials with what Debian's security suite fixes. */
export function scanBom(service: string, digest: string, bom: Bom, data: SecurityData): ScanResult {
  const all = components(bom);
  const debian = all.filter((component) => component.type === "deb");
  if (debian.length === 0) {
    throw new CodedError(GATE_CODES["unusable-data"],
      `scanning ${service}: its bill of materials names no Debian package, so nothing could be compared; build it again, and check that the image keeps /var/lib/dpkg/status.d`,
    );
  }
  return {
    service,
    digest,
    findings: debianFindings(debian, data),
    covered: [`${plural(debian.length, "Debian package")} against ${data.suite}`],
    // What the service itself is has no advisories to compare with.
    notCovered: notCovered(all.filter((component) => component.name !== service)),
    dataDate: data.date,
  };
}

function debianFindings(debian: Component[], data: SecurityData): Finding[] {
  const bySource = new Map<string, Component[]>();
  for (const component of debian) {
    const key = `${component.source} ${component.sourceVersion}`;
    bySource.set(key, [...(bySource.get(key) ?? []), component]);
  }
  const findings: Finding[] = [];
  for (const packages of bySource.values()) {
    const { source, sourceVersion } = packages[0]!;
    const fixedIn = data.fixed.get(source);
    if (fixedIn === undefined || compareVersions(sourceVersion, fixedIn) >= 0) continue;
    findings.push({
      id: `${data.suite}:${source}`,
      package: source,
      version: sourceVersion,
      fixedIn,
      severity: MISSED_UPDATE,
      source: `Debian ${data.suite}`,
      location: packages.map((component) => component.name).sort().join(", "),
    });
  }
  return findings.sort((a, b) => (a.package < b.package ? -1 : 1));
}

const ECOSYSTEMS: Record<string, string> = {
  pypi: "Python package", npm: "npm package", golang: "Go module", generic: "upstream binary",
};

/** Everything without data to compare with, so that no one takes silence for safety. */
function notCovered(all: Component[]): string[] {
  const counts = new Map<string, Component[]>();
  for (const component of all) {
    if (component.type === "deb") continue;
    counts.set(component.type, [...(counts.get(component.type) ?? []), component]);
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([type, list]) => {
    const count = plural(list.length, ECOSYSTEMS[type] ?? `${type} package`);
    const names = list.map((component) => `${component.name} ${component.version}`);
    return names.length <= 3 ? `${count} (${names.join(", ")})` : count;
  });
}

/** Whether a scan passes a threshold, and the sentence that says why. */
export function gate(result: ScanResult, threshold: Threshold): { passed: boolean; sentence: string; code?: number } {
  const against = result.findings.filter((finding) => finding.exception === undefined && reaches(finding.severity, threshold));
  const expired = result.expired ?? [];
  const looked = `${result.covered.join(", ")}, data of ${result.dataDate}`;
  if (expired.length > 0 && against.length === 0) {
    return { passed: false, code: GATE_CODES["expired-exception"], sentence: `scan ${result.service}: ${expired.join("; ")}; look at it again: fix it, or give it a new date and reason` };
  }
  if (against.length === 0) {
    const below = result.findings.length === 0 ? "no findings" : `${plural(result.findings.length, "finding")}, none that fails at "${threshold}"`;
    return { passed: true, sentence: `scan ${result.service}: ${below} (${looked})` };
  }
  const named = against.slice(0, 5).map(nameOf);
  const more = against.length > named.length ? ` and ${against.length - named.length} more` : "";
  return {
    passed: false,
    code: GATE_CODES.findings,
    sentence: `scan ${result.service}: ${plural(against.length, "finding")} at or above "${threshold}": ${named.join(", ")}${more}${expired.map((sentence) => `; ${sentence}`).join("")}; ${adviceFor(against)} (${looked})`,
  };
}

/** A finding in a few words: what, since when it is fixed, and where to change it. */
export function nameOf(finding: Finding): string {
  const { kind = "vulnerability", id, package: name, version, fixedIn, file, location } = finding;
  const where = file === undefined ? "" : ` in ${file}`;
  switch (kind) {
    case "vulnerability": return `${name} ${version} (${fixedIn === "" ? "not fixed yet" : `fixed in ${fixedIn}`}${id.includes(":") ? "" : `, ${id}`})${where}`;
    case "licence": return `${name} ${version} (${id.replace(/^licence:/, "licence ").replace("licence-unknown", "licence unknown")})${where}`;
    case "misconfiguration": return `${id} of ${name}${location === undefined ? "" : ` (${location})`}${where}`;
    case "secret": return `${id}${where}${location === undefined ? "" : ` (${location})`}`;
  }
}

function adviceFor(findings: readonly Finding[]): string {
  const kinds = new Set(findings.map(({ kind = "vulnerability" }) => kind));
  const debian = findings.some(({ kind, source }) => kind === undefined && source.startsWith("Debian"));
  return [
    ...(debian ? ["relock the runtime's Debian packages"] : []),
    ...(kinds.has("vulnerability") && findings.some(({ source }) => !source.startsWith("Debian")) ? ["update the package in the file that is named"] : []),
    ...(kinds.has("licence") ? ["take a dependency with an allowed licence"] : []),
    ...(kinds.has("secret") ? ["revoke the credential: what was committed once is known"] : []),
    ...(kinds.has("misconfiguration") ? ["correct the configuration"] : []),
    "state an exception in openvex.json",
    "or choose another --fail-on",
  ].join(", ");
}
