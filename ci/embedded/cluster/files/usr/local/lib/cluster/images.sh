# containerd and the images it is given as archives. Sourced by `cluster`.
# /var/lib/containerd may be a cache volume: what it holds already is not imported again.
STORE=/var/lib/containerd
LOCAL=images.golden-path.internal

containerd_answers() { ctr version; }

start_containerd() {
  mkdir -p /run/containerd
  # An earlier cluster leaves containers behind that the CRI plugin and kubelet would spend time on.
  # Deleting them here costs nothing: the API server takes longer to start.
  if [ -e "$STORE/.in-use" ]; then
    part containerd containerd -c /usr/local/lib/cluster/containerd-cleanup.toml
    await "containerd answers (clean-up)" 30 containerd containerd_answers
    ctr -n k8s.io containers list -q | xargs -r ctr -n k8s.io containers delete >> "$LOGS/containerd.log" 2>&1 || true
    kill -TERM "${PARTS[containerd]}"
    wait "${PARTS[containerd]}" || true
    step "left-over containers removed"
  fi
  : > "$STORE/.in-use"
  part containerd containerd -c /etc/containerd/config.toml
  await "containerd answers" 30 containerd containerd_answers
  step "containerd"
}

# The manifest's digest names the content, and is found without reading the whole archive.
archive_digest() { tar -xOf "$1" --occurrence=1 --no-anchored index.json | grep -o 'sha256:[0-9a-f]\{64\}' | head -1; }

import_one() {
  local archive=$1 name digest marker
  name=$LOCAL/$(basename "$archive" .tar):imported
  digest=$(archive_digest "$archive") || { echo "$archive is not an OCI archive (no index.json)"; return 1; }
  marker=$STORE/.imported/$(basename "$archive" .tar)
  if [ "$(cat "$marker" 2>/dev/null)" = "$digest" ] && ctr -n k8s.io images list -q "name==$name" | grep -q .; then
    echo "$name is there already ($digest)"
    return 0
  fi
  ctr -n k8s.io images rm "$name" > /dev/null 2>&1 || true
  # The base name is for archives that name their image only by a tag: else it gets a name that CRI cannot find.
  ctr -n k8s.io images import --base-name "${name%:*}" --index-name "$name" "$archive" || return 1
  mkdir -p "$STORE/.imported"
  echo "$digest" > "$marker"
}

# All at once: one import is bound by one core's unpacking.
import_images() {
  local archive rc=0 pids=()
  for archive in /usr/local/share/cluster/pause.tar /images/*.tar; do
    [ -e "$archive" ] || continue
    import_one "$archive" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || rc=1; done
  return "$rc"
}
