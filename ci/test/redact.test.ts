import { describe, expect, test } from "vitest";
import { redact, redacted } from "../../.dagger/src/lib/redact.ts";
import { reportFiles } from "../../.dagger/src/lib/report-files.ts";
import { EVIDENCE, FAILED, GOOD, VERDICT } from "./report-fixtures.ts";

/** None of these was ever valid. They are put together here, so that no scanner takes this file for a leak. */
const made = (prefix: string, length: number): string => prefix + "aB3".repeat(length).slice(0, length);
const key = ["-----BEGIN OPENSSH PRIVATE", "KEY-----\n", made("", 70), "\n-----END OPENSSH PRIVATE", "KEY-----"].join(" ").replace("\n ", "\n");
const jwt = `${made("eyJ", 20)}.${made("eyJ", 40)}.${made("", 40)}`;
const SECRETS: [text: string, secret: string][] = [
  ["fetching https://robot:hunter2@git.example.com/x.git failed", "hunter2"],
  ["fetching https://tok3nvalue@git.example.com/x.git failed", "tok3nvalue"],
  ["postgres://app:s3cret@db:5432/app is not there", "s3cret"],
  [`Authorization: Bearer ${jwt}`, jwt],
  ["authorization: Basic cm9ib3Q6aHVudGVyMg==", "cm9ib3Q6aHVudGVyMg=="],
  [`token ${jwt} is old`, jwt],
  [`a ${made("ghp_", 36)} b`, made("ghp_", 36)],
  [`'${made("glpat-", 20)}'`, made("glpat-", 20)],
  [made("npm_", 36), made("npm_", 36)],
  ["AKIA" + "ABCDEFGHIJKLMNOP", "ABCDEFGHIJKLMNOP"],
  [`{"auths":{"r":{"auth":"cm9ib3Q6aHVudGVyMg=="}}}`, "cm9ib3Q6aHVudGVyMg=="],
  ["//registry.example.com/:_authToken=abc123def", "abc123def"],
  ["DB_PASSWORD=hunter2 PORT=8080", "hunter2"],
  ["password: hunter2", "hunter2"],
  [`"client_secret": "hunter2"`, "hunter2"],
  [`?access_token=hunter2&x=1`, "hunter2"],
  [`before\n${key}\nafter`, made("", 70)],
  [key.slice(0, 80), made("", 40)],
];

describe("what looks like a secret", () => {
  test.each(SECRETS)("is hidden in %j", (text, secret) => {
    expect(text).toContain(secret);
    expect(redact(text)).not.toContain(secret);
    expect(redact(text)).toContain("***");
    expect(redact(redact(text))).toBe(redact(text));
  });

  test("leaves what stands around it", () => {
    expect(redact("DB_PASSWORD=hunter2 PORT=8080")).toBe("DB_PASSWORD=*** PORT=8080");
    expect(redact(`before\n${key}\nafter`)).toMatch(/^before\n.*\nafter$/);
    expect(redact("fetching https://robot:hunter2@git.example.com/x.git failed")).toBe("fetching https://***@git.example.com/x.git failed");
  });

  test("is not what only sounds like one", () => {
    for (const text of [
      "https://registry.npmjs.org/@types/node/-/node-20.tgz", "ssh://git@git.example.com/x.git", "git@git.example.com:x.git",
      `registry.golden-path.internal/api@sha256:${"a".repeat(64)}`, "http://127.0.0.1:8080/health", "automountServiceAccountToken: false",
      "error: the token is not valid", "SyntaxError: unexpected token ':' in line 3", "expected token == other", "2 secrets", "docs: secret: none",
    ]) expect(redact(text)).toBe(text);
  });

  test("does not come into any form of a report, wherever it stands in the run", () => {
    const planted = SECRETS.map(([text]) => text).join("\n");
    const stages = FAILED.stages.map((stage) => ({ ...stage, detail: `${stage.detail}\n${planted}` }));
    const changes = GOOD.changes.map((change) => ({
      ...change,
      commits: change.commits.map((commit) => ({ ...commit, subject: planted })),
      files: change.files.map((file) => ({ ...file, diff: planted })),
    }));
    const files = EVIDENCE.map((file) => (file.text === undefined ? file : { ...file, text: planted }));
    for (const [name, text] of Object.entries(reportFiles({ ...FAILED, stages, changes }, VERDICT, files))) {
      for (const [, secret] of SECRETS) expect(text.includes(secret), `${secret} in ${name}`).toBe(false);
    }
  });

  test("is searched at any depth, and nothing else is touched", () => {
    expect(redacted({ a: [{ b: "DB_PASSWORD=x1", c: 3, d: undefined, e: null, f: true }] })).toEqual({ a: [{ b: "DB_PASSWORD=***", c: 3, d: undefined, e: null, f: true }] });
    expect(redacted(GOOD)).toEqual(GOOD);
    expect(redacted(FAILED)).toEqual(FAILED);
  });
});
