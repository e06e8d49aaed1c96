/** Texts that are credentials and hardly anything else. Few, so that a hit is worth a stop. */
export const SECRET_PATTERNS: { id: string; pattern: RegExp }[] = [
  { id: "private-key", pattern: /-----BEGIN (?:RSA |EC |DSA |OPENSSH |PGP )?PRIVATE KEY(?: BLOCK)?-----\s+[A-Za-z0-9+/=\s:,-]{64}/ },
  { id: "sigstore-private-key", pattern: /-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----\s+[A-Za-z0-9+/=]{64}/ },
  { id: "age-secret-key", pattern: /\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b/ },
  { id: "aws-access-key", pattern: /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/ },
  { id: "github-token", pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{82})\b/ },
  { id: "gitlab-token", pattern: /\bgl(?:pat|dt|rt)-[A-Za-z0-9_-]{20,}\b/ },
  { id: "slack-token", pattern: /\bxox[abprs]-[0-9]{8,}-[A-Za-z0-9-]{10,}\b/ },
  { id: "npm-token", pattern: /\bnpm_[A-Za-z0-9]{36}\b/ },
  { id: "pypi-token", pattern: /\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}/ },
  { id: "google-api-key", pattern: /\bAIza[0-9A-Za-z_-]{35}\b/ },
  { id: "stripe-key", pattern: /\b[rs]k_live_[0-9a-zA-Z]{24,}\b/ },
  { id: "password-in-url", pattern: /\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/'"<>${}]{1,64}:(?!password\b|token\b|secret\b|pass\b|\*+@)[^\s:@/'"<>${}]{8,}@[a-z0-9][a-z0-9.-]+\.[a-z]{2,}/i },
];

export interface SecretHit {
  id: string;
  file: string;
  line: number;
}

/** The first hit of each pattern in a text. Never the text itself: a report must not carry what it warns of. */
export function secretsIn(text: string, file: string): SecretHit[] {
  return SECRET_PATTERNS.flatMap(({ id, pattern }) => {
    const match = pattern.exec(text);
    return match === null ? [] : [{ id, file, line: text.slice(0, match.index).split("\n").length }];
  });
}
