import { Environment } from "@marcbachmann/cel-js";
import { parseAllDocuments } from "yaml";
import { UserError } from "./errors.ts";
import type { Finding } from "./findings.ts";

/** A ValidatingAdmissionPolicy with its parameters, as far as it is evaluated here. */
export interface Policy {
  name: string;
  kinds: string[];
  variables: { name: string; expression: string }[];
  validations: { expression: string; message: string }[];
  params: unknown;
  namespaces: string[];
}

interface Loaded {
  kind?: string;
  metadata?: { name?: string; namespace?: string; labels?: Record<string, string> };
  data?: Record<string, string>;
  spec?: Record<string, unknown>;
}

interface PolicySpec {
  matchConstraints: { resourceRules: { resources: string[] }[] };
  variables?: Policy["variables"];
  validations: Policy["validations"];
}

interface BindingSpec {
  policyName: string;
  paramRef?: { name: string; namespace: string };
  matchResources?: { namespaceSelector?: { matchExpressions?: { values: string[] }[] } };
}

const PLURALS: Record<string, string> = { deployments: "Deployment", statefulsets: "StatefulSet", daemonsets: "DaemonSet", replicasets: "ReplicaSet", pods: "Pod" };

/** Reads policies, their bindings and parameters out of YAML texts, by path. */
export function readPolicies(files: Record<string, string>): Policy[] {
  const objects = Object.entries(files).flatMap(([file, text]) => documents(text, file));
  const bindings = objects.filter(({ kind }) => kind === "ValidatingAdmissionPolicyBinding").map(({ spec }) => spec as unknown as BindingSpec);
  return objects.filter(({ kind }) => kind === "ValidatingAdmissionPolicy").map(({ metadata, spec }) => {
    const name = metadata?.name ?? "";
    const binding = bindings.find(({ policyName }) => policyName === name);
    // A policy that nothing binds refuses nothing: nobody should take it for one that does.
    if (binding === undefined) throw new UserError(`reading the policies: ${name} has no ValidatingAdmissionPolicyBinding, so no cluster would enforce it; add one`);
    const { matchConstraints, variables = [], validations } = spec as unknown as PolicySpec;
    const { paramRef } = binding;
    const params = paramRef && objects.find(({ kind, metadata: found }) => kind === "ConfigMap" && found?.name === paramRef.name && found.namespace === paramRef.namespace);
    if (paramRef !== undefined && params === undefined) throw new UserError(`reading the policies: ${name} refers to the ConfigMap ${paramRef.namespace}/${paramRef.name}, which is in none of the files; add it`);
    return {
      name, variables, validations, params,
      kinds: matchConstraints.resourceRules.flatMap(({ resources }) => resources).map((plural) => PLURALS[plural] ?? plural),
      namespaces: (binding.matchResources?.namespaceSelector?.matchExpressions ?? []).flatMap(({ values }) => values),
    };
  });
}

/** What each policy says against an object: the messages that a cluster would refuse it with. */
export function violations(policies: readonly Policy[], object: unknown): { policy: string; message: string }[] {
  const { kind = "", metadata } = object as Loaded;
  const namespace = metadata?.namespace ?? "";
  return policies
    .filter((policy) => policy.kinds.includes(kind) && (policy.namespaces.length === 0 || policy.namespaces.includes(namespace)))
    .flatMap((policy) => refusedBy(policy, object).map((message) => ({ policy: policy.name, message })));
}

function refusedBy(policy: Policy, object: unknown): string[] {
  const environment = new Environment({ unlistedVariablesAreDyn: true });
  const variables: Record<string, unknown> = {};
  const context = { object, params: policy.params, variables };
  const evaluate = (expression: string): unknown => environment.evaluate(expression, context) as unknown;
  try {
    for (const { name, expression } of policy.variables) variables[name] = evaluate(expression);
  } catch (error) {
    return [`${policy.name} cannot be evaluated: ${words(error)}`];
  }
  return policy.validations.flatMap(({ expression, message }) => {
    try {
      return evaluate(expression) === true ? [] : [message];
    } catch (error) {
      // As a cluster does with failurePolicy Fail: what cannot be judged is refused.
      return [`${message} (${words(error)})`];
    }
  });
}

/** Rendered manifests held against the policies, as findings of the gate. */
export function manifestFindings(policies: readonly Policy[], service: string, folder: string, manifests: Record<string, string>): Finding[] {
  return Object.entries(manifests).flatMap(([file, text]) =>
    documents(text, file).flatMap((object) =>
      violations(policies, object).map(({ policy, message }): Finding => ({
        kind: "misconfiguration", id: `policy:${policy}`, package: service, version: "", fixedIn: "", severity: "high", source: "admission policies",
        file: `${folder}/service.yaml`, location: `${object.kind ?? "object"}: ${message}`,
      }))));
}

function documents(text: string, file: string): Loaded[] {
  return parseAllDocuments(text, { version: "1.1" }).flatMap((document) => {
    if (document.errors.length > 0) throw new UserError(`${file}: not valid YAML: ${document.errors[0]!.message.split("\n")[0]}; correct it`);
    const object = document.toJS() as Loaded | null;
    return object === null ? [] : [object];
  });
}

function words(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
}
