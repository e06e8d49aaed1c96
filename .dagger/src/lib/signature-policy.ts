import { createPublicKey } from "node:crypto";
import { UserError, sentenceOf } from "./errors.ts";
import type { KubeObject } from "./kube.ts";
import { DEMANDED_KEY } from "./signing.ts";

/**
 * What verifies signatures at a cluster's door: sigstore's policy-controller as its own installation has it, as far as
 * a key pair needs it, and the policy that makes it ask for a key. Pure.
 */

/** As upstream names it. */
export const SIGNATURE_NAMESPACE = "cosign-system";
/** Its list in an installation, after those of Argo CD. */
export const SIGNATURE_FILE = "4-signatures.json";
export const SIGNATURE_WEBHOOK = "policy.sigstore.dev";
export const SIGNATURE_POLICY = "golden-path-signatures";

export interface SignatureInstall {
  /** The image of `signature-policy`, as pods name it. */
  image: string;
  environments: readonly string[];
  /** A registry that speaks plain http, by its name in manifests, and where it does: `host:port`. */
  plainRegistry?: { name: string; address: string };
}

const SERVICE = "webhook";
const CERTIFICATES = "webhook-certs";
const PORT = 8443;
/** In upstream's order, so that its reconciler finds nothing to change: by group, then by resource. */
const JUDGED: readonly [group: string, resources: string[]][] = [
  ["", ["pods/ephemeralcontainers", "pods"]],
  ["apps", ["daemonsets"]],
  ["apps", ["deployments"]],
  ["apps", ["replicasets"]],
  ["apps", ["statefulsets"]],
  ["batch", ["cronjobs"]],
  ["batch", ["jobs"]],
];

/** Everything but the policy itself, in the order in which it can be applied. */
export function signatureInstall({ image, environments, plainRegistry }: SignatureInstall): KubeObject[] {
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: SIGNATURE_NAMESPACE } },
    policyType(),
    ...access(),
    // The controller fills them, and begins only when they are there.
    ...["config-image-policies", "config-policy-controller", "config-sigstore-keys"].map((name) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: inNamespace(name) })),
    { apiVersion: "v1", kind: "Secret", metadata: inNamespace(CERTIFICATES) },
    {
      apiVersion: "v1", kind: "Service", metadata: inNamespace(SERVICE),
      spec: { selector: { role: SERVICE }, ports: [{ name: "https", port: 443, targetPort: PORT, protocol: "TCP" }] },
    },
    workload(image, plainRegistry),
    webhook(environments),
  ];
}

/** Every image of the environments must carry a signature of this key; no log is asked, as with `cosign verify --insecure-ignore-tlog`. */
export function signaturePolicy(publicKey: string): KubeObject {
  refuseNoKey(publicKey);
  const authorities = [{ name: "demanded-key", key: { data: publicKey, hashAlgorithm: "sha256" } }];
  return {
    apiVersion: "policy.sigstore.dev/v1alpha1", kind: "ClusterImagePolicy", metadata: { name: SIGNATURE_POLICY },
    spec: { mode: "enforce", images: [{ glob: "**" }], authorities },
  };
}

/** The controller takes any text, logs that it is no key, and goes on with the key that it had. */
function refuseNoKey(text: string): void {
  try {
    createPublicKey(text);
  } catch (error) {
    throw new UserError(`demanding signatures: ${DEMANDED_KEY} of the GitOps repository is no public key (${sentenceOf(error)}); commit the one that cosign wrote beside the private key`);
  }
}

function inNamespace(name: string): KubeObject["metadata"] {
  return { name, namespace: SIGNATURE_NAMESPACE };
}

/** One version and no schema: the only object of this type is made above. */
function policyType(): KubeObject {
  return {
    apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: { name: "clusterimagepolicies.policy.sigstore.dev" },
    spec: {
      group: "policy.sigstore.dev", scope: "Cluster",
      names: { kind: "ClusterImagePolicy", plural: "clusterimagepolicies", singular: "clusterimagepolicy", shortNames: ["cip"] },
      versions: [{
        name: "v1alpha1", served: true, storage: true, subresources: { status: {} },
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      }],
    },
  };
}

/** Upstream's rights without those of the parts that are left out, and without reading secrets of other namespaces. */
function access(): KubeObject[] {
  const rbac = "rbac.authorization.k8s.io";
  const name = "policy-controller";
  const hooks = "admissionregistration.k8s.io";
  const subjects = [{ kind: "ServiceAccount", name: SERVICE, namespace: SIGNATURE_NAMESPACE }];
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: inNamespace(SERVICE) },
    {
      apiVersion: `${rbac}/v1`, kind: "ClusterRole", metadata: { name },
      rules: [
        { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
        { apiGroups: [hooks], resources: ["validatingwebhookconfigurations"], verbs: ["list", "watch"] },
        { apiGroups: [hooks], resources: ["validatingwebhookconfigurations", "validatingwebhookconfigurations/finalizers"], verbs: ["get", "update"], resourceNames: [SIGNATURE_WEBHOOK] },
        { apiGroups: [""], resources: ["namespaces", "namespaces/finalizers"], verbs: ["get", "update"], resourceNames: [SIGNATURE_NAMESPACE] },
        { apiGroups: ["policy.sigstore.dev"], resources: ["clusterimagepolicies", "clusterimagepolicies/status"], verbs: ["get", "list", "update", "watch", "patch"] },
        // Whether a pod's account names pull secrets is looked up each time.
        { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["get"] },
      ],
    },
    { apiVersion: `${rbac}/v1`, kind: "ClusterRoleBinding", metadata: { name }, roleRef: { apiGroup: rbac, kind: "ClusterRole", name }, subjects },
    {
      apiVersion: `${rbac}/v1`, kind: "Role", metadata: inNamespace(name),
      rules: [{ apiGroups: [""], resources: ["configmaps", "secrets"], verbs: ["get", "list", "watch", "create", "update", "patch"] }],
    },
    { apiVersion: `${rbac}/v1`, kind: "RoleBinding", metadata: inNamespace(name), roleRef: { apiGroup: rbac, kind: "Role", name }, subjects },
  ];
}

function workload(image: string, plain: SignatureInstall["plainRegistry"]): KubeObject {
  const env = {
    SYSTEM_NAMESPACE: SIGNATURE_NAMESPACE, WEBHOOK_NAME: SERVICE, METRICS_DOMAIN: "sigstore.dev/policy", CONFIG_LOGGING_NAME: "config-logging",
    ...(plain === undefined ? {} : { PLAIN_REGISTRY: `${plain.name}=${plain.address}` }),
  };
  const probe = { httpGet: { scheme: "HTTPS", port: PORT, httpHeaders: [{ name: "k-kubelet-probe", value: "webhook" }] }, periodSeconds: 1, failureThreshold: 60 };
  const container = {
    name: SERVICE, image, imagePullPolicy: "IfNotPresent",
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
    ports: [{ name: "https", containerPort: PORT }],
    readinessProbe: probe, livenessProbe: probe,
    resources: { requests: { cpu: "40m", memory: "64Mi" }, limits: { memory: "400Mi" } },
    securityContext: {
      runAsNonRoot: true, runAsUser: 65532, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] }, seccompProfile: { type: "RuntimeDefault" },
    },
  };
  const labels = { role: SERVICE };
  return {
    apiVersion: "apps/v1", kind: "Deployment", metadata: inNamespace("policy-controller"),
    spec: {
      replicas: 1, selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { serviceAccountName: SERVICE, enableServiceLinks: false, terminationGracePeriodSeconds: 5, containers: [container] } },
    },
  };
}

/**
 * From the moment that it is there, nothing gets into an environment that was not judged: its rules and namespaces are
 * complete before the controller has added its certificate, and until then every call fails.
 */
function webhook(environments: readonly string[]): KubeObject {
  const namespaces = [
    // No label that somebody could take off: the API server itself sets this one.
    { key: "kubernetes.io/metadata.name", operator: "In", values: [...environments] },
    { key: "webhooks.knative.dev/exclude", operator: "DoesNotExist" },
  ];
  const one = {
    name: SIGNATURE_WEBHOOK, admissionReviewVersions: ["v1"], sideEffects: "None", failurePolicy: "Fail", timeoutSeconds: 15,
    namespaceSelector: { matchExpressions: namespaces },
    clientConfig: { service: { name: SERVICE, namespace: SIGNATURE_NAMESPACE, path: "/validations" } },
    rules: JUDGED.map(([group, resources]) => ({ operations: ["CREATE", "UPDATE"], apiGroups: [group], apiVersions: ["v1"], resources })),
  };
  return { apiVersion: "admissionregistration.k8s.io/v1", kind: "ValidatingWebhookConfiguration", metadata: { name: SIGNATURE_WEBHOOK }, webhooks: [one] };
}
