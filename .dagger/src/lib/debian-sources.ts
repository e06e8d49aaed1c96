import { CodedError, GATE_CODES } from "./errors.ts";
import { compareVersions } from "./debian-version.ts";

/** One paragraph of a Debian control file: field name to value, continuation lines joined. */
export type Stanza = Record<string, string>;

/** Reads Debian control paragraphs (Packages, Sources, `apt-cache show`, Release). */
export function parseStanzas(text: string): Stanza[] {
  const stanzas: Stanza[] = [];
  let stanza: Stanza = {};
  let field = "";
  const end = () => {
    if (Object.keys(stanza).length > 0) stanzas.push(stanza);
    stanza = {};
    field = "";
  };
  for (const line of text.split("\n")) {
    if (line.trim() === "") {
      end();
    } else if (/^\s/.test(line)) {
      if (field !== "") stanza[field] += `\n${line.trim()}`;
    } else {
      const colon = line.indexOf(":");
      if (colon <= 0) continue;
      field = line.slice(0, colon);
      stanza[field] = line.slice(colon + 1).trim();
    }
  }
  end();
  return stanzas;
}

/** What a Debian security suite fixes: the newest version of each source package it carries. */
export interface SecurityData {
  suite: string;
  /** When Debian signed the index, RFC 3339. */
  date: string;
  fixed: Map<string, string>;
}

/** Older than this, the data no longer says what is known; Debian signs the suite several times a day. */
export const STALE_AFTER_DAYS = 7;

/**
 * Reads a security suite's source index. Fails closed: without entries, or with
 * an old or missing date, there is no data to scan against.
 */
export function readSecurityData(release: string, sources: string, now: Date): SecurityData {
  const header = parseStanzas(release).find((stanza) => stanza["Date"] !== undefined);
  const suite = header?.["Codename"] ?? header?.["Suite"] ?? "";
  const signed = new Date(header?.["Date"] ?? "");
  if (Number.isNaN(signed.getTime())) {
    throw new CodedError(GATE_CODES["unusable-data"], "reading Debian's security data: the index carries no date; run again, or check the security mirror");
  }
  const days = (now.getTime() - signed.getTime()) / 86_400_000;
  if (days > STALE_AFTER_DAYS) {
    throw new CodedError(GATE_CODES["unusable-data"],
      `reading Debian's security data: ${suite} was signed ${Math.floor(days)} days ago (${isoSeconds(signed)}), and more than ${STALE_AFTER_DAYS} days is too old to judge by; use a security mirror that is kept up to date`,
    );
  }
  // A clock that runs a little behind is no reason to fail; a day is.
  if (days < -1) {
    throw new CodedError(GATE_CODES["unusable-data"],
      `reading Debian's security data: ${suite} was signed in the future (${isoSeconds(signed)}); set this machine's clock`,
    );
  }
  const fixed = newestSources(sources);
  if (fixed.size === 0) {
    throw new CodedError(GATE_CODES["unusable-data"], `reading Debian's security data: ${suite} names no source package; check the security mirror`);
  }
  return { suite, date: isoSeconds(signed), fixed };
}

/** The newest version of every source package in a Sources index. */
export function newestSources(sources: string): Map<string, string> {
  const newest = new Map<string, string>();
  for (const stanza of parseStanzas(sources)) {
    const name = stanza["Package"];
    const version = stanza["Version"];
    if (name === undefined || version === undefined) continue;
    const known = newest.get(name);
    if (known === undefined || compareVersions(known, version) < 0) newest.set(name, version);
  }
  return newest;
}

function isoSeconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}
