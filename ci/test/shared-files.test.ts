import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { Tree } from "../../.dagger/src/lib/edits.ts";
import { PLACEHOLDER, PLATFORM_FILE, sharedFiles } from "../../.dagger/src/lib/shared-files.ts";
import { kindsOf, projectName, renderProject, renewProject } from "../../.dagger/src/lib/team-project.ts";

const root = new URL("../../", import.meta.url);
const texts = (folder: string): Tree => {
  const names = readdirSync(new URL(`${folder}/`, root)).filter((name) => name.endsWith(".yaml"));
  return Object.fromEntries(names.map((name) => [name, readFileSync(new URL(`${folder}/${name}`, root), "utf8")]));
};
const base = texts("k8s/base");
const seed = Object.fromEntries(Object.entries(texts("gitops/argocd")).map(([name, text]) => [`argocd/${name}`, text]));
const ask = (tip: Tree = {}, more: object = {}) => sharedFiles({ seed, tip, owners: ["team-a"], base, registry: "ghcr.io/a", ...more });
const release = (owner: string) => `service: other\nowner: ${owner}\n`;
const former = (name: string) => readFileSync(new URL(`former/${name}.yaml`, import.meta.url), "utf8");

interface Project {
  kind: string;
  metadata: { name: string };
  spec: { sourceRepos: string[]; destinations: { namespace: string }[]; namespaceResourceWhitelist: { group: string; kind: string }[]; clusterResourceWhitelist?: unknown };
}

describe("a team's project", () => {
  const text = renderProject("team-a", kindsOf(base), PLACEHOLDER);
  const project = parse(text) as Project;

  it("allows one repository, three namespaces and the kinds of the golden base, nothing outside a namespace", () => {
    expect(project.metadata.name).toBe("team-a");
    expect(project.spec.sourceRepos).toEqual([PLACEHOLDER]);
    expect(project.spec.destinations.map(({ namespace }) => namespace)).toEqual(["dev", "stage", "prod"]);
    expect(project.spec.clusterResourceWhitelist).toBeUndefined();
    const rendered = Object.values(base).map((one) => (parse(one) as { kind: string }).kind);
    expect(project.spec.namespaceResourceWhitelist.map(({ kind }) => kind).sort()).toEqual([...new Set(rendered)].sort());
    expect(project.spec.namespaceResourceWhitelist).toContainEqual({ group: "apps", kind: "Deployment" });
  });

  it("is named by a DNS label, as the ApplicationSet makes it of the same owner", () => {
    expect(["team-a", "Team_B.shop", "a.-b", "007"].map(projectName)).toEqual(["team-a", "team-b-shop", "a-b", "007"]);
    expect(seed["argocd/applicationset.yaml"]).toContain(`'{{ regexReplaceAll "[^a-z0-9]+" (lower .owner) "-" }}'`);
  });

  it("gains the kinds that the base gained, and keeps every other byte", () => {
    const more = [...kindsOf(base), { group: "batch", kind: "CronJob" }];
    const edited = `# ours\n${text}  roles: []   # none\n`;
    const renewed = renewProject(edited, more, "f");
    expect(renewed).toBe(edited.replace("  roles:", `    - group: "batch"\n      kind: CronJob\n  roles:`));
    expect(renewProject(renewed, more, "f")).toBe(renewed);
    expect(renewProject(text.trimEnd(), more, "f")).toBe(`${text}    - group: "batch"\n      kind: CronJob\n`);
  });

  it("is left alone where its list was widened or taken out", () => {
    for (const list of ["namespaceResourceWhitelist: [{group: '*', kind: '*'}]", "description: all kinds"]) {
      const own = `kind: AppProject\nspec:\n  ${list}\n`;
      expect(renewProject(own, kindsOf(base), "f")).toBe(own);
    }
    const flow = "kind: AppProject\nspec:\n  namespaceResourceWhitelist: []\n";
    expect((parse(renewProject(flow, kindsOf(base), "f")) as Project).spec.namespaceResourceWhitelist).toEqual(kindsOf(base));
    expect(() => renewProject("a: [", [], "argocd/project-a.yaml")).toThrow(/^argocd\/project-a\.yaml: not valid YAML/);
  });
});

describe("what a run writes beside releases", () => {
  it("is everything in an empty repository, a project for each team", () => {
    const { tree, owned } = ask({}, { owners: ["team-b", "team-a"] });
    expect(owned).toEqual([...Object.keys(seed), "argocd/project-team-a.yaml", "argocd/project-team-b.yaml"].sort());
    expect(Object.keys(tree).sort()).toEqual(owned);
    expect(tree["argocd/policy-workloads.yaml"]).toContain("registries: ghcr.io/a");
    expect(ask(tree, { owners: ["team-a"] }).owned).toEqual([]);
  });

  it("has a project for every team that released before, wherever", () => {
    const tip = { "env/prod/other/release.yaml": release("team-c"), "env/dev/broken/release.yaml": "a: [", "env/dev/odd/release.yaml": release("default") };
    expect(ask(tip).owned.filter((path) => path.startsWith("argocd/project-"))).toEqual(["argocd/project-team-a.yaml", "argocd/project-team-c.yaml"]);
  });

  it("allows secrets to the teams that have some, and to no others", () => {
    const { tree } = ask({}, { owners: ["team-a", "team-b"], withSecrets: ["team-b"] });
    expect(["team-a", "team-b"].map((team) => tree[`argocd/project-${team}.yaml`]?.includes("kind: Secret"))).toEqual([false, true]);
    expect(ask(tree, { owners: ["team-a", "team-b"] }).owned).toEqual([]);
  });

  it("takes no owner from a release that could not be one", () => {
    const tip = { "env/dev/x/release.yaml": 'owner: "team\\ndestinations: all"\n', "env/dev/y/release.yaml": "owner: team-y\n" };
    expect(ask(tip, { owners: [] }).owned.filter((path) => path.startsWith("argocd/project-"))).toEqual(["argocd/project-team-y.yaml"]);
  });

  it("leaves alone what somebody changed", () => {
    const begun = ask().tree;
    const own = { "argocd/applicationset.yaml": `# ours\n${begun["argocd/applicationset.yaml"]!}`, "argocd/project-team-a.yaml": `# ours\n${begun["argocd/project-team-a.yaml"]!}` };
    const { tree, owned } = ask({ ...begun, ...own });
    expect(owned).toEqual([]);
    expect(tree).toMatchObject(own);
  });

  it("renews what an earlier version wrote and nobody changed", () => {
    const tip = { "argocd/applicationset.yaml": former("applicationset"), "argocd/appproject.yaml": former("appproject") };
    const { tree, owned } = ask(tip);
    expect(owned).toContain("argocd/applicationset.yaml");
    expect(owned).toContain("argocd/appproject.yaml");
    expect(tree["argocd/appproject.yaml"]).toBeUndefined();
    expect(tree["argocd/applicationset.yaml"]).toBe(seed["argocd/applicationset.yaml"]);
  });

  it("keeps the one project of before for an ApplicationSet that somebody changed", () => {
    const set = `# ours\n${former("applicationset")}`;
    const { tree, owned } = ask({ "argocd/applicationset.yaml": set, "argocd/appproject.yaml": former("appproject") });
    expect(tree).toMatchObject({ "argocd/applicationset.yaml": set, "argocd/appproject.yaml": former("appproject") });
    expect(owned).not.toContain("argocd/appproject.yaml");
  });

  it("names the repository by its address, where it has one", () => {
    const address = "https://git.example/team/gitops.git";
    const { tree } = ask({}, { address });
    expect(Object.values(tree).join("\n")).not.toContain(PLACEHOLDER);
    expect(tree["argocd/project-team-a.yaml"]).toContain(`- ${address}\n`);
    expect(tree["argocd/applicationset.yaml"]?.split(address)).toHaveLength(3);
  });

  it("does not have Argo CD reconcile a folder that still names no repository", () => {
    const address = "https://git.example/team/gitops.git";
    const set = `# ours\n${seed["argocd/applicationset.yaml"]!}`;
    expect(ask({ "argocd/applicationset.yaml": set }, { address }).owned).not.toContain(PLATFORM_FILE);
    expect(ask({ "argocd/applicationset.yaml": set }).owned).toContain(PLATFORM_FILE);
  });
});

describe("gitops/argocd", () => {
  const objects = Object.values(seed).flatMap((text) => parseAllDocuments(text).map((one) => one.toJS() as Project & { apiVersion: string }));

  it("holds only kinds that its own project allows, and is that of its Application", () => {
    const own = objects.find(({ kind }) => kind === "AppProject")!;
    const { namespaceResourceWhitelist, clusterResourceWhitelist } = own.spec;
    const allowed = [...namespaceResourceWhitelist, ...(clusterResourceWhitelist as Project["spec"]["namespaceResourceWhitelist"])].map(({ group, kind }) => `${group}/${kind}`);
    const found = objects.map(({ apiVersion, kind }) => `${apiVersion.includes("/") ? apiVersion.split("/")[0] : ""}/${kind}`);
    expect([...new Set(found)].sort()).toEqual([...allowed].sort());
    expect(objects.find(({ kind }) => kind === "Application")).toMatchObject({ metadata: { name: "golden-path-platform" }, spec: { project: own.metadata.name, source: { path: "argocd", repoURL: PLACEHOLDER } } });
  });
});
