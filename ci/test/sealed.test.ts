import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { renderManifests } from "../../.dagger/src/lib/manifests.ts";
import { releaseFiles } from "../../.dagger/src/lib/release.ts";
import { parseSource } from "../../.dagger/src/lib/release-source.ts";
import { readSealed, sealedOf, withPlaceholders } from "../../.dagger/src/lib/sealed.ts";
import { goldenBase, refusal, release, spec } from "./helpers.ts";

const FILE = "service/api/secrets/dev.yaml";
const enc = (data: string, type = "str") => `ENC[AES256_GCM,data:${data},iv:AAAA,tag:BBBB==,type:${type}]`;
/** As SOPS writes it, shortened. */
const sealed = (entries: Record<string, string> = { TOKEN: enc("abc=") }) => `${Object.entries(entries).map(([name, value]) => `${name}: ${value}`).join("\n")}
sops:
    age:
        - recipient: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
          enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            YWdl
            -----END AGE ENCRYPTED FILE-----
    lastmodified: "2026-11-22T02:00:00Z"
    mac: ${enc("mac")}
    version: 3.11.0
`;

describe("an encrypted file", () => {
  test("tells the names of its entries, and nothing else", () => {
    expect(readSealed(sealed({ TOKEN: enc("a"), DATABASE_URL: enc("b") }), FILE)).toEqual(["TOKEN", "DATABASE_URL"]);
  });

  test.each([
    ["a value that is not encrypted", sealed({ TOKEN: "hunter2" }), /dev\.yaml: TOKEN: not an encrypted text; encrypt the file before you commit it/],
    ["a number, which no variable is", sealed({ TOKEN: enc("a", "int") }), /TOKEN: not an encrypted text/],
    ["a mapping in a mapping", sealed({ TOKEN: `{a: "${enc("a")}"}` }), /TOKEN: not an encrypted text/],
    ["a plain Secret", "apiVersion: v1\nkind: Secret\nmetadata: {name: api}\nstringData: {TOKEN: hunter2}\n", /kind: not an encrypted text[^]*sops: no metadata of SOPS/],
    ["an encrypted Secret, which Argo CD would take for one", sealed({ apiVersion: "v1", kind: "Secret" }), /apiVersion: not an encrypted text/],
    ["no metadata", `TOKEN: ${enc("a")}\n`, /sops: no metadata of SOPS; encrypt the file with sops/],
    ["nobody who can read it", sealed().replace(/ {4}age:[^]*? {4}last/, "    last"), /sops\.age: no recipient/],
    ["a name that is no variable", sealed({ "a-b": enc("a") }), /"a-b" cannot be a variable/],
    ["a name of the platform's", sealed({ PORT: enc("a") }), /PORT: set by the platform/],
    ["no entry", sealed({}).trimStart(), /no entry; remove the file, or add one/],
    ["no mapping", "- a\n", /not a mapping of names to values/],
  ])("is refused: %s", (_, text, sentence) => {
    const said = refusal(() => readSealed(text, FILE));
    expect(said).toMatch(sentence);
    expect(said).not.toContain("hunter2");
  });

  test("belongs to an environment", () => {
    expect(Object.keys(sealedOf({ "dev.yaml": sealed(), "prod.yaml": sealed() }, "service/api/secrets"))).toEqual(["dev", "prod"]);
    expect(refusal(() => sealedOf({ "test.yaml": sealed() }, "service/api/secrets"))).toBe("service/api/secrets/test.yaml: no environment's secrets; use dev.yaml, stage.yaml or prod.yaml");
  });
});

describe("a release with secrets", () => {
  const files = releaseFiles(spec(), release(), goldenBase(), { dev: sealed(), stage: sealed({ TOKEN: enc("stage") }) });

  test("carries the file as it was encrypted, and the next environments' beside it", () => {
    expect(files["env/dev/api/manifests/secret.sops.yaml"]).toBe(sealed());
    const source = parseSource(files["env/dev/api/source.yaml"]!, "env/dev/api/source.yaml");
    expect(source.sealed).toEqual({ dev: sealed(), stage: sealed({ TOKEN: enc("stage") }) });
    const promoted = releaseFiles(source.spec, release({ env: "stage" }), source.base, source.sealed);
    expect(promoted["env/stage/api/manifests/secret.sops.yaml"]).toBe(sealed({ TOKEN: enc("stage") }));
    expect(refusal(() => releaseFiles(source.spec, release({ env: "prod" }), source.base, source.sealed))).toBe(
      "rendering api for prod: it has secrets for dev and stage and none for prod; add secrets/prod.yaml to its folder",
    );
  });

  test("gives them to the process as its environment, and starts new pods for a new file", () => {
    const pod = (text: string) => (parse(text) as { spec: { template: { metadata: { annotations: Record<string, string> }; spec: { containers: { envFrom?: unknown }[] } } } }).spec.template;
    const deployment = pod(files["env/dev/api/manifests/deployment.yaml"]!);
    expect(deployment.spec.containers[0]!.envFrom).toEqual([{ secretRef: { name: "api" } }]);
    const other = pod(releaseFiles(spec(), release(), goldenBase(), { dev: sealed({ TOKEN: enc("new") }) })["env/dev/api/manifests/deployment.yaml"]!);
    expect(other.metadata.annotations["golden-path/secrets"]).not.toBe(deployment.metadata.annotations["golden-path/secrets"]);
  });

  test("one without stays byte for byte what it was", () => {
    const plain = releaseFiles(spec(), release(), goldenBase());
    expect(plain).toEqual(releaseFiles(spec(), release(), goldenBase(), {}));
    expect(JSON.stringify(plain)).not.toContain("envFrom");
    expect(plain["env/dev/api/source.yaml"]).not.toContain("secrets:");
  });

  test("is proven with placeholders of the same names", () => {
    const proven = withPlaceholders(files);
    expect(Object.keys(proven)).not.toContain("env/dev/api/manifests/secret.sops.yaml");
    expect(parse(proven["env/dev/api/manifests/secret.yaml"]!)).toEqual({
      apiVersion: "v1", kind: "Secret", metadata: { name: "api", namespace: "dev" }, stringData: { TOKEN: "placeholder" },
    });
    expect(proven["env/dev/api/manifests/deployment.yaml"]).toBe(files["env/dev/api/manifests/deployment.yaml"]);
  });
});

test("a plain Secret in the golden base is refused", () => {
  const base = { ...goldenBase(), "secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: service}\nstringData: {a: b}\n" };
  expect(refusal(() => renderManifests(spec(), { ...release() }, base))).toMatch(/k8s\/base holds a Secret, and what is in Git is read by everyone/);
});
