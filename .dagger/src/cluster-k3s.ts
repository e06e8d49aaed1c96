import { dag } from "@dagger.io/dagger";
import type { Directory } from "@dagger.io/dagger";
import { API_PORT, withRegistry, withState } from "./cluster-role.ts";
import type { Cluster, ClusterOptions } from "./cluster-role.ts";

const REGISTRY_NAME = "registry.golden-path.internal";

/**
 * k3s in the cluster role, by its documented interface. Its containerd pulls Argo CD and Redis
 * itself: where k3s' image can be pulled, theirs can be too.
 */
export function k3s({ images, registry, key }: ClusterOptions): Cluster {
  const image = dag.container().from(images.cluster);
  const pki = k3sPki(images.debian);
  const service = withState(image, images.cluster, "/var/lib/rancher/k3s/agent/containerd")
    .withMountedDirectory("/var/lib/rancher/k3s/server/tls", pki.directory("tls"))
    .withNewFile("/etc/rancher/k3s/registries.yaml", `mirrors:\n  ${REGISTRY_NAME}:\n    endpoint: ["http://registry:5000"]\n`)
    .withNewFile("/usr/local/bin/start-k3s", START_K3S, { permissions: 0o755 })
    .with((container) => withRegistry(container, registry))
    .withEnvVariable("CLUSTER_KEY", key)
    .withExposedPort(API_PORT)
    .asService({ args: ["sh", "/usr/local/bin/start-k3s"], insecureRootCapabilities: true });
  return {
    service,
    kubeconfig: pki.file("kubeconfig"),
    kubectl: image.file("/bin/kubectl"),
    images: { argocd: images.argocd, redis: images.redis },
  };
}

/**
 * k3s as its documentation describes it, without what the golden path does not use. Under cgroup
 * v2 a process may not stay in a group that has children: the root group is emptied first.
 */
const START_K3S = `#!/bin/sh
set -eu
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p /sys/fs/cgroup/init
  xargs -rn1 < /sys/fs/cgroup/cgroup.procs > /sys/fs/cgroup/init/cgroup.procs 2>/dev/null || true
  sed -e 's/ / +/g' -e 's/^/+/' < /sys/fs/cgroup/cgroup.controllers > /sys/fs/cgroup/cgroup.subtree_control
fi
exec k3s server --tls-san cluster --node-name node \\
  --disable traefik,servicelb,metrics-server,local-storage \\
  --disable-helm-controller --disable-network-policy --disable-cloud-controller
`;

/**
 * k3s takes its certificate authorities from server/tls when they are there before its first
 * start, so a kubeconfig can be made beforehand instead of being fished out of the running server.
 */
function k3sPki(debian: string): Directory {
  const month = new Date().toISOString().slice(0, 7);
  return dag
    .container()
    .from(debian)
    .withEnvVariable("PKI_MONTH", month)
    .withExec(["sh", "-ec", "apt-get update -qq && apt-get install -qq -y --no-install-recommends openssl >/dev/null"])
    .withExec(["sh", "-ec", K3S_PKI])
    .directory("/pki");
}

const K3S_PKI = `
mkdir -p /pki/tls/etcd && cd /pki/tls
ca() {
  openssl ecparam -name prime256v1 -genkey -noout -out $1.key
  openssl req -x509 -new -key $1.key -out $1.crt -days 365 -subj "/CN=golden-path-$(basename $1)" \\
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign
}
for name in server-ca client-ca request-header-ca etcd/server-ca etcd/peer-ca; do ca $name; done
openssl genrsa -traditional -out service.key 2048
openssl ecparam -name prime256v1 -genkey -noout -out /tmp/admin.key
openssl req -new -key /tmp/admin.key -out /tmp/admin.csr -subj /O=system:masters/CN=golden-path
printf 'extendedKeyUsage=clientAuth\\n' > /tmp/admin.ext
openssl x509 -req -in /tmp/admin.csr -CA client-ca.crt -CAkey client-ca.key -CAcreateserial -out /tmp/admin.crt -days 365 -extfile /tmp/admin.ext
inline() { base64 -w0 < $1; }
cat > /pki/kubeconfig <<CONFIG
apiVersion: v1
kind: Config
clusters: [{name: cluster, cluster: {server: "https://cluster:6443", certificate-authority-data: "$(inline server-ca.crt)"}}]
users: [{name: admin, user: {client-certificate-data: "$(inline /tmp/admin.crt)", client-key-data: "$(inline /tmp/admin.key)"}}]
contexts: [{name: admin, context: {cluster: cluster, user: admin}}]
current-context: admin
CONFIG
`;
