import type { ServiceSpec } from "./service-spec.ts";

/** Which NetworkPolicies of the golden base a service gets. Pure. */

const WANTED: Record<string, (spec: ServiceSpec) => boolean> = {
  expose: (spec) => spec.expose,
  applications: (spec) => spec.access.includes("applications"),
  gitops: (spec) => spec.access.includes("gitops"),
  calls: (spec) => spec.calls.length > 0,
  callees: (spec) => spec.calls.length > 0,
};

/** What a policy is for, from its file: `networkpolicy-calls.yaml` is for `calls`, `networkpolicy.yaml` for nothing but itself. */
export function purposeOf(file: string): string {
  return /(?:^|\/)networkpolicy-([a-z][-a-z0-9]*)\.ya?ml$/.exec(file)?.[1] ?? "";
}

/** A purpose that nobody asks for is the platform's own: every service gets it. */
export function isWantedPolicy(file: string, spec: ServiceSpec): boolean {
  return WANTED[purposeOf(file)]?.(spec) ?? true;
}

/** No service has a dot in its name, so `web.calls` is never a service's own policy. */
export function policyName(file: string, spec: ServiceSpec): string {
  const purpose = purposeOf(file);
  return purpose === "" ? spec.name : `${spec.name}.${purpose}`;
}
