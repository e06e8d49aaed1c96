/** Git trailers: the `Key: value` lines that end a commit message. */
export interface Trailer {
  key: string;
  value: string;
}

const KEY = /^[A-Za-z0-9][A-Za-z0-9-]*$/;
const LINE = /^([A-Za-z0-9][A-Za-z0-9-]*):[ \t]*(.*)$/;

/** One line a trailer. A value never spans lines: a line break in it would forge the next trailer. */
export function formatTrailers(trailers: readonly Trailer[]): string {
  return trailers
    .map(({ key, value }) => {
      if (!KEY.test(key)) throw new Error(`writing a commit trailer: "${key}" is not a trailer name; use letters, digits and dashes`);
      return `${key}: ${value.replace(/\s+/g, " ").trim()}`;
    })
    .join("\n");
}

/**
 * The trailers of a commit message: its last paragraph, when every line of it is a trailer or the continuation
 * (indented) of one. The subject line alone is never taken for one, as in Git.
 */
export function parseTrailers(message: string): Trailer[] {
  const paragraphs = message
    .replace(/\r\n/g, "\n")
    .trim()
    .split(/\n[ \t]*\n+/);
  if (paragraphs.length < 2) return [];
  const trailers: Trailer[] = [];
  for (const line of paragraphs[paragraphs.length - 1]!.split("\n")) {
    const last = trailers[trailers.length - 1];
    if (/^[ \t]/.test(line) && last !== undefined) {
      last.value = `${last.value} ${line.trim()}`;
      continue;
    }
    const match = LINE.exec(line);
    if (match === null) return [];
    trailers.push({ key: match[1]!, value: match[2]!.trim() });
  }
  return trailers;
}

/** All values of one trailer, in order; names are compared without case, as Git does. */
export function trailerValues(message: string, key: string): string[] {
  const wanted = key.toLowerCase();
  return parseTrailers(message)
    .filter((trailer) => trailer.key.toLowerCase() === wanted)
    .map((trailer) => trailer.value);
}

/** `backend=ab12…` values, as in `Source-Revision: backend=ab12…`, as a map from service to value. */
export function trailerMap(message: string, key: string): Record<string, string> {
  const map: Record<string, string> = {};
  for (const value of trailerValues(message, key)) {
    const at = value.indexOf("=");
    if (at > 0) map[value.slice(0, at)] = value.slice(at + 1);
  }
  return map;
}
