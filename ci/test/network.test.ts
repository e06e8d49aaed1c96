import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { renderManifests } from "../../.dagger/src/lib/manifests.ts";
import { DIGEST_A, REVISION, goldenBase, spec } from "./helpers.ts";

const TARGET = { env: "dev", image: `registry.golden-path.internal/api@${DIGEST_A}`, version: "1", sourceRevision: REVISION } as const;

interface Policy {
  kind: string;
  metadata: { name: string; namespace: string };
  spec: { podSelector: unknown; policyTypes: string[]; ingress?: unknown[]; egress?: unknown[] };
}

/** The service's policies by what they are for. */
function policies(more = "", base = goldenBase()): Record<string, Policy> {
  const rendered = Object.entries(renderManifests(spec(more), TARGET, base)).filter(([file]) => file.startsWith("networkpolicy"));
  return Object.fromEntries(rendered.map(([file, text]) => [/-(.*)\.yaml$/.exec(file)?.[1] ?? "own", parse(text) as Policy]));
}

const OWN = { matchLabels: { "app.kubernetes.io/name": "api" } };
const others = (...values: string[]) => ({ matchExpressions: [{ key: "app.kubernetes.io/name", operator: "In", values }] });
const DNS = { ports: [{ port: 53, protocol: "UDP" }, { port: 53, protocol: "TCP" }] };
const HTTP = [{ port: "http", protocol: "TCP" }];

describe("what a service's pods may reach, and who may reach them", () => {
  test("by default: names, and nobody", () => {
    const found = policies();
    expect(Object.keys(found)).toEqual(["own"]);
    expect(found["own"]).toMatchObject({ kind: "NetworkPolicy", metadata: { name: "api", namespace: "dev" } });
    expect(found["own"]!.spec).toEqual({ podSelector: OWN, policyTypes: ["Ingress", "Egress"], egress: [DNS] });
  });

  test("what is asked for is a policy of its own, and nothing else changes", () => {
    const found = policies("expose: true\naccess: [applications, gitops]\n");
    expect(Object.keys(found).sort()).toEqual(["applications", "expose", "gitops", "own"]);
    expect(found["own"]).toEqual(policies()["own"]);
    expect(found["expose"]!.spec).toMatchObject({ podSelector: OWN, policyTypes: ["Ingress"], ingress: [{ ports: HTTP }] });
    expect(found["expose"]!.spec.ingress).toHaveLength(1);
    for (const [name, ports] of [["applications", [443, 6443]], ["gitops", [443, 22, 9418]]] as const) {
      expect(found[name]!.metadata.name).toBe(`api.${name}`);
      expect(found[name]!.spec).toEqual({ podSelector: OWN, policyTypes: ["Egress"], egress: [{ ports: ports.map((port) => ({ port, protocol: "TCP" })) }] });
    }
  });

  test("a call is let out at the caller, and in at the one that is called", () => {
    const { calls, callees } = policies("calls: [shop, cart]\n");
    expect(calls!.spec).toEqual({ podSelector: OWN, policyTypes: ["Egress"], egress: [{ to: [{ podSelector: others("cart", "shop") }], ports: HTTP }] });
    expect(callees!.spec).toEqual({ podSelector: others("cart", "shop"), policyTypes: ["Ingress"], ingress: [{ from: [{ podSelector: OWN }], ports: HTTP }] });
  });

  test("policies of one namespace never share a name", () => {
    const names = Object.values(policies("expose: true\naccess: [applications, gitops]\ncalls: [shop]\n")).map(({ metadata }) => metadata.name);
    expect(new Set(names).size).toBe(names.length);
    // A service's name has no dot, so none of these is another service's own.
    expect(names.filter((name) => !name.includes("."))).toEqual(["api"]);
  });

  test("a policy that the platform adds to the base is everybody's", () => {
    const metrics = goldenBase()["networkpolicy-expose.yaml"]!;
    expect(policies("", { ...goldenBase(), "networkpolicy-metrics.yaml": metrics })["metrics"]).toMatchObject({ metadata: { name: "api.metrics" }, spec: { podSelector: OWN } });
  });

  test("only who asks for the Git server is let there by whoever names it", () => {
    const labels = (more: string) => (parse(renderManifests(spec(more), TARGET, goldenBase())["deployment.yaml"]!) as { spec: { template: { metadata: { labels: unknown } } } }).spec.template.metadata.labels;
    expect(labels("access: [gitops]\n")).toHaveProperty(["golden-path/access-gitops"], "allowed");
    expect(labels("access: [applications]\n")).not.toHaveProperty(["golden-path/access-gitops"]);
  });
});
