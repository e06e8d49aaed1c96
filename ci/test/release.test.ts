import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { isDirty, parseRelease, releaseFiles, releaseFolder, releasePath, renderRelease } from "../../.dagger/src/lib/release.ts";
import { DIGEST_A, DIGEST_B, REVISION, goldenBase, refusal, release, spec } from "./helpers.ts";

const FILE = "env/dev/api/release.yaml";

describe("the record", () => {
  test("is written field by field, always in one order", () => {
    expect(renderRelease(release())).toBe(
      [
        "apiVersion: golden-path/v1", "kind: Release", "service: api", "owner: team-a", "env: dev", "version: 2026.11.22-1234567",
        `sourceRevision: ${REVISION}`, 'sourceTime: "2026-11-22T02:00:00Z"',
        `image: registry.golden-path.internal/api@${DIGEST_A}`, `digest: ${DIGEST_A}`, "",
      ].join("\n"),
    );
    const shuffled = Object.fromEntries(Object.entries(release()).reverse()) as unknown as ReturnType<typeof release>;
    expect(renderRelease(shuffled)).toBe(renderRelease(release()));
  });

  test("reads back as it was, also where a value looks like a number", () => {
    for (const record of [release(), release({ sourceRevision: "1".repeat(40), version: "1.0", owner: "007" }), release({ sourceRevision: `12e${"3".repeat(37)}`, env: "prod" })]) {
      const text = renderRelease(record);
      expect(parseRelease(text, `env/${record.env}/api/release.yaml`)).toEqual(record);
      // The same through a YAML 1.1 reader, as Kubernetes' tools are.
      expect(parse(text, { version: "1.1" }).sourceRevision).toBe(record.sourceRevision);
    }
  });

  test("may be of a dirty source, which says so", () => {
    const dirty = release({ sourceRevision: `${REVISION}-dirty` });
    expect(parseRelease(renderRelease(dirty), FILE)).toEqual(dirty);
    expect([isDirty(dirty.sourceRevision), isDirty(REVISION)]).toEqual([true, false]);
  });

  test("is never written in a form that would be refused on reading", () => {
    expect(refusal(() => renderRelease(release({ sourceTime: "yesterday" })))).toBe(
      `${FILE}:8: sourceTime: "yesterday" is not right; use a UTC time as in 2026-11-22T02:00:00Z`,
    );
  });
});

describe("an edited or damaged record", () => {
  const good = renderRelease(release());

  test.each([
    ["apiVersion: golden-path/v1", "apiVersion: v2", `${FILE}:1: apiVersion: "v2" is not right; use golden-path/v1`],
    ["kind: Release", "kind: Relase", `${FILE}:2: kind: "Relase" is not right; use Release`],
    ["service: api", "service: web", `${FILE}:3: service: "web" differs from its folder "api"; promote again instead of copying records`],
    ["env: dev", "env: prod", `${FILE}:5: env: "prod" differs from its folder "dev"; promote again instead of copying records`],
    ["env: dev", "env: qa", `${FILE}:5: env: "qa" is not right; use dev, stage or prod`],
    ["owner: team-a\n", "", `${FILE}: owner: missing; add it, as in "owner: …"`],
    [REVISION, "main", `${FILE}:7: sourceRevision: "main" is not right; use a commit's 40 hex digits`],
    [REVISION, "1".repeat(40), `${FILE}:7: sourceRevision: ${"1".repeat(40)} is not text; put it in quotes if it is meant as text`],
    ["2026-11-22T02", "2026-02-31T02", `${FILE}:8: sourceTime: "2026-02-31T02:00:00Z" is not right; use a UTC time as in 2026-11-22T02:00:00Z`],
    ["2026-11-22T02", "2026-11-22T99", `${FILE}:8: sourceTime: "2026-11-22T99:00:00Z" is not right; use a UTC time as in 2026-11-22T02:00:00Z`],
    [`api@${DIGEST_A}`, "api:1.0", `${FILE}:9: image: "registry.golden-path.internal/api:1.0" is not right; use <registry>/<name>@sha256:<64 hex digits>`],
    [`digest: ${DIGEST_A}`, `digest: ${DIGEST_B}`, `${FILE}:10: digest: ${DIGEST_B} is not the image's; use the digest of registry.golden-path.internal/api@${DIGEST_A}`],
    ["kind: Release", "kind: Release\nrunId: 7", `${FILE}:3: runId: unknown field; use apiVersion, kind, service, owner, env, version, sourceRevision, sourceTime, image, digest`],
    ["kind: Release", "kind: Release\nenv: dev", `${FILE}:6:1: not valid YAML: Map keys must be unique; correct line 6`],
  ])("%j made %j is refused with file, line and reason", (from, to, sentence) => {
    const damaged = good.replace(from, to);
    expect(damaged).not.toBe(good);
    expect(refusal(() => parseRelease(damaged, FILE)).split("\n")).toContain(sentence);
  });
});

describe("the folder of a release", () => {
  test("holds the record and the manifests, under env/<env>/<service>", () => {
    const files = releaseFiles(spec("expose: true\nreplicas: 2\n"), release({ env: "stage" }), goldenBase());
    expect(Object.keys(files)).toEqual([
      "env/stage/api/release.yaml",
      "env/stage/api/source.yaml",
      "env/stage/api/manifests/deployment.yaml",
      "env/stage/api/manifests/ingress.yaml",
      "env/stage/api/manifests/networkpolicy-expose.yaml",
      "env/stage/api/manifests/networkpolicy.yaml",
      "env/stage/api/manifests/poddisruptionbudget.yaml",
      "env/stage/api/manifests/service.yaml",
      "env/stage/api/manifests/serviceaccount.yaml",
    ]);
    expect(files["env/stage/api/release.yaml"]).toBe(renderRelease(release({ env: "stage" })));
    for (const path of Object.keys(files)) expect(path.startsWith(`${releaseFolder("stage", "api")}/`)).toBe(true);
    expect(files[releasePath("stage", "api")]).toBeDefined();
  });

  test("the manifests run the record's image", () => {
    const files = releaseFiles(spec(), release(), goldenBase());
    const record = parseRelease(files[FILE]!, FILE);
    const { spec: wanted } = parse(files["env/dev/api/manifests/deployment.yaml"]!);
    expect(wanted.template.spec.containers[0].image).toBe(record.image);
  });

  test("a record and a service.yaml of two services are not mixed", () => {
    expect(refusal(() => releaseFiles(spec(), release({ service: "web" }), goldenBase()))).toBe(
      "rendering the release of web: the service.yaml is that of api; give both of one service",
    );
  });
});
