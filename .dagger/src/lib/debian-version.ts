/**
 * Debian's order of package versions (deb-version(7)), as `dpkg
 * --compare-versions` has it. Written out because a scan must be decided by a
 * pure function; the tests hold it against dpkg itself.
 */
export function compareVersions(a: string, b: string): number {
  const left = split(a);
  const right = split(b);
  return (
    Math.sign(left.epoch - right.epoch) ||
    compareParts(left.upstream, right.upstream) ||
    compareParts(left.revision, right.revision)
  );
}

interface Parts {
  epoch: number;
  upstream: string;
  revision: string;
}

function split(version: string): Parts {
  const text = version.trim();
  const colon = text.indexOf(":");
  const epoch = colon < 0 ? 0 : Number(text.slice(0, colon));
  const rest = text.slice(colon + 1);
  const dash = rest.lastIndexOf("-");
  // A missing revision equals revision 0.
  return dash < 0
    ? { epoch, upstream: rest, revision: "" }
    : { epoch, upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) };
}

/** Compares alternating runs of non-digits (by `weight`) and digits (by value). */
function compareParts(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a[i])) || (j < b.length && !isDigit(b[j]))) {
      const difference = weight(a[i]) - weight(b[j]);
      if (difference !== 0) return Math.sign(difference);
      if (i < a.length) i++;
      if (j < b.length) j++;
    }
    const left = /^\d*/.exec(a.slice(i))![0];
    const right = /^\d*/.exec(b.slice(j))![0];
    i += left.length;
    j += right.length;
    // BigInt: versions such as 20250519123456789012 exceed a safe number.
    const difference = BigInt(left || "0") - BigInt(right || "0");
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  }
  return 0;
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= "0" && character <= "9";
}

/** `~` sorts before the end of the text, the end before letters, letters before the rest. */
function weight(character: string | undefined): number {
  if (character === "~") return -1;
  if (character === undefined || isDigit(character)) return 0;
  if (/[A-Za-z]/.test(character)) return character.charCodeAt(0);
  return character.charCodeAt(0) + 256;
}
