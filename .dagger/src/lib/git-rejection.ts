/**
 * What a failed fetch or push means. Servers word the same thing differently, and hooks print whatever they like,
 * so the status that git itself reports for the ref is read before any free text.
 */
export type GitFailureKind =
  | "lost-race"
  | "protected"
  | "read-only"
  | "declined"
  | "auth"
  | "host-key"
  | "tls"
  | "not-found"
  | "unreachable"
  | "server-error"
  | "timeout"
  | "unknown";

export interface GitFailure {
  kind: GitFailureKind;
  /** What the server or git said, in one line. */
  found: string;
  /** What a person can do about it. */
  advice: string;
}

type Rule = readonly [GitFailureKind, RegExp];

/** The ref moved under us: git's own words, then those of GitHub, GitLab (Gitaly), Gerrit and go-git servers. */
const LOST_RACE =
  /non-fast-forward|fetch first|stale info|cannot lock ref|failed to lock|lock_failure|incorrect old value|is at [0-9a-f]{7,} but expected|remote ref updated since|failed to update ref|reference (already exists|has changed|is not up to date)|refs?.* changed (since|while)|\.lock': file exists|some refs were not updated/i;

const PROTECTED =
  /protected branch|gh006|gh013|repository rule violations|tf402455|through (a )?pull request|must use a pull request|merge request|prohibited by gerrit|branch is (locked|protected)|branch restriction/i;

/** What stands in the brackets of `[remote rejected] (…)`. */
const STATUS_RULES: readonly Rule[] = [
  ["lost-race", LOST_RACE],
  ["protected", PROTECTED],
  ["read-only", /read.?only|branch is currently checked out|permission denied/i],
  ["server-error", /unpacker error|unable to migrate|internal (server )?error|n\/a \(unpack/i],
];

/** Free text, for failures that come before the server looks at any ref. The order matters: precise words first. */
const TEXT_RULES: readonly Rule[] = [
  ["host-key", /host key verification failed|remote host identification has changed/i],
  ["tls", /ssl certificate|certificate verif|server verification failed|gnutls|self.signed certificate|tls handshake/i],
  [
    "unreachable",
    /could ?n[o']t resolve|unable to look up|name or service not known|temporary failure in name resolution|connection refused|unable to connect|failed to connect|could ?n[o']t connect|no route to host|network is unreachable|connection timed out|operation timed out/i,
  ],
  ["protected", PROTECTED],
  [
    "read-only",
    /archived|marked as read.?only|is read.?only|read.?only (file system|repository|mode|key)|service not enabled|receive-pack (is )?(not enabled|disabled)|write access .*not (granted|allowed)|repository is disabled/i,
  ],
  [
    "auth",
    /authentication (failed|required)|could not read (username|password)|terminal prompts disabled|permission denied|invalid (username|credentials)|access denied(?! or repository not exported)|unauthorized|forbidden|(returned error|http|code):? ?(401|403)\b/i,
  ],
  [
    "not-found",
    /repository .*not found|not found|no such repository|does not appear to be a git repository|not exported|no such file or directory|does not exist|returned error: 404|not a git repository/i,
  ],
  [
    "server-error",
    /returned error: ?5\d\d|http (code )?5\d\d|rpc failed|hung up unexpectedly|early eof|connection (was )?(reset|closed)|broken pipe|internal server error|unexpected disconnect|no space left|empty reply|bad gateway|packet write failed|could not read from remote/i,
  ],
  ["lost-race", LOST_RACE],
];

const ADVICE: Record<GitFailureKind, string> = {
  "lost-race": "other writers keep moving the branch; run it again",
  protected: "the branch takes no direct pushes; allow this writer, or name an unprotected branch and open a pull request from it",
  "read-only": "make the repository writable for this writer, or name another repository",
  declined: "a rule of that server refused the commit; its own words above say which",
  auth: "check that the token or ssh key is the right one, has not expired and may read and write that repository",
  "host-key": "check the server's host key and hand in a known_hosts file that has it (ssh-keyscan HOST)",
  tls: "check the server's certificate; a private authority's certificate must be trusted by the engine's host",
  "not-found": "check the repository's address, that it exists, and that this writer may see it",
  unreachable: "check the repository's address and that the engine's network can reach it",
  "server-error": "the server is in trouble or the connection broke; look at its logs, then run it again",
  timeout: "check that the server answers and is not overloaded, or allow more time",
  unknown: "read what git said and check the repository's address and rights",
};

/** Failures that a further try on the fresh tip can cure, and how patient that is: a race often, trouble briefly. */
export function retriesAllowed(kind: GitFailureKind, cap: number): number {
  if (kind === "lost-race") return cap;
  return kind === "server-error" ? Math.min(cap, 3) : 1;
}

/** What git's output says about why it failed. `timedOut` is the caller's knowledge: git was stopped at its limit. */
export function classifyGitFailure(output: string, timedOut = false): GitFailure {
  if (timedOut) return failure("timeout", "no answer within the time limit");
  const status = refStatus(output);
  if (status !== null) {
    const ruled = match(STATUS_RULES, status);
    if (ruled !== null) return failure(ruled, status);
    const words = remoteWords(output);
    if (PROTECTED.test(words)) return failure("protected", firstLine(words));
    // A hook that checks the old value itself words a lost race in its own lines.
    if (/hook declined/i.test(status) && /cannot lock ref|incorrect old value|is at [0-9a-f]{7,} but expected/i.test(words)) {
      return failure("lost-race", firstLine(words));
    }
    return failure("declined", words === "" ? status : `${status}: ${firstLine(words)}`);
  }
  // Over git:// the reason comes on a line of its own, behind "errno=".
  const said = lines(output.replace(/(unable to connect to \S*?):?\n\S*?\[.*?errno=/i, "$1: "));
  for (const [kind, pattern] of TEXT_RULES) {
    const line = said.find((each) => pattern.test(each));
    if (line !== undefined) return failure(kind, tidy(line));
  }
  return failure("unknown", firstLine(output) || "git failed and said nothing");
}

/** The reason in `! [remote rejected] main -> main (reason)`, with or without `--porcelain`'s tabs. */
function refStatus(output: string): string | null {
  const found = /^[ \t]*!.*?\[(?:remote )?(?:rejected|failure)\](.*)$/m.exec(output);
  if (found === null) return null;
  return /\((.*)\)\s*$/.exec(found[1]!)?.[1] ?? found[1]!.trim();
}

function remoteWords(output: string): string {
  return lines(output)
    .filter((line) => /^remote:/.test(line))
    .map(tidy)
    .filter((line) => line !== "")
    .join("\n");
}

function match(rules: readonly Rule[], text: string): GitFailureKind | null {
  return rules.find(([, pattern]) => pattern.test(text))?.[0] ?? null;
}

function lines(text: string): string[] {
  return text
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("@")); // ssh frames its warnings in these
}

function firstLine(text: string): string {
  return tidy(lines(text)[0] ?? "");
}

function tidy(line: string): string {
  const plain = line
    .replace(/^(remote|fatal|error|ssh|warning): */gi, "")
    .replace(/^(remote|fatal|error): */i, "")
    .replace(/[.:\s]+$/, "");
  return plain.length > 240 ? `${plain.slice(0, 240)}…` : plain;
}

function failure(kind: GitFailureKind, found: string): GitFailure {
  return { kind, found, advice: ADVICE[kind] };
}
