import { createHash } from "node:crypto";
import { isMap, isScalar, isSeq, parseDocument } from "yaml";
import type { YAMLMap } from "yaml";
import { ENVIRONMENTS, type Environment } from "./environments.ts";
import { UserError, listOf } from "./errors.ts";

/** Files of secrets that SOPS has encrypted: `service/<name>/secrets/<env>.yaml`. Nothing here can decrypt one. Pure. */

/** Encrypted files by environment, as they are committed. */
export type Sealed = Partial<Record<Environment, string>>;

/** The file of a release; a cluster that cannot decrypt it finds no kind in it, and refuses it. */
export const SEALED_FILE = "secret.sops.yaml";
/** Says which file a pod's secrets came from: another one starts new pods. */
export const SEALED_ANNOTATION = "golden-path/secrets";
/** What a proof has in place of what it cannot read. */
export const PLACEHOLDER_VALUE = "placeholder";

const VALUE = /^ENC\[AES256_GCM,data:[^,]+,iv:[^,]+,tag:[^,]+,type:str\]$/;
const ENTRY = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Set by the platform in every container. */
const RESERVED = ["PORT", "VERSION", "SOURCE_REVISION", "BUILD_TIME"];

/** Checks an encrypted file and returns the names of its entries; each problem is said at once, and no value is. */
export function readSealed(text: string, file: string): string[] {
  const document = parseDocument(text);
  if (document.errors.length > 0 || !isMap(document.contents)) {
    throw new UserError(`${file}: not a mapping of names to values; write one, and encrypt it: sops encrypt -i ${file}`);
  }
  const root = document.contents as YAMLMap;
  const problems: string[] = [];
  const names: string[] = [];
  for (const { key, value } of root.items) {
    const name = isScalar(key) ? String(key.value) : "";
    if (name === "sops") continue;
    if (!ENTRY.test(name)) problems.push(`"${name}" cannot be a variable; use letters, digits and underscores`);
    else if (RESERVED.includes(name)) problems.push(`${name}: set by the platform; leave it out`);
    else if (!isScalar(value) || typeof value.value !== "string" || !VALUE.test(value.value)) {
      problems.push(`${name}: not an encrypted text; encrypt the file before you commit it (sops encrypt -i ${file}), and take a value that was committed plainly out of use`);
    } else names.push(name);
  }
  const recipients = root.getIn(["sops", "age"], true);
  if (!isMap(root.get("sops", true)) || !VALUE.test(String(root.getIn(["sops", "mac"])))) problems.push("sops: no metadata of SOPS; encrypt the file with sops");
  else if (!isSeq(recipients) || recipients.items.length === 0) problems.push("sops.age: no recipient; encrypt the file for an age key (sops encrypt --age age1…)");
  if (problems.length === 0 && names.length === 0) problems.push("no entry; remove the file, or add one");
  if (problems.length > 0) throw new UserError(problems.map((problem) => `${file}: ${problem}`).join("\n"));
  return names;
}

/** The files of a `secrets` folder, by environment. */
export function sealedOf(files: Record<string, string>, folder: string): Sealed {
  const sealed: Sealed = {};
  for (const [name, text] of Object.entries(files)) {
    const env = ENVIRONMENTS.find((one) => name === `${one}.yaml`);
    if (env === undefined) throw new UserError(`${folder}/${name}: no environment's secrets; use ${listOf(ENVIRONMENTS.map((one) => `${one}.yaml`), "or")}`);
    readSealed(text, `${folder}/${name}`);
    sealed[env] = text;
  }
  return sealed;
}

/** What an environment's release carries; undefined where the service has no secrets at all. */
export function sealedFor(sealed: Sealed, env: Environment, service: string): string | undefined {
  const there = ENVIRONMENTS.filter((one) => sealed[one] !== undefined);
  if (there.length > 0 && sealed[env] === undefined) {
    throw new UserError(`rendering ${service} for ${env}: it has secrets for ${listOf(there, "and")} and none for ${env}; add secrets/${env}.yaml to its folder`);
  }
  return sealed[env];
}

export function sealedDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A Secret of the same entries, for a proof: whoever builds and proves a release holds no key to its secrets. */
export function placeholderSecret(sealed: string, service: string, env: string): string {
  const names = readSealed(sealed, SEALED_FILE);
  const lines = ["apiVersion: v1", "kind: Secret", "metadata:", `  name: ${service}`, `  namespace: ${env}`, "stringData:"];
  return `${[...lines, ...names.map((name) => `  ${name}: ${PLACEHOLDER_VALUE}`)].join("\n")}\n`;
}

/** A tree as a proof gets it: a placeholder in the place of each encrypted file. */
export function withPlaceholders(tree: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(tree).map(([path, text]) => {
    const [, env, service] = new RegExp(`^env/([^/]+)/([^/]+)/manifests/${SEALED_FILE.replaceAll(".", "\\.")}$`).exec(path) ?? [];
    if (env === undefined || service === undefined) return [path, text];
    return [path.replace(SEALED_FILE, "secret.yaml"), placeholderSecret(text, service, env)];
  }));
}
