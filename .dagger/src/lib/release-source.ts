import { Document, Scalar, isMap, parseDocument } from "yaml";
import { ENVIRONMENTS } from "./environments.ts";
import { UserError } from "./errors.ts";
import type { ManifestFiles } from "./manifests.ts";
import { type Sealed, sealedOf } from "./sealed.ts";
import { type ServiceSpec, parseServiceSpec } from "./service-spec.ts";
import { Fields } from "./yaml-fields.ts";

/**
 * What a release's manifests were rendered from. It is kept beside them, so that the next environment's are rendered
 * from the very same, without a checkout and whatever the base has become meanwhile.
 */
export interface ReleaseSource {
  spec: ServiceSpec;
  /** The golden base, file by file. */
  base: ManifestFiles;
  /** The service's encrypted secrets, of every environment: the next one's go with the release that is promoted to it. */
  sealed?: Sealed;
}

const API = "golden-path/v1";

/** Writes `source.yaml`: the same source gives the same bytes. */
export function renderSource(source: ReleaseSource, file: string): string {
  const base = Object.fromEntries(
    Object.keys(source.base).filter((name) => /\.ya?ml$/.test(name)).sort().map((name) => [name, literal(source.base[name]!)]),
  );
  const sealed = Object.fromEntries(ENVIRONMENTS.flatMap((env) => (source.sealed?.[env] === undefined ? [] : [[env, literal(source.sealed[env])]])));
  // One without secrets stays byte for byte what it was.
  const record = { apiVersion: API, kind: "ReleaseSource", spec: source.spec, base, ...(Object.keys(sealed).length > 0 ? { secrets: sealed } : {}) };
  const text = new Document(record, { compat: "yaml-1.1" }).toString({ lineWidth: 0 });
  // What could not be read back must not be written either.
  parseSource(text, file);
  return text;
}

/** Reads and checks `env/<env>/<service>/source.yaml`. */
export function parseSource(text: string, file: string): ReleaseSource {
  const fields = new Fields(text, file, { withLines: true });
  fields.onlyKnown(["apiVersion", "kind", "spec", "base", "secrets"]);
  if (fields.required("apiVersion", `apiVersion: ${API}`) && fields.text("apiVersion") !== API) fields.problem("apiVersion", `use ${API}`);
  if (fields.required("kind", "kind: ReleaseSource") && fields.text("kind") !== "ReleaseSource") fields.problem("kind", "use ReleaseSource");
  if (fields.required("spec", "spec: …")) fields.keys("spec");
  if (fields.required("base", "base: …")) fields.keys("base");
  if (fields.has("secrets")) fields.keys("secrets");
  fields.finish();
  const document = parseDocument(text);
  const texts = (field: string): Record<string, string> => {
    const folder = document.get(field);
    const files: Record<string, string> = {};
    for (const pair of isMap(folder) ? folder.items : []) {
      const [name, value] = [String((pair.key as Scalar).value), (pair.value as Scalar | null)?.value];
      if (typeof value !== "string") throw new UserError(`${file}: ${field}: ${name} is not text; promote again instead of editing it`);
      files[name] = value;
    }
    return files;
  };
  const sealed = Object.fromEntries(Object.entries(texts("secrets")).map(([env, text]) => [`${env}.yaml`, text]));
  // The folder's name is checked against the service's, as in the service's own checkout.
  const spec = parseServiceSpec(new Document(document.get("spec")).toString({ lineWidth: 0 }), file);
  return { spec, base: texts("base"), sealed: sealedOf(sealed, `${file}: secrets`) };
}

/** As lines rather than one long quoted value: a change of the base is then a readable diff. */
function literal(text: string): Scalar {
  const scalar = new Scalar(text);
  scalar.type = Scalar.BLOCK_LITERAL;
  return scalar;
}
