import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { infrastructureFindings, infrastructureKind, unreadInfrastructure } from "../../.dagger/src/lib/infrastructure.ts";

const ids = (file: string, text: string): string[] => infrastructureFindings(file, text).hits.map(({ id }) => id.replace("infrastructure:", ""));
const SHA = "a".repeat(40);

describe("what is infrastructure code", () => {
  test.each([
    ["deploy/Dockerfile", "dockerfile"], ["Containerfile.dev", "dockerfile"], ["api.dockerfile", "dockerfile"], ["compose.yaml", "compose"], ["docker-compose.test.yml", "compose"],
    [".github/workflows/ci.yml", "workflow"], ["argocd/x.yaml", "manifest"], ["Dockerfile.md", undefined], ["README.md", undefined], ["src/compose.py", undefined],
  ])("%s", (path, kind) => expect(infrastructureKind(path)).toBe(kind));
  test.each([["main.tf", "Terraform"], ["chart/Chart.yaml", "Helm"], [".gitlab-ci.yml", "other CI"], ["a.yaml", undefined]])("%s is not read", (path, kind) => expect(unreadInfrastructure(path)).toBe(kind));
  test("YAML without Kubernetes objects is none, nor is a template", () => {
    expect(infrastructureFindings("settings.yaml", "a: 1\n")).toEqual({ read: false, hits: [] });
    expect(infrastructureFindings("package.json", '{"name": "x"}')).toEqual({ read: false, hits: [] });
    expect(infrastructureFindings("broken.yaml", "a: [\n")).toEqual({ read: false, hits: [] });
  });
  test("a template is told as unread, and so is a file of which a part is broken, whose other parts are read", () => {
    const unread = "YAML that is a template or broken";
    expect(infrastructureFindings("templates/role.yaml", "{{ if .Values.x }}\napiVersion: v1\n{{ end }}\n")).toEqual({ read: false, unread, hits: [] });
    const look = infrastructureFindings("a.yaml", "apiVersion: v1\nkind: ClusterRoleBinding\nroleRef: {name: cluster-admin}\n---\napiVersion: [\n");
    expect([look.read, look.unread, look.hits.map(({ id }) => id)]).toEqual([true, unread, ["infrastructure:binding-cluster-admin"]]);
  });
});

describe("what this project ships", () => {
  test.each(["gitops/argocd", "k8s/base"])("%s breaks no rule", (folder) => {
    const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
    expect(files.length).toBeGreaterThan(3);
    for (const name of files) expect(infrastructureFindings(join(folder, name), readFileSync(join(folder, name), "utf8")), name).toEqual({ read: true, hits: [] });
  });
});

describe("Kubernetes and Argo CD", () => {
  const object = (kind: string, rest: string): string => `apiVersion: x/v1\nkind: ${kind}\nmetadata: {name: n}\n${rest}\n`;
  test.each([
    ["project-any-source", object("AppProject", "spec: {sourceRepos: ['*']}")],
    ["project-any-destination", object("AppProject", "spec: {destinations: [{server: https://x, namespace: '*'}]}")],
    ["project-any-kind", object("AppProject", "spec: {clusterResourceWhitelist: [{group: '*', kind: '*'}]}")],
    ["application-default-project", object("Application", "spec: {source: {repoURL: x, targetRevision: main}}")],
    ["application-default-project", object("ApplicationSet", "spec: {template: {spec: {project: default}}}")],
    ["application-any-revision", object("Application", "spec: {project: team, source: {repoURL: x}}")],
    ["role-wildcard", object("ClusterRole", "rules: [{verbs: ['*'], resources: [pods]}]")],
    ["role-wildcard", object("Role", "rules: [{verbs: [get], resources: ['*']}]")],
    ["role-escalates", object("Role", "rules: [{verbs: [bind], resources: [roles]}]")],
    ["binding-cluster-admin", object("ClusterRoleBinding", "roleRef: {name: cluster-admin}")],
    ["binding-anybody", object("RoleBinding", "roleRef: {name: x}\nsubjects: [{kind: Group, name: 'system:authenticated'}]")],
    ["secret-in-git", object("Secret", "stringData: {a: b}")],
    ["secret-in-git", object("Secret", "sops: {}\nstringData: {a: 'ENC[AES256_GCM]', b: plain}")],
    ["project-any-source", object("AppProject", "spec: {sourceRepos: ['**']}")],
    ["project-any-destination", object("AppProject", "spec: {destinations: [{name: '*', namespace: dev}]}")],
    ["binding-cluster-admin", object("ClusterRoleBinding", "roleRef: {name: view}\nroleRef: {name: cluster-admin}")],
  ])("%s", (id, text) => {
    expect(ids("a.yaml", `${object("ConfigMap", "data: {a: '*'}")}---\n${text}`)).toEqual([id]);
    expect(infrastructureFindings("a.yaml", text).hits[0]!.subject).toMatch(/ n$/);
  });
  test("the items of a List, and JSON, are looked at as any other", () => {
    const binding = { apiVersion: "v1", kind: "ClusterRoleBinding", metadata: { name: "n" }, roleRef: { name: "cluster-admin" } };
    expect(ids("a.json", JSON.stringify(binding))).toEqual(["binding-cluster-admin"]);
    expect(ids("a.yaml", JSON.stringify({ apiVersion: "v1", kind: "List", items: [binding, binding] }))).toEqual(["binding-cluster-admin", "binding-cluster-admin"]);
  });
  test("named sources, kinds, verbs and revisions are right", () => {
    expect(ids("a.yaml", [
      object("AppProject", "spec: {sourceRepos: [git://git/gitops], destinations: [{server: https://x, namespace: dev}], namespaceResourceWhitelist: [{group: apps, kind: Deployment}]}"),
      object("Application", "spec: {project: team, source: {repoURL: x, targetRevision: main}}"),
      object("Role", "rules: [{verbs: [get], resources: [pods]}]"), object("RoleBinding", "roleRef: {name: x}\nsubjects: [{kind: Group, name: 'system:serviceaccounts:dev'}]"),
      object("Secret", "sops: {mac: x}\nstringData: {a: 'ENC[AES256_GCM]'}"),
    ].join("---\n"))).toEqual([]);
  });
  test("a value is never told", () => {
    expect(JSON.stringify(infrastructureFindings("a.yaml", object("Secret", "stringData: {a: hunter2hunter2}")))).not.toContain("hunter2");
    expect(JSON.stringify(infrastructureFindings("Dockerfile", "FROM scratch\nENV API_TOKEN=hunter2hunter2\n"))).not.toContain("hunter2");
  });
});

describe("workflows", () => {
  const workflow = (steps: string, rest = ""): string => `on: push\n${rest}\njobs: {build: {runs-on: x, steps: ${steps}}}\n`;
  const at = ".github/workflows/ci.yml";
  test.each([
    ["workflow-unpinned-action", workflow("[{uses: actions/setup-node@v4}]")], ["workflow-writes-all", workflow("[]", "permissions: write-all")],
    ["environment-secret", workflow("[{run: x, env: {API_TOKEN: abcdef}}]")],
    ["workflow-foreign-code", `on: [pull_request_target]\njobs: {a: {steps: [{uses: actions/checkout@${SHA}}]}}\n`],
  ])("%s", (id, text) => expect(ids(at, text)).toEqual([id]));
  test("pinned by commit, with secrets by reference", () =>
    expect(ids(at, workflow(`[{uses: actions/checkout@${SHA}}, {uses: ./own}, {run: x, env: {API_TOKEN: "\${{ secrets.T }}"}}]`, "permissions: {contents: read}"))).toEqual([]));
});

describe("Dockerfile and compose", () => {
  const digest = `x@sha256:${"a".repeat(64)}`;
  test.each([
    [["dockerfile-unpinned-image", "dockerfile-root"], "FROM debian:12\nRUN true\n"],
    [["environment-secret"], `FROM ${digest}\nENV DB_PASSWORD hunter2\nUSER 1000\n`],
    [["environment-secret"], `FROM ${digest}\nARG NPM_TOKEN=abc\nUSER 1000\n`],
    [["dockerfile-unchecked-download"], `FROM ${digest}\nADD https://example.com/x /x\nUSER 1000\n`],
    [["dockerfile-runs-download"], `FROM ${digest}\nRUN curl -fsSL https://example.com/i.sh \\\n  | sh\nUSER 1000\n`],
    [[], `FROM ${digest} AS build\nARG NPM_TOKEN\nFROM build\nADD --checksum=sha256:abc https://example.com/x /x\nUSER 1000:1000\n`],
    [[], `FROM ${digest} AS base\nUSER 1000\nFROM base\nCOPY x /x\n`],
    [["dockerfile-root"], `FROM ${digest}\nRUN <<EOF\nUSER 1000\nEOF\nCOPY x /x\n`],
    [[], `FROM ${digest}\nENV TOKEN_TTL_SECONDS=3600 PASSWORD_MIN_LENGTH=12\nUSER 1000\n`],
  ])("%j", (expected, text) => expect(ids("Dockerfile", text)).toEqual(expected));
  test.each([
    ["compose-privileged", "privileged: true"], ["compose-host-namespace", "network_mode: host"], ["compose-runtime-socket", "volumes: ['/var/run/docker.sock:/x']"],
    ["environment-secret", "environment: ['DB_PASSWORD=abc']"], ["environment-secret", "environment: {DB_PASSWORD: abc}"],
  ])("%s: %s", (id, line) => expect(ids("compose.yaml", `services: {db: {image: x, ${line}}}\n`)).toEqual([id]));
  test("values from elsewhere are right", () =>
    expect(ids("compose.yaml", "services: {db: {image: x, environment: {DB_PASSWORD: '${DB_PASSWORD}', DB_PASSWORD_FILE: /run/secrets/x}, volumes: ['data:/x']}}\n")).toEqual([]));
});
