import { Document } from "yaml";
import type { Tree } from "./edits.ts";
import { ENVIRONMENTS, type Environment } from "./environments.ts";
import { UserError } from "./errors.ts";
import { DIGEST } from "./image-reference.ts";
import { Fields } from "./yaml-fields.ts";

/** A digest that must not come (back) into an environment, nor into a later one, until the hold is lifted. */
export interface Hold {
  service: string;
  env: Environment;
  digest: string;
  version: string;
  reason: string;
  by: string;
  run: string;
  at: string;
}

const API = "golden-path/v1";
const FIELDS = ["apiVersion", "kind", "service", "env", "digest", "version", "reason", "by", "run", "at"] as const;

/** One file a hold, so that holds never meet in one file. Outside `env/`: a release owns its folder there wholly. */
export function holdPath({ env, service, digest }: Pick<Hold, "env" | "service" | "digest">): string {
  return `holds/${env}/${service}/${digest.replace("sha256:", "")}.yaml`;
}

export function renderHold(hold: Hold): string {
  const { service, env, digest, version, reason, by, run, at } = hold;
  const line = (text: string): string => text.replace(/\s+/g, " ").trim();
  const record = { apiVersion: API, kind: "Hold", service, env, digest, version, reason: line(reason), by: line(by), run, at };
  const text = new Document(record, { compat: "yaml-1.1" }).toString({ lineWidth: 0 });
  parseHold(text, holdPath(hold));
  return text;
}

/** Reads and checks one hold: one that cannot be read stops every writer, since nobody knows what it holds. */
export function parseHold(text: string, file: string): Hold {
  const fields = new Fields(text, file, { withLines: true });
  fields.onlyKnown(FIELDS);
  const found: Record<string, string> = {};
  for (const field of FIELDS) {
    if (!fields.required(field, `${field}: …`)) continue;
    const value = fields.text(field);
    if (value === "") fields.problem(field, "it is empty; fill it in, or lift the hold");
    found[field] = value ?? "";
  }
  const expect = (field: string, holds: boolean, advice: string): void => {
    if (found[field] !== undefined && !holds) fields.problem(field, `"${found[field]}" is not right; ${advice}`);
  };
  expect("apiVersion", found.apiVersion === API, `use ${API}`);
  expect("kind", found.kind === "Hold", "use Hold");
  expect("env", (ENVIRONMENTS as readonly string[]).includes(found.env ?? ""), `use ${ENVIRONMENTS.join(", ")}`);
  expect("digest", DIGEST.test(found.digest ?? ""), "use sha256: and 64 hex digits");
  expect("at", !Number.isNaN(Date.parse(found.at ?? "")), "use a UTC time as in 2026-11-22T02:00:00Z");
  fields.finish();
  // `finish` has thrown unless every field had a value.
  const { service, env, digest, version, reason, by, run, at } = found as unknown as Hold;
  const hold: Hold = { service, env, digest, version, reason, by, run, at };
  const place = holdPath(hold);
  if (place !== file) throw new UserError(`${file}: it holds ${hold.service} in ${hold.env}, whose place is ${place}; move it there, or lift it`);
  return hold;
}

/** Every hold of the tree, in the order of its paths. */
export function holdsIn(tree: Tree): Hold[] {
  return Object.keys(tree).filter((path) => /^holds\/.+\.ya?ml$/.test(path)).sort().map((path) => parseHold(tree[path]!, path));
}

/** The hold that keeps this digest out: one of the environment itself, or of one before it, where it was found bad. */
export function holdOn(holds: readonly Hold[], wanted: { env: Environment; service: string; digest: string }): Hold | undefined {
  const upTo = ENVIRONMENTS.slice(0, ENVIRONMENTS.indexOf(wanted.env) + 1);
  return holds.find((hold) => hold.service === wanted.service && hold.digest === wanted.digest && upTo.includes(hold.env));
}

/** The sentence for whoever wants to write it all the same. */
export function heldSentence(hold: Hold): string {
  return `${hold.service} ${hold.version} is held in ${hold.env} since ${hold.at} by ${hold.by} (${hold.reason}); ` +
    `release a corrected version, or lift the hold: dagger call lift --env ${hold.env} --service ${hold.service} --release ${hold.version} --reason "…"`;
}
