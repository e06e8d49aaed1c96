import { describe, expect, test } from "vitest";
import { checkSource, explainAttestations, explainSignatures, lasting, parseEnvelope, parsePayload, type Statement } from "../../.dagger/src/lib/attestation.ts";
import { parseLock } from "../../.dagger/src/lib/lock.ts";
import { explainKeyless } from "../../.dagger/src/lib/keyless.ts";
import { debianMaterials, imageMaterial, originOf, provenance } from "../../.dagger/src/lib/provenance.ts";
import { PREDICATES, REFUSALS, tagOf } from "../../.dagger/src/lib/signing.ts";
import { DIGEST_A, DIGEST_B, REVISION } from "./helpers.ts";

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64");
const payload = (digest: string, optional: Record<string, string> | null = null): string =>
  JSON.stringify({ Base64Signature: "MEUC", Payload: base64({ critical: { image: { "docker-manifest-digest": digest } }, optional }) });
const envelope = (type: string, digest: string, predicate: unknown = {}): string =>
  JSON.stringify({ payloadType: "application/vnd.in-toto+json", payload: base64({ predicateType: type, subject: [{ name: "x", digest: { sha256: digest.slice(7) } }], predicate }), signatures: [] });
const facts = {
  service: "api", language: "python", folder: "service/api", sourceRevision: REVISION, sourceUri: "git+https://git.example/team/api.git",
  materials: [], recipe: [], runId: "20261122-031500-ab12", startedOn: "2026-11-22T03:15:00Z",
};

describe("what is wrong with a signature", () => {
  const signed = (digest: string) => [parsePayload(payload(digest))!];
  test("none at all", () => expect(explainSignatures(DIGEST_A, [])).toMatchObject({ kind: "unsigned" }));
  test("of another digest", () => {
    const problem = explainSignatures(DIGEST_A, signed(DIGEST_B));
    expect(problem).toMatchObject({ kind: "another-digest" });
    expect(problem.found).toContain(DIGEST_B);
  });
  test("of this digest, but refused: another key", () => expect(explainSignatures(DIGEST_A, signed(DIGEST_A))).toMatchObject({ kind: "another-key" }));
  test("a line that is no signature is none", () => expect(parsePayload("nothing")).toBeUndefined());
  test("annotations are read", () => expect(parsePayload(payload(DIGEST_A, { a: "b" }))).toEqual({ digest: DIGEST_A, annotations: { a: "b" } }));
});

describe("what is wrong with an attestation", () => {
  const present = (name: keyof typeof PREDICATES, digest: string): Statement[] => [parseEnvelope(envelope(PREDICATES[name].type, digest))!];
  test.each(["provenance", "cyclonedx", "spdx"] as const)("%s missing", (name) => {
    const other = name === "spdx" ? "cyclonedx" : "spdx";
    expect(explainAttestations(name, DIGEST_A, present(other, DIGEST_A))).toMatchObject({ kind: "attestation-missing" });
  });
  test("a bill of materials of another digest", () => {
    const problem = explainAttestations("cyclonedx", DIGEST_A, present("cyclonedx", DIGEST_B));
    expect(problem).toMatchObject({ kind: "sbom-of-another-digest" });
    expect(problem.found).toContain(DIGEST_B);
  });
  test("a provenance of another digest", () =>
    expect(explainAttestations("provenance", DIGEST_A, present("provenance", DIGEST_B))).toMatchObject({ kind: "provenance-of-another-digest" }));
  test("signed by somebody else", () =>
    expect(explainAttestations("spdx", DIGEST_A, present("spdx", DIGEST_A))).toMatchObject({ kind: "another-key" }));
});

describe("who did not answer when something is signed without a key", () => {
  // As cosign 2.6.5 said it.
  const signing = `signing [registry.example/fulcio/api@${DIGEST_A}]: signing digest: getting Fulcio signer: getting key from Fulcio: retrieving cert: `;
  const explain = (line: string): string | undefined => explainKeyless(line, "sign");
  const lookup = (host: string): string => `dial tcp: lookup ${host} on 10.0.0.53:53: no such host`;
  test("Fulcio", () => {
    const said = explain(`${signing}client: Post "https://fulcio.sigstore.dev/api/v1/signingCert": ${lookup("fulcio.sigstore.dev")}`);
    expect(said).toMatch(/^Fulcio, .* was asked at https:\/\/fulcio\.sigstore\.dev and does not answer \(dial tcp: .*no such host\); let the engine reach fulcio\.sigstore\.dev, or sign and verify with a key \(--signing-key/);
  });
  test("the trust root, although Rekor is named", () => {
    const said = explain(`getting Rekor public keys: updating local metadata and targets: error updating to TUF remote mirror: tuf: failed to download 13.root.json: Get "https://tuf-repo-cdn.sigstore.dev/13.root.json": ${lookup("tuf-repo-cdn.sigstore.dev")}`);
    expect(said).toMatch(/^the trust root of Sigstore \(TUF\), .* was asked at https:\/\/tuf-repo-cdn\.sigstore\.dev and does not answer/);
  });
  test("Rekor", () =>
    expect(explain(`signing [x@${DIGEST_A}]: uploading to tlog: Post "https://rekor.sigstore.dev/api/v1/log/entries": context deadline exceeded`)).toMatch(/^Rekor, .* does not answer/));
  test.each(["go-jose/go-jose: compact JWS format must have three parts", "not verified by identity provider"])("a token that is not taken: %s", (why) =>
    expect(explain(`${signing}${why}`)).toMatch(/^Fulcio, .* did not take the identity token \(.*(three parts|identity provider)\); give a fresh OIDC token/));
  test("what is verified may name them, and is no answer that is missing", () => {
    expect(explainKeyless("none of the expected identities matched what was in the certificate, got subjects [a@rekor.example]", "verify")).toBeUndefined();
    expect(explainKeyless('rekor log public key not found for payload. Check your TUF root (see cosign initialize)', "verify")).toBeUndefined();
    expect(explainKeyless(`getting Rekor public keys: Get "https://tuf.example/root.json": ${lookup("tuf.example")}`, "verify")).toMatch(/does not answer/);
    expect(explain('Fulcio: Get "https://[bad": dial tcp: no such host')).toMatch(/^Fulcio, .* does not answer/);
  });
  test("the registry is nobody of them, whatever the image is called", () =>
    expect(explain(`signing [registry.example/rekor@${DIGEST_A}]: accessing image: Get "https://registry.example/v2/": dial tcp 192.0.2.1:443: connect: connection refused`)).toBeUndefined());
});

describe("provenance", () => {
  const predicate = provenance(facts);
  test("of the expected source passes", () =>
    expect(checkSource(predicate, { service: "api", sourceRevision: REVISION, sourceUri: facts.sourceUri })).toBeUndefined());
  test.each([
    ["another service", { service: "web" }],
    ["another commit", { sourceRevision: "f".repeat(40) }],
    ["another repository", { sourceUri: "git+https://git.example/other.git" }],
  ])("of %s is refused", (_, expected) => expect(checkSource(predicate, expected)).toMatchObject({ kind: "provenance-of-another-source" }));
  test("an empty one is refused", () => expect(checkSource({}, { sourceRevision: REVISION })).toMatchObject({ kind: "provenance-of-another-source" }));
  test("its definition depends on the source alone", () => {
    const again = provenance({ ...facts, runId: "20261123-000000-0000", startedOn: "2026-11-23T00:00:00Z" });
    expect(again["buildDefinition"]).toEqual(predicate["buildDefinition"]);
  });
  test("materials carry digests", () => {
    const text = JSON.stringify({
      suite: "trixie", architecture: "amd64", roots: [], leaveOut: {}, remove: [],
      packages: [{ name: "zlib1g", version: "1:1.3+b1", architecture: "amd64", archive: "debian", path: "pool/z.deb", sha256: "a".repeat(64), size: 1, source: "zlib", sourceVersion: "1:1.3" }],
    });
    expect(debianMaterials(parseLock(text, "lock"))).toEqual([{ uri: "pkg:deb/debian/zlib1g@1%3A1.3%2Bb1?arch=amd64", digest: { sha256: "a".repeat(64) } }]);
    expect(imageMaterial(`registry.example/debian@${DIGEST_A}`)).toEqual([{ uri: "pkg:docker/registry.example/debian", digest: { sha256: "a".repeat(64) } }]);
    expect(imageMaterial("docker.io/library/debian:trixie")).toEqual([]);
  });
});

describe("where a checkout came from", () => {
  const origin = (url: string): string | undefined => originOf(`[core]\n\tbare = false\n[remote "origin"]\n\turl = ${url}\n\tfetch = x\n`);
  test.each([
    ["https://user:token@git.example/team/app.git", "git+https://git.example/team/app.git"],
    ["git@git.example:team/app.git", "git+ssh://git.example/team/app.git"],
    ["ssh://git@git.example:22/team/app.git", "git+ssh://git.example:22/team/app.git"],
    ["/home/me/app", undefined],
    ["../app", undefined],
  ])("%s", (url, uri) => expect(origin(url)).toBe(uri));
  test("a checkout without one", () => expect(originOf("[core]\n")).toBeUndefined());
});

test("a bill of materials is the same although it was written again", () => {
  const bill = (serialNumber: string, timestamp: string) => ({ serialNumber, metadata: { timestamp, component: { name: "api" } }, components: [1] });
  expect(lasting(bill("a", "1"))).toEqual(lasting(bill("b", "2")));
  expect(lasting(bill("a", "1"))).not.toEqual(lasting({ ...bill("a", "1"), components: [] }));
});

test("each refusal has an exit code of its own, clear of a shell's", () => {
  const codes = Object.values(REFUSALS);
  expect(new Set(codes).size).toBe(codes.length);
  for (const code of codes) expect(code).toBeGreaterThan(2);
  expect(Math.max(...codes)).toBeLessThan(125);
});

test("a version becomes a tag as it does when it is published", () => expect(tagOf("2026.11.22-ab12cd3+x/y")).toBe("2026.11.22-ab12cd3-x-y"));
