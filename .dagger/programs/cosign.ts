/** Runs cosign and skopeo: limits, passwords by stdin, and what is switched off. */
import { spawn } from "node:child_process";
import { lookup } from "node:dns/promises";
import { readFile, writeFile } from "node:fs/promises";
import { explainKeyless } from "../src/lib/keyless.ts";
import { type ImagePlace, type KeyFiles, type Refusal, REFUSALS, type RefusedResult, type Trust } from "../src/lib/signing.ts";

const LIMIT_MS = 120_000;

/** An image that is not what it should be; the message is the whole sentence. */
export class Refused extends Error {
  readonly kind: Refusal;

  constructor(kind: Refusal, sentence: string) {
    super(sentence);
    this.kind = kind;
  }
}

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Given on stdin: never an argument, never in the environment. */
  stdin?: string;
  env?: Record<string, string>;
}

/** Runs a command to its end; a command that cannot be run or takes too long refuses. */
export async function command(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...options.env }, timeout: LIMIT_MS });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  // One that ends without reading is no error of its own.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.stdin ?? "");
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => resolve(status ?? (signal === null ? 1 : 124)));
  });
  if (code === 124) throw new Refused("unknown", `running ${program} ${args[0] ?? ""}: it did not end within ${LIMIT_MS / 1000} s; check that the registry can be reached (and Sigstore, without a key), and run again`);
  return { code, stdout, stderr };
}

/** With a key nothing but the registry is asked: a variable that names a root keeps cosign from TUF. */
const NO_TUF = { SIGSTORE_REKOR_PUBLIC_KEY: "/dev/null", COSIGN_EXPERIMENTAL: "0" };

export async function cosign(place: ImagePlace, args: readonly string[], options: RunOptions & { keyless?: boolean } = {}): Promise<Ended> {
  const [verb = "", ...rest] = args;
  const registry = place.http ? ["--allow-http-registry"] : [];
  const env = options.keyless === true ? {} : NO_TUF;
  return await command("cosign", [verb, ...(verb === "download" ? [rest[0]!, ...registry, ...rest.slice(1)] : [...registry, ...rest])], {
    ...options, env: { ...env, ...options.env },
  });
}

/**
 * A registry without TLS under its address in place of its name: where cosign verifies, it keeps to https for names
 * although it was allowed http, and takes http for private addresses by itself.
 */
export async function byAddress<Place extends ImagePlace>(place: Place): Promise<Place> {
  if (!place.http) return place;
  const [, host = "", rest = ""] = /^([^:/]+)(.*)$/.exec(place.repository) ?? [];
  const found = await lookup(host, 4).catch(() => undefined);
  return found === undefined ? place : { ...place, repository: `${found.address}${rest}` };
}

/** Writes the public half of a signing key to a file; returns its text. */
export async function publicHalf({ keyFile, passwordFile }: KeyFiles, to: string, doing: string): Promise<string> {
  const half = await command("cosign", ["public-key", "--key", keyFile], { stdin: await passwordIn(passwordFile) });
  if (half.code !== 0) {
    throw new Refused("unknown", `${doing}: the signing key cannot be read (${lastLine(half.stderr)}); give a key that cosign made, and its password`);
  }
  await writeFile(to, half.stdout);
  return half.stdout.trim();
}

/** A key without a password is one with an empty password. */
export async function passwordIn(file: string): Promise<string> {
  return (await readFile(file, "utf8").catch(() => "")).replace(/\r?\n$/, "");
}

/** What says to cosign whose signature counts. */
export function trustArguments(trust: Trust): string[] {
  return "publicKey" in trust
    ? ["--key", trust.publicKey, "--insecure-ignore-tlog=true"]
    : ["--certificate-identity", trust.identity, "--certificate-oidc-issuer", trust.issuer];
}

const TRANSPORT = /UNAUTHORIZED|DENIED|401|403|connection refused|no such host|i\/o timeout|dial tcp|server gave HTTP|50[0-9] /i;

/** A registry that does not answer must not look like an unsigned image, nor must who is asked without a key look like the registry. */
export function ensureAnswered(ended: Ended, doing: string, keyless?: "sign" | "verify"): void {
  const party = ended.code !== 0 && keyless !== undefined ? explainKeyless(lastLine(ended.stderr), keyless) : undefined;
  if (party !== undefined) throw new Refused("unknown", `${doing}: ${party}`);
  if (ended.code !== 0 && TRANSPORT.test(ended.stderr)) {
    throw new Refused("unknown", `${doing}: the registry does not answer as it should (${lastLine(ended.stderr)}); check its address and credentials`);
  }
}

export function lastLine(text: string): string {
  const lines = text.trim().split("\n").filter((line) => line.trim() !== "");
  return (lines.filter((line) => !/^(main\.go|WARNING)/.test(line)).at(-1) ?? "it said nothing").replace(/^(Error|error during command execution): /, "");
}

export function lines(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

/** Asks the registry for its tags; skopeo speaks every registry's way of logging in. */
export async function listTags(place: ImagePlace): Promise<string[]> {
  const ended = await command("skopeo", ["list-tags", "--retry-times", "2", `--tls-verify=${place.http ? "false" : "true"}`, `docker://${place.repository}`]);
  if (ended.code !== 0) {
    throw new Refused("unknown", `listing the tags of ${place.name}: the registry does not answer as it should (${lastLine(ended.stderr)}); check its address and credentials`);
  }
  return (JSON.parse(ended.stdout) as { Tags?: string[] }).Tags ?? [];
}

/** What a tag points to now; undefined when the registry has no such tag. */
export async function resolveTag(place: ImagePlace, tag: string): Promise<string | undefined> {
  const ended = await command("skopeo", [
    "inspect", "--no-tags", "--retry-times", "2", `--tls-verify=${place.http ? "false" : "true"}`, "--format", "{{.Digest}}", `docker://${place.repository}:${tag}`,
  ]);
  if (ended.code === 0) return ended.stdout.trim();
  if (/manifest unknown|not found|404/i.test(ended.stderr)) return undefined;
  throw new Refused("unknown", `reading ${place.name}:${tag}: the registry does not answer as it should (${lastLine(ended.stderr)}); check its address and credentials`);
}

/** Runs a program whose refusals are part of its answer. */
export async function answering(main: (file: string) => Promise<unknown>): Promise<void> {
  try {
    process.stdout.write(`${JSON.stringify(await main(process.argv[2] ?? ""), null, 2)}\n`);
  } catch (error) {
    const refused = error instanceof Refused ? error : new Refused("unknown", `verifying: ${error instanceof Error ? error.message : String(error)}; this is a defect, please report it`);
    const result: RefusedResult = { refused: { kind: refused.kind, sentence: refused.message } };
    process.stdout.write(`${JSON.stringify(result)}\n`);
    process.stderr.write(`${refused.message}\n`);
    process.exitCode = REFUSALS[refused.kind];
  }
}
