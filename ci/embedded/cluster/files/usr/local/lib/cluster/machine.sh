# What the container must look like before Kubernetes' parts run in it. Sourced by `cluster`.

prepare_machine() {
  # Mounts made by pods (service account tokens, …) must be visible to the runtime.
  mount --make-rshared /
  [ -s /etc/machine-id ] || tr -d - < /proc/sys/kernel/random/uuid > /etc/machine-id
  # kubelet reads out-of-memory events from here; not every container has it.
  [ -e /dev/kmsg ] || mknod /dev/kmsg c 1 11 2>/dev/null || ln -sf /dev/null /dev/kmsg
  evacuate_root_cgroup
  echo 1 > /proc/sys/net/ipv4/ip_forward
  choose_iptables
  # One rule for all pods is faster than one chain a pod by the CNI plugin.
  iptables -w -t nat -A POSTROUTING -s "$POD_NETWORK" ! -d "$POD_NETWORK" -j MASQUERADE
}

# cgroup v2: a cgroup with processes cannot hand controllers to its children.
evacuate_root_cgroup() {
  local root=/sys/fs/cgroup
  [ -f "$root/cgroup.controllers" ] || return 0
  mkdir -p "$root/init"
  xargs -rn1 < "$root/cgroup.procs" > "$root/init/cgroup.procs" 2>/dev/null || true
  sed -e 's/ / +/g' -e 's/^/+/' < "$root/cgroup.controllers" > "$root/cgroup.subtree_control"
}

# Some kernels have only one of the two backends.
choose_iptables() {
  iptables-nft -w -t nat -S > /dev/null 2>&1 && return 0
  update-alternatives --set iptables /usr/sbin/iptables-legacy > /dev/null
  update-alternatives --set ip6tables /usr/sbin/ip6tables-legacy > /dev/null
}

# enforces_policies: whether this kernel has what NetworkPolicies are enforced with
enforces_policies() {
  ipset create policies-probe hash:net && ipset destroy policies-probe && iptables -w -N POLICIES-PROBE &&
    iptables -w -A POLICIES-PROBE -m physdev --physdev-is-bridged -m mark ! --mark 0x10000/0x10000 -m limit --limit 10/minute -j NFLOG --nflog-group 100
  local rc=$?
  iptables -w -F POLICIES-PROBE && iptables -w -X POLICIES-PROBE
  return "$rc"
}

# The interface is not always eth0: ask the routing table.
node_address() {
  ip -4 route get 10.255.255.254 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p'
}

node_mtu() {
  local interface
  interface=$(ip -4 route get 10.255.255.254 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p')
  cat "/sys/class/net/$interface/mtu" 2>/dev/null || echo 1400
}
