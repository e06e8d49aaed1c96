# Configuration files that depend on the node's address or the PKI directory. Sourced by `cluster`.

# kubeconfig NAME: for one part, with its own certificate
kubeconfig() {
  cat > "$CONFIG/$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
current-context: cluster
contexts: [{name: cluster, context: {cluster: cluster, user: $1}}]
clusters: [{name: cluster, cluster: {server: "https://127.0.0.1:6443", certificate-authority: $PKI/ca.crt}}]
users: [{name: $1, user: {client-certificate: $PKI/$1.crt, client-key: $PKI/$1.key}}]
YAML
}

write_config() {
  local name
  for name in admin kubelet controller-manager scheduler proxy; do kubeconfig "$name"; done

  # Eviction and its accounting are off: the cluster lives minutes, and disk belongs to the engine.
  cat > "$CONFIG/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $PKI/kubelet-serving.crt
tlsPrivateKeyFile: $PKI/kubelet-serving.key
clusterDNS: ["$NODE_ADDRESS"]
clusterDomain: cluster.local
resolvConf: /etc/resolv.conf
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
enforceNodeAllocatable: []
failSwapOn: false
failCgroupV1: false
featureGates: {KubeletInUserNamespace: true}
localStorageCapacityIsolation: false
evictionHard: {"nodefs.available": "0%", "imagefs.available": "0%", "memory.available": "1Mi"}
imageGCHighThresholdPercent: 100
serializeImagePulls: false
registryPullQPS: 0
eventRecordQPS: 0
kubeAPIQPS: 200
kubeAPIBurst: 400
syncFrequency: 5s
volumeStatsAggPeriod: -1s
nodeStatusUpdateFrequency: 5s
YAML

  # hosts first: pods must reach the services that the engine bound to this container (git, registry).
  # No cache: names asked for before they exist must be found as soon as they do.
  cat > "$CONFIG/Corefile" <<CONF
.:53 {
  bind $NODE_ADDRESS
  errors
  ready 127.0.0.1:8181
  hosts /etc/hosts {
    fallthrough
  }
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $CONFIG/admin.kubeconfig
  }
  forward . /etc/resolv.conf
}
CONF

  # Routed (ptp) rather than bridged: pods of one node reach each other through services without br_netfilter.
  # Pods get the MTU of the container's own interface, which may be below 1500.
  mkdir -p /etc/cni/net.d
  cat > /etc/cni/net.d/10-pods.conflist <<JSON
{
  "cniVersion": "1.0.0",
  "name": "pods",
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": false,
      "mtu": $(node_mtu),
      "ipam": {
        "type": "host-local",
        "dataDir": "/run/cni",
        "ranges": [[{"subnet": "$POD_NETWORK"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
JSON

  # The stable registry name of all manifests, wherever the registry is in this run.
  local host registry=${CLUSTER_REGISTRY:-http://registry:5000}
  for host in registry.golden-path.internal "${registry#*://}"; do
    mkdir -p "/etc/containerd/certs.d/$host"
    cat > "/etc/containerd/certs.d/$host/hosts.toml" <<TOML
server = "$registry"
[host."$registry"]
  capabilities = ["pull", "resolve"]
TOML
  done
}
