import { ARGOCD_NAMESPACE } from "./argocd-install.ts";
import type { KubeObject } from "./kube.ts";
import { SEALED_FILE } from "./sealed.ts";

/** What decrypts secrets beside Argo CD's repo-server: a config management plugin in a sidecar. Pure. */

/** Made by whoever runs the cluster, never in Git. */
export const AGE_SECRET = "golden-path-age";
const PLUGIN = "golden-path-secrets";
const KEYS = "/run/golden-path/age";

/**
 * Prints the release with a Secret in the place of the encrypted file. The service is the folder above `manifests`.
 * The lines of a decrypted value are escapes in JSON, so its own line breaks may go. A key that does not fit ends it
 * before anything of the Secret is printed: a failed command in a pipe would not.
 */
const GENERATE = `
set -eu
for file in *.yaml; do
  [ "$file" = ${SEALED_FILE} ] || { echo ---; cat "$file"; echo; }
done
values=$(sops decrypt --output-type json ${SEALED_FILE})
values=$(printf %s "$values" | tr -d '\\n\\t')
service=$(basename "$(dirname "$ARGOCD_APP_SOURCE_PATH")")
printf -- '---\\napiVersion: v1\\nkind: Secret\\nmetadata:\\n  name: %s\\n  namespace: %s\\nstringData: %s\\n' "$service" "$ARGOCD_APP_NAMESPACE" "$values"
`;

/** The plugin's description; Argo CD gives it every folder that holds an encrypted file. */
export function pluginConfig(): KubeObject {
  const plugin = {
    apiVersion: "argoproj.io/v1alpha1", kind: "ConfigManagementPlugin", metadata: { name: PLUGIN },
    spec: { discover: { fileName: `./${SEALED_FILE}` }, generate: { command: ["sh", "-c"], args: [GENERATE] } },
  };
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: PLUGIN, namespace: ARGOCD_NAMESPACE }, data: { "plugin.yaml": JSON.stringify(plugin) } };
}

/** The keys as age-keygen writes them; several are tried one after the other. */
export function ageSecret(keys: string): KubeObject {
  return { apiVersion: "v1", kind: "Secret", metadata: { name: AGE_SECRET, namespace: ARGOCD_NAMESPACE }, stringData: { "keys.txt": keys } };
}

/** The part of the repo-server's Deployment that brings the sidecar, to be applied by a manager of its own. */
export function sidecar(image: string): KubeObject {
  const container = {
    name: PLUGIN, image, imagePullPolicy: "IfNotPresent", command: ["/usr/local/bin/argocd-cmp-server"],
    env: [{ name: "SOPS_AGE_KEY_FILE", value: `${KEYS}/keys.txt` }],
    resources: { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "256Mi" } },
    securityContext: {
      runAsNonRoot: true, runAsUser: 999, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] }, seccompProfile: { type: "RuntimeDefault" },
    },
    volumeMounts: [
      { name: "var-files", mountPath: "/var/run/argocd" },
      { name: "plugins", mountPath: "/home/argocd/cmp-server/plugins" },
      { name: PLUGIN, mountPath: "/home/argocd/cmp-server/config" },
      { name: AGE_SECRET, mountPath: KEYS, readOnly: true },
      // Not the repo-server's own: what one writes the other need not see.
      { name: `${PLUGIN}-tmp`, mountPath: "/tmp" },
    ],
  };
  const volumes = [
    { name: PLUGIN, configMap: { name: PLUGIN } },
    { name: AGE_SECRET, secret: { secretName: AGE_SECRET } },
    { name: `${PLUGIN}-tmp`, emptyDir: {} },
  ];
  return {
    apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "argocd-repo-server", namespace: ARGOCD_NAMESPACE },
    spec: { template: { spec: { containers: [container], volumes } } },
  };
}
