import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { ENVIRONMENTS } from "../../.dagger/src/lib/environments.ts";
import { renderManifests } from "../../.dagger/src/lib/manifests.ts";
import type { ManifestTarget } from "../../.dagger/src/lib/manifests.ts";
import { DIGEST_A, REVISION, goldenBase, pick, refusal, seeded, spec } from "./helpers.ts";

const BASE = goldenBase();
const TARGET: ManifestTarget = {
  env: "dev",
  image: `registry.golden-path.internal/api@${DIGEST_A}`,
  version: "2026.11.22-1234567",
  sourceRevision: REVISION,
};

/** Kubernetes reads YAML 1.1; so does every check of what it will see. */
function read(text: string): any { // eslint-disable-line @typescript-eslint/no-explicit-any -- trees of five kinds
  return parse(text, { version: "1.1" });
}

function render(more = "", target: Partial<ManifestTarget> = {}) {
  return renderManifests(spec(more), { ...TARGET, ...target }, BASE);
}

function deployment(more = "", target: Partial<ManifestTarget> = {}) {
  return read(render(more, target)["deployment.yaml"]!);
}

describe("access to the platform", () => {
  test("Applications are read with a token, which nobody else gets", () => {
    const pod = deployment("access: [applications]\n").spec.template.spec;
    expect(pod.automountServiceAccountToken).toBe(true);
    expect(pod.serviceAccountName).toBe("api");
    expect(pod.containers[0].env.map(({ name }: { name: string }) => name)).toEqual(["PORT"]);
    expect(deployment("access: [gitops]\n").spec.template.spec.automountServiceAccountToken).toBe(false);
  });

  test("the GitOps repository's address comes from the environment, and may be missing there", () => {
    const address = (more: string) =>
      deployment(more).spec.template.spec.containers[0].env.find(({ name }: { name: string }) => name === "GITOPS_REPOSITORY");
    expect(address("access: [gitops]\n")).toEqual({
      name: "GITOPS_REPOSITORY",
      valueFrom: { configMapKeyRef: { name: "golden-path", key: "gitops-repository", optional: true } },
    });
    expect(address("access: [gitops]\nenv: {GITOPS_REPOSITORY: 'https://own.example/x.git'}\n")).toEqual({
      name: "GITOPS_REPOSITORY",
      value: "https://own.example/x.git",
    });
    expect(address("")).toBeUndefined();
  });
});

describe("the Deployment", () => {
  test("runs the image by digest, under the service's name, in the environment's namespace", () => {
    const { metadata, spec: wanted } = deployment("replicas: 3\n");
    expect(metadata).toEqual({
      name: "api",
      namespace: "dev",
      labels: {
        "app.kubernetes.io/name": "api",
        "app.kubernetes.io/part-of": "golden-path",
        "app.kubernetes.io/managed-by": "golden-path",
        "app.kubernetes.io/version": "2026.11.22-1234567",
        "golden-path/owner": "team-a",
        "golden-path/cost-center": "team-a",
      },
      annotations: { "golden-path/source-revision": REVISION },
    });
    expect(wanted.replicas).toBe(3);
    expect(wanted.template.metadata).toEqual({ labels: metadata.labels, annotations: metadata.annotations });
    expect(wanted.template.spec.serviceAccountName).toBe("api");
    const [container] = wanted.template.spec.containers;
    expect(container.name).toBe("api");
    expect(container.image).toBe(TARGET.image);
    expect(container.imagePullPolicy).toBe("IfNotPresent");
    expect(container.ports).toEqual([{ name: "http", containerPort: 8000, protocol: "TCP" }]);
  });

  test("selects by the name alone: a selector cannot change between releases", () => {
    const one = deployment().spec.selector;
    const other = deployment("", { version: "other", sourceRevision: "f".repeat(40) }).spec.selector;
    expect(one).toEqual({ matchLabels: { "app.kubernetes.io/name": "api" } });
    expect(other).toEqual(one);
  });

  test("asks the paths of the service.yaml", () => {
    const [container] = deployment("health: /h\nready: /r\n").spec.template.spec.containers;
    const { startupProbe, livenessProbe, readinessProbe } = container;
    expect(startupProbe.httpGet).toEqual({ path: "/h", port: "http" });
    expect(livenessProbe.httpGet).toEqual({ path: "/h", port: "http" });
    expect(readinessProbe.httpGet).toEqual({ path: "/r", port: "http" });
  });

  test("is restricted", () => {
    const { template, strategy } = deployment().spec;
    const pod = template.spec;
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.enableServiceLinks).toBe(false);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(0);
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532, seccompProfile: { type: "RuntimeDefault" },
    });
    expect(pod.containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] },
    });
    expect(pod.containers[0].volumeMounts).toEqual([{ name: "tmp", mountPath: "/tmp" }]);
    expect(pod.volumes).toEqual([{ name: "tmp", emptyDir: { sizeLimit: "64Mi" } }]);
    expect(strategy.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
  });

  test("asks for the resources, and limits them", () => {
    expect(deployment().spec.template.spec.containers[0].resources).toEqual({
      requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "256Mi" },
    });
    const asked = "resources: {cpu: 1, memory: 1Gi, limits: {cpu: 2, memory: 3Gi}}\n";
    expect(deployment(asked).spec.template.spec.containers[0].resources).toEqual({
      requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "2", memory: "3Gi" },
    });
  });

  test("gives every variable as the text it is, also where YAML 1.1 would read a boolean or a number", () => {
    const values: Record<string, string> = {
      A: "yes", B: "0123", C: "1_000", D: "12:30:45", E: "null", G: "off", H: "2026-11-22", I: "# no comment",
      J: "a: b", K: "two\nlines", L: "~", M: "'\"", N: "é", O: "x".repeat(300), P: " edges ", Q: "1e3", R: "=",
    };
    const env = `env: ${JSON.stringify(values)}\n`;
    const found = deployment(env).spec.template.spec.containers[0].env;
    expect(found).toEqual(Object.entries({ ...values, PORT: "8000" }).sort().map(([name, value]) => ({ name, value })));
  });

  test("an empty variable is written as the cluster stores it", () => {
    expect(deployment("env: {A: ''}\n").spec.template.spec.containers[0].env[0]).toEqual({ name: "A" });
  });

  test("keeps Kubernetes from expanding what looks like a variable", () => {
    for (const value of ["$(PORT)", "$$(PORT)", "$$$(PORT)", "a $b $$c", "$", "100$", "$(", "$$"]) {
      const [variable] = deployment(`env: {A: "${value}"}\n`).spec.template.spec.containers[0].env;
      expect(expanded(variable.value)).toBe(value);
    }
    expect(expanded("$(PORT)")).toBe("8000");
  });

  test("labels and annotations are texts, whatever they look like", () => {
    const rendered = deployment("", { version: "1.0", sourceRevision: "1".repeat(40) });
    expect(rendered.metadata.labels["app.kubernetes.io/version"]).toBe("1.0");
    expect(rendered.metadata.annotations["golden-path/source-revision"]).toBe("1".repeat(40));
  });
});

describe("the other kinds", () => {
  test("a plain service has Deployment, NetworkPolicy, Service and ServiceAccount", () => {
    expect(Object.keys(render())).toEqual(["deployment.yaml", "networkpolicy.yaml", "service.yaml", "serviceaccount.yaml"]);
  });

  test("the Service brings port 80 to the named port", () => {
    const { metadata, spec: wanted } = read(render()["service.yaml"]!);
    expect([metadata.name, metadata.namespace]).toEqual(["api", "dev"]);
    expect(wanted.selector).toEqual({ "app.kubernetes.io/name": "api" });
    expect(wanted.ports).toEqual([{ name: "http", port: 80, targetPort: "http", protocol: "TCP" }]);
  });

  test("the ServiceAccount has no token mounted", () => {
    expect(read(render()["serviceaccount.yaml"]!)).toMatchObject({ metadata: { name: "api" }, automountServiceAccountToken: false });
  });

  test("an exposed service has an Ingress of its host, with no class", () => {
    const ingress = read(render("expose: true\n", { env: "stage" })["ingress.yaml"]!);
    expect(ingress.spec).toEqual({
      rules: [{
        host: "api.stage.golden-path.internal",
        http: { paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "api", port: { name: "http" } } } }] },
      }],
    });
  });

  test("more than one replica has a PodDisruptionBudget", () => {
    const budget = read(render("replicas: 2\n")["poddisruptionbudget.yaml"]!);
    expect(budget.spec).toEqual({ maxUnavailable: 1, selector: { matchLabels: { "app.kubernetes.io/name": "api" } } });
  });

  test("autoscaling leaves the number of replicas to the autoscaler", () => {
    const rendered = render("replicas: 2\nautoscale: {max: 6, cpu: 70}\n");
    expect(read(rendered["deployment.yaml"]!).spec).not.toHaveProperty("replicas");
    expect(read(rendered["horizontalpodautoscaler.yaml"]!).spec).toMatchObject({
      scaleTargetRef: { kind: "Deployment", name: "api" }, minReplicas: 2, maxReplicas: 6,
      metrics: [{ resource: { target: { averageUtilization: 70 } } }],
    });
    expect(render()).not.toHaveProperty(["horizontalpodautoscaler.yaml"]);
  });

  test("who pays is the owner, unless the service says who else", () => {
    const of = (more: string) => (read(renderManifests(spec(more), TARGET, BASE)["service.yaml"]!) as { metadata: { labels: Record<string, string> } }).metadata.labels["golden-path/cost-center"];
    expect([of(""), of("costs: department-7\n")]).toEqual(["team-a", "department-7"]);
  });

  test("a further kind in the base is named and labelled, and otherwise left alone", () => {
    const base = { ...BASE, "extra.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {labels: {mine: 'yes'}}\ndata: {a: b} # kept\n" };
    const extra = renderManifests(spec(), TARGET, base)["extra.yaml"]!;
    expect(read(extra)).toMatchObject({ metadata: { name: "api", labels: { mine: "yes", "golden-path/owner": "team-a" } }, data: { a: "b" } });
    expect(extra).toContain("# kept");
  });
});

describe("what is refused", () => {
  test.each([
    "registry.golden-path.internal/api:1.0",
    "registry.golden-path.internal/api",
    "registry.golden-path.internal/api:1.0@" + DIGEST_A,
    "registry.golden-path.internal/api@sha256:abc",
    "registry.golden-path.internal/api@" + DIGEST_A.toUpperCase(),
    "@" + DIGEST_A,
    `registry/a@${DIGEST_A}@${DIGEST_A}`,
  ])("an image that is not named by digest alone: %s", (image) => {
    expect(refusal(() => render("", { image }))).toMatch(/^rendering the manifests of api for dev: image ".*" (is not named by digest|carries a tag or no name); use /);
  });

  test("a registry with a port is no tag", () => {
    const image = `registry:5000/team/api@${DIGEST_A}`;
    expect(deployment("", { image }).spec.template.spec.containers[0].image).toBe(image);
  });

  test("a version that cannot be a label", () => {
    expect(refusal(() => render("", { version: "1 2" }))).toContain('version "1 2" cannot be a label');
  });

  test("a base that lost a kind, a part or its form", () => {
    const without = { ...BASE };
    delete without["service.yaml"];
    expect(refusal(() => renderManifests(spec(), TARGET, without))).toBe("rendering the manifests of api for dev: k8s/base has no Service; restore its file");
    const cut = { ...BASE, "deployment.yaml": BASE["deployment.yaml"]!.replace("startupProbe", "startProbe") };
    expect(refusal(() => renderManifests(spec(), TARGET, cut))).toMatch(
      /^k8s\/base\/deployment\.yaml: spec\.template\.spec\.containers\.0\.startupProbe\.httpGet\.path: missing; restore it/,
    );
    const broken = { ...BASE, "deployment.yaml": "kind: [" };
    expect(refusal(() => renderManifests(spec(), TARGET, broken))).toMatch(/^k8s\/base\/deployment\.yaml: not valid YAML: /);
    const two = { ...BASE, "service.yaml": `${BASE["service.yaml"]!}---\n${BASE["serviceaccount.yaml"]!}` };
    expect(refusal(() => renderManifests(spec(), TARGET, two))).toMatch(/^k8s\/base\/service\.yaml: not valid YAML: /);
  });
});

describe("properties", () => {
  test("the same input gives the same bytes, whatever order the base comes in", () => {
    const random = seeded(1);
    for (let round = 0; round < 8; round++) {
      const more = [
        `replicas: ${1 + Math.floor(random() * 3)}`,
        `expose: ${pick(random, ["true", "false"])}`,
        `env: {B: "${random()}", A: "${pick(random, ["yes", "x", "$(A)"])}"}`,
        "",
      ].join("\n");
      const target = { env: pick(random, ENVIRONMENTS), sourceRevision: hex(random, 40), version: `2026.${hex(random, 7)}` };
      const shuffled = Object.fromEntries(Object.entries(BASE).sort(() => random() - 0.5));
      const one = JSON.stringify(render(more, target));
      expect(JSON.stringify(renderManifests(spec(more), { ...TARGET, ...target }, shuffled))).toBe(one);
      expect(deployment(more, target).metadata.annotations["golden-path/source-revision"]).toBe(target.sourceRevision);
    }
  });

  test("rendering leaves the base as it was", () => {
    const before = JSON.stringify(BASE);
    render("replicas: 2\nexpose: true\n");
    expect(JSON.stringify(BASE)).toBe(before);
  });

  test("no line is folded and every file ends with one line break", () => {
    const long = `env: {LONG: "${"word ".repeat(100)}", LINES: "a\\n b ${"x ".repeat(60)}"}\n`;
    const text = render(long)["deployment.yaml"]!;
    expect(text).toContain(`value: "${"word ".repeat(100)}"`);
    expect(text).toContain(String.raw`value: "a\n b ${"x ".repeat(60)}"`);
    for (const file of Object.values(render("replicas: 2\nexpose: true\n"))) expect(file).toMatch(/[^\n]\n$/);
  });

  test("one release differs from another only where it must", () => {
    const before = render()["deployment.yaml"]!.split("\n");
    const after = render("", { version: "v2", image: TARGET.image.replaceAll("a".repeat(64), "b".repeat(64)), sourceRevision: "f".repeat(40) })["deployment.yaml"]!.split("\n");
    expect(after).toHaveLength(before.length);
    const changed = before.filter((line, index) => line !== after[index]).map((line) => line.trim().split(": ")[0]);
    expect(changed).toEqual([
      "app.kubernetes.io/version", "golden-path/source-revision", "app.kubernetes.io/version", "golden-path/source-revision", "image",
    ]);
  });
});

function hex(random: () => number, length: number): string {
  // Few digits, so that some of it looks like a number to YAML.
  return Array.from({ length }, () => pick(random, [..."0123456789e"])).join("");
}

/** What Kubernetes' `expansion` package makes of a value, with PORT set to 8000. */
function expanded(value: string): string {
  return value.replace(/\$(\$|\((\w+)\))/g, (_, what: string) => (what === "$" ? "$" : "8000"));
}
