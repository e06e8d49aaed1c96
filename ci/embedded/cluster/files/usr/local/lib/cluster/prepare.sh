# `cluster prepare DIR`: a datastore in which the objects of /install/*.json are already applied and
# their pods made and given to the node. A cluster that starts with it has nothing to install: kubelet
# finds the pods as soon as it looks. Needs no privileges. Sourced by `cluster`.
INSTALL=${CLUSTER_INSTALL:-/install}

# Files in the order of their names; what one file defines may be used in the next.
apply_install() {
  local file
  for file in "$INSTALL"/*.json; do
    [ -e "$file" ] || fail cluster "preparing a datastore: $INSTALL holds no *.json"
    kubectl apply --server-side --force-conflicts --field-manager=golden-path -f "$file" >> "$LOGS/install.log" 2>&1 ||
      fail install "preparing a datastore: applying $file failed"
    await "the types of $file are served" 60 apiserver types_served
  done
}

# `kubectl wait` gives up at once where a new type has no conditions at all yet, so it is asked again.
types_served() {
  [ -z "$(kubectl get customresourcedefinitions -o name)" ] ||
    kubectl wait --for=condition=Established customresourcedefinitions --all --timeout=5s
}

workloads() { kubectl get deployments,statefulsets -A -o jsonpath='{range .items[*]}{.spec.replicas}{"\n"}{end}'; }
pods() { kubectl get pods -A -o jsonpath='{range .items[*]}{.metadata.namespace}/pods/{.metadata.name}{"\n"}{end}'; }

pods_made() {
  local wanted=0 replicas made
  for replicas in $(workloads); do wanted=$((wanted + replicas)); done
  made=$(pods | wc -l)
  ((made >= wanted)) || { echo "$made of $wanted pods"; return 1; }
}

# What a scheduler would do; there is one node to choose from.
give_pods_to_node() {
  local pod
  for pod in $(pods); do
    kubectl create --raw "/api/v1/namespaces/$pod/binding" -f - >> "$LOGS/install.log" 2>&1 <<JSON || fail install "preparing a datastore: giving $pod to the node failed"
{"apiVersion":"v1","kind":"Binding","metadata":{"name":"${pod##*/}"},"target":{"apiVersion":"v1","kind":"Node","name":"node"}}
JSON
  done
}

prepare_datastore() {
  local out=$1
  kubeconfig admin
  kubeconfig controller-manager
  start_datastore
  # No address of this container may stay behind as one of the API server's.
  start_apiserver --endpoint-reconciler-type=none
  await_api
  step "API server"
  start_controller_manager
  apply_install
  step "objects applied"
  await "the controllers made the pods" 60 controller-manager pods_made
  give_pods_to_node
  step "pods given to the node"
  end_part controller-manager 20
  end_part apiserver 60
  end_part kine 20
  mkdir -p "$out"
  cp "$STATE_DB"* "$out/"
  step "datastore written"
}
