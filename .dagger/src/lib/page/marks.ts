import type { StageResult } from "../report.ts";
import { type Html, html } from "./html.ts";

export type Status = StageResult["status"];

const PATHS: Record<Status, string> = {
  passed: "M4 12.5l5 5L20 6.5",
  failed: "M6 6l12 12M18 6L6 18",
  reused: "M20 12a8 8 0 1 1-2.6-5.9M20 3v4.5h-4.5",
  skipped: "M6 12h12",
};

export const WORDS: Record<Status, string> = { passed: "passed", failed: "failed", reused: "reused", skipped: "not run" };

/** The status as a drawn sign, with its word for those who hear the page. */
export function mark(status: Status): Html {
  return html`<svg class="mark ${status}" viewBox="0 0 24 24" role="img" aria-label="${WORDS[status]}"><path d="${PATHS[status]}"/></svg>`;
}

export function megabytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 100_000 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A digest's first digits, the whole in its title. */
export function shortDigest(digest: string): Html {
  return html`<code title="${digest}">${digest.replace(/^(sha256:[0-9a-f]{12}).*$/, "$1…")}</code>`;
}

/** A revision's first digits; that there are changes which no commit holds stays visible. */
export function shortRevision(revision: string): Html {
  return html`<code title="${revision}">${revision.replace(/^([0-9a-f]{7})[0-9a-f]{33}/, "$1")}</code>`;
}

/** `2026-11-22 03:15:00 UTC` */
export function moment(time: string): string {
  return time.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC");
}
