/**
 * The second guard against secrets in what is shown and kept. The first is the
 * engine, which blots out the value of every `Secret` in what a command prints;
 * it cannot know what a test made up, what a tool echoes of a file that was
 * mounted, or what a service in the cluster logs.
 */
const HIDDEN = "***";

const SHAPES: [shape: RegExp, shown: string][] = [
  // A key that a log cuts off is one still.
  [/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g, `${HIDDEN} (a private key)`],
  // `user:password@` of any address, and a lone `token@` of a web address: for ssh that is a user's name.
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@:'"`<>]*:[^\s/@'"`<>]+@/gi, `$1${HIDDEN}@`],
  [/\b(https?:\/\/)[^\s/@:'"`<>]+@/gi, `$1${HIDDEN}@`],
  [/\b((?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:basic|bearer|token)\s+)[^\s"'`]+/gi, `$1${HIDDEN}`],
  [/\b(bearer\s+)[\w.~+/=-]{16,}/gi, `$1${HIDDEN}`],
  // Tokens that say themselves whose they are.
  [/\b(?:gh[oprsu]_[A-Za-z0-9]{30,}|github_pat_\w{22,}|glpat-[\w-]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{40,}|dckr_pat_[\w-]{20,}|xox[abeprs]-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{35}|sk-[\w-]{20,})/g, HIDDEN],
  [/\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*/g, HIDDEN],
  // `"auth": "…"` of a registry's credentials, `_authToken=…` of npm, `DB_PASSWORD=…`, `client_secret: …`.
  [/("(?:auth|identitytoken|registrytoken)"\s*:\s*")[^"]+/gi, `$1${HIDDEN}`],
  [/\b(_auth(?:Token)?\s*=\s*)[^\s"'`]+/g, `$1${HIDDEN}`],
  [/\b((?:\w*_)?(?:password|passwd|passphrase|secret|token|api_?key|access_?key|private_?key)(?:_\w+)?=)(?!=)(["']?)[^\s"'`&,;]+/gi, `$1$2${HIDDEN}`],
  [/\b((?:\w*[_-])?(?:password|passwd|passphrase|client_secret|secret_key|api_?key|access_token)["']?\s*:\s*["']?)(?!\s)[^\s"'`,;}]+/gi, `$1${HIDDEN}`],
];

/** The text without anything that has the shape of a secret. */
export function redact(text: string): string {
  return SHAPES.reduce((clean, [shape, shown]) => clean.replace(shape, shown), text);
}

/** A value with every text in it, however deep, made clean. */
export function redacted<T>(value: T): T {
  if (typeof value === "string") return redact(value) as T;
  if (Array.isArray(value)) return value.map(redacted) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, redacted(one)])) as T;
}
