# The datastore, the API server and the controllers. Sourced by `cluster`.
STATE_DB=$CONFIG/state.db

# The datastore is in memory: it lives as long as the cluster.
start_datastore() {
  part kine kine --endpoint "sqlite://$STATE_DB?_journal=WAL&cache=shared&_busy_timeout=30000&_txlock=immediate&_synchronous=OFF" \
    --listen-address 127.0.0.1:2379 --metrics-bind-address 0 --watch-progress-notify-interval 5s
}

# start_apiserver ARGUMENT...: further arguments of this use
start_apiserver() {
  part apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 \
    --secure-port=6443 --advertise-address="$NODE_ADDRESS" --service-cluster-ip-range="$SERVICE_NETWORK" \
    --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" --client-ca-file="$PKI/ca.crt" \
    --service-account-key-file="$PKI/sa.pub" --service-account-signing-key-file="$PKI/sa.key" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --kubelet-client-certificate="$PKI/kubelet-client.crt" --kubelet-client-key="$PKI/kubelet-client.key" \
    --kubelet-preferred-address-types=InternalIP --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --allow-privileged=true --anonymous-auth=false --enable-priority-and-fairness=false --profiling=false "$@"
}

start_controller_manager() {
  part controller-manager kube-controller-manager --kubeconfig="$CONFIG/controller-manager.kubeconfig" \
    --authentication-kubeconfig="$CONFIG/controller-manager.kubeconfig" --authorization-kubeconfig="$CONFIG/controller-manager.kubeconfig" \
    --service-account-private-key-file="$PKI/sa.key" --root-ca-file="$PKI/ca.crt" --use-service-account-credentials \
    --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" \
    --cluster-cidr="$POD_NETWORK" --allocate-node-cidrs=false --leader-elect=false \
    --kube-api-qps=300 --kube-api-burst=600 --concurrent-deployment-syncs=10 --concurrent-replicaset-syncs=10 --profiling=false
}

start_scheduler() {
  part scheduler kube-scheduler --kubeconfig="$CONFIG/scheduler.kubeconfig" \
    --authentication-kubeconfig="$CONFIG/scheduler.kubeconfig" --authorization-kubeconfig="$CONFIG/scheduler.kubeconfig" \
    --leader-elect=false --kube-api-qps=200 --kube-api-burst=400 --profiling=false
}

api_listens() { (: < /dev/tcp/127.0.0.1/6443) 2>&1; }

# request METHOD PATH [BODY]: prints the API server's answer. kubectl would cost a tenth of a second of the
# processor that the starting parts need; this costs a hundredth.
request() {
  local method=$1 path=$2 body=${3:-}
  printf '%s %s HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' "$method" "$path" "${#body}" "$body" |
    timeout 5 openssl s_client -quiet -verify_quiet -verify_return_error -CAfile "$PKI/ca.crt" -cert "$PKI/admin.crt" -key "$PKI/admin.key" \
      -connect 127.0.0.1:6443 2> /dev/null || true
}

# answers PATH [TEXT]: whether the API server answers 200, with that text in it
answers() {
  local answer
  answer=$(request GET "$1")
  [[ $answer == HTTP/1.?\ 200* && $answer == *"${2:-}"* ]] || { echo "${answer%%$'\r'*}"; return 1; }
}

await_api() {
  await "the API server's port is open" 90 apiserver api_listens
  await "the API server is ready" 60 apiserver answers /readyz
}
