import { compare as comparePython, valid as validPython } from "@renovatebot/pep440";
import semver from "semver";
import { STALE_AFTER_DAYS } from "./debian-sources.ts";
import { compareVersions } from "./debian-version.ts";
import { CodedError, GATE_CODES } from "./errors.ts";
import { type Component, type Finding } from "./findings.ts";
import type { Severity } from "./threshold.ts";

/** What select-advisories.py says of the records it was given, and those that name a package of the image. */
export interface Advisories {
  /** The newest change among all records, RFC 3339; "" without any. */
  newest: string;
  /** Ecosystem to number of records in it. */
  ecosystems: Record<string, number>;
  records: OsvRecord[];
}

/** The part of an OSV record (https://ossf.github.io/osv-schema/) that is compared. */
export interface OsvRecord {
  id: string;
  aliases?: string[];
  /** Taken back: it says nothing any more. */
  withdrawn?: string;
  affected?: OsvAffected[];
  database_specific?: { severity?: string };
}

interface OsvAffected {
  package?: { name?: string; ecosystem?: string };
  versions?: string[];
  ranges?: { type?: string; events?: Record<string, string>[] }[];
  database_specific?: { severity?: string };
}

/** Package URL type to OSV's ecosystem and its order of versions. */
const ECOSYSTEMS: Record<string, { name: string; noun: string; order: (a: string, b: string) => number | undefined }> = {
  deb: { name: "Debian", noun: "Debian package", order: compareVersions },
  pypi: { name: "PyPI", noun: "Python package", order: (a, b) => (validPython(a) && validPython(b) ? comparePython(a, b) : undefined) },
  npm: { name: "npm", noun: "npm package", order: (a, b) => (semver.valid(a) && semver.valid(b) ? semver.compare(a, b) : undefined) },
};

/** Refuses advisories that say nothing, or not what is known today. Returns how old they are, in days. */
export function checkAdvisories({ newest, ecosystems }: Advisories, now: Date): number {
  const unusable = (found: string): CodedError => new CodedError(GATE_CODES["unusable-data"], `reading advisories: ${found}`);
  const count = Object.values(ecosystems).reduce((sum, n) => sum + n, 0);
  if (count === 0) throw unusable("there is no OSV record in what was given; name a folder with OSV records or <Ecosystem>/all.zip, or a mirror of them");
  const changed = new Date(newest);
  if (Number.isNaN(changed.getTime())) throw unusable("no record says when it was changed, so their age is unknown; fetch them anew");
  const days = (now.getTime() - changed.getTime()) / 86_400_000;
  if (days > STALE_AFTER_DAYS) throw unusable(`the newest record is ${Math.floor(days)} days old (${newest}), and more than ${STALE_AFTER_DAYS} days is too old to judge by; fetch them anew`);
  if (days < -1) throw unusable(`the newest record is from the future (${newest}); set this machine's clock`);
  return Math.max(0, Math.floor(days));
}

export interface Matched {
  findings: Finding[];
  /** How many packages were compared, by what they are: `Python package`. */
  compared: Record<string, number>;
}

/** Compares the packages of an image with the records; only ecosystems that there are records for count as compared. */
export function matchAdvisories(components: readonly Component[], { ecosystems, records }: Advisories, files: Record<string, string>): Matched {
  const matched: Matched = { findings: [], compared: {} };
  const live = records.filter(({ withdrawn }) => withdrawn === undefined);
  for (const component of components) {
    const ecosystem = ECOSYSTEMS[component.type];
    if (ecosystem === undefined || (ecosystems[ecosystem.name] ?? 0) === 0) continue;
    matched.compared[ecosystem.noun] = (matched.compared[ecosystem.noun] ?? 0) + 1;
    const seen = new Set<string>();
    for (const record of live) {
      // One weakness has many names; the first record that tells of it is enough.
      const names = [record.id, ...(record.aliases ?? [])];
      if (names.some((name) => seen.has(name))) continue;
      const hit = firstHit(component, record, ecosystem.name, ecosystem.order);
      if (hit === undefined) continue;
      for (const name of names) seen.add(name);
      matched.findings.push({
        id: record.id, package: component.name, version: component.version, fixedIn: hit.fixedIn,
        severity: severityOf(hit.affected.database_specific?.severity ?? record.database_specific?.severity),
        source: `OSV records for ${ecosystem.name}`,
        ...(hit.ordered ? {} : { location: "its version cannot be told from those affected" }),
        ...(files[component.type] === undefined ? {} : { file: files[component.type] }),
      });
    }
  }
  return matched;
}

/** The release that images are made of; what holds for another says nothing of it. */
const DEBIAN = "Debian:13";

type Order = (a: string, b: string) => number | undefined;

function firstHit(component: Component, record: OsvRecord, ecosystem: string, order: Order): { affected: OsvAffected; fixedIn: string; ordered: boolean } | undefined {
  const debian = component.type === "deb";
  // Debian's records are about source packages.
  const [name, version] = debian ? [component.source, component.sourceVersion] : [component.name, component.version];
  for (const affected of record.affected ?? []) {
    const { package: about } = affected;
    if (![ecosystem, ...(debian ? [DEBIAN] : [])].includes(about?.ecosystem ?? "") || plain(component.type, about?.name ?? "") !== plain(component.type, name)) continue;
    const fixedIn = fixOf(affected, version, order);
    // What cannot be told apart counts as affected.
    if (fixedIn !== false) return { affected, fixedIn: fixedIn ?? "", ordered: fixedIn !== undefined };
  }
  return undefined;
}

/** The version that fixes it ("" for none yet), false when it does not affect this one, undefined when nobody can tell. */
function fixOf({ versions = [], ranges = [] }: OsvAffected, version: string, order: Order): string | false | undefined {
  const useful = ranges.filter(({ type }) => type !== "GIT");
  for (const { events = [] } of useful) {
    // Records need not list them in order.
    const sorted = [...events].sort((one, other) => (placeOf(one) === "0" ? -1 : placeOf(other) === "0" ? 1 : (order(placeOf(one), placeOf(other)) ?? 0)));
    let inside = false;
    let fixedIn = "";
    for (const event of sorted) {
      const [kind, at] = (Object.entries(event)[0] ?? ["", ""]) as [string, string];
      const placed = at === "0" ? 1 : order(version, at);
      if (placed === undefined) return versions.includes(version) ? "" : undefined;
      if (kind === "introduced" && placed >= 0) [inside, fixedIn] = [true, ""];
      else if (kind === "fixed") {
        if (placed >= 0) inside = false;
        else if (inside && fixedIn === "") fixedIn = at;
      } else if (kind === "last_affected" && placed > 0) inside = false;
    }
    if (inside) return fixedIn;
  }
  if (!versions.includes(version)) return false;
  return useful.flatMap(({ events = [] }) => events).map((event) => event["fixed"]).find((fixed) => fixed !== undefined) ?? "";
}

function placeOf(event: Record<string, string>): string {
  return Object.values(event)[0] ?? "";
}

/** PyPI takes `My_Pkg` and `my-pkg` for one name. */
function plain(type: string, name: string): string {
  return type === "pypi" ? name.toLowerCase().replace(/[-_.]+/g, "-") : name;
}

const WORDS: Record<string, Severity> = { CRITICAL: "critical", HIGH: "high", MODERATE: "medium", MEDIUM: "medium", LOW: "low" };

/** The database's own word; what nobody rated counts as high: waiting for a rating is no reason to ship it. */
export function severityOf(word: string | undefined): Severity {
  return WORDS[(word ?? "").toUpperCase()] ?? "high";
}
