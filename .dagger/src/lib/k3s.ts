/**
 * What k3s is told, as its documentation describes it (docs.k3s.io: `k3s server`, private registries,
 * custom CA certificates). Pure, so that a test can hold it against the documented interface.
 */

/** k3s without what the golden path does not use. */
export const K3S_SERVER: readonly string[] = [
  "server",
  // The certificate must name what the kubeconfig calls it.
  "--tls-san=cluster",
  "--node-name=node",
  "--disable=traefik,servicelb,metrics-server,local-storage",
  "--disable-helm-controller",
  "--disable-network-policy",
  // It serves load balancers and node addresses of a cloud; nothing here asks for either.
  "--disable-cloud-controller",
];

/** The multicall program of the image: called by the name `kubectl`, it is kubectl. */
export const K3S_PROGRAM = "/bin/k3s";

/** The store of containerd below k3s' data folder. */
export const K3S_STORE = "/var/lib/rancher/k3s/agent/containerd";

/** Where k3s looks for certificate authorities before it makes its own. */
export const K3S_TLS = "/var/lib/rancher/k3s/server/tls";

/** Where k3s reads mirrors from, which it hands to its containerd. */
export const K3S_REGISTRIES = "/etc/rancher/k3s/registries.yaml";

/** Authorities that must be there before the first start, each with certificate and key; beside them `service.key`. */
export const K3S_AUTHORITIES: readonly string[] = ["server-ca", "client-ca", "request-header-ca", "etcd/server-ca", "etcd/peer-ca"];

/** Names below `registry` are pulled from `endpoint`. */
export function k3sRegistries(registry: string, endpoint: string): string {
  return `mirrors:\n  ${registry}:\n    endpoint: ["${endpoint}"]\n`;
}

/** Under cgroup v2 a process may not stay in a group that has children: the root group is emptied first. */
export const K3S_START = `#!/bin/sh
set -eu
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p /sys/fs/cgroup/init
  xargs -rn1 < /sys/fs/cgroup/cgroup.procs > /sys/fs/cgroup/init/cgroup.procs 2>/dev/null || true
  sed -e 's/ / +/g' -e 's/^/+/' < /sys/fs/cgroup/cgroup.controllers > /sys/fs/cgroup/cgroup.subtree_control
fi
exec ${K3S_PROGRAM} ${K3S_SERVER.join(" ")}
`;

/**
 * k3s takes its certificate authorities from a folder when they are there before its first start, so a kubeconfig
 * can be made beforehand instead of being fished out of the running server. Needs openssl; writes /pki.
 */
export const K3S_PKI = `
mkdir -p /pki/tls/etcd && cd /pki/tls
ca() {
  openssl ecparam -name prime256v1 -genkey -noout -out $1.key
  openssl req -x509 -new -key $1.key -out $1.crt -days 365 -subj "/CN=golden-path-$(basename $1)" \\
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign
}
for name in ${K3S_AUTHORITIES.join(" ")}; do ca $name; done
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
