# Adds Node to a root: finish-node.sh <root> <package of the official binaries>
set -eu
root=$1 package=$2
install -D -m 755 "$package/bin/node" "$root/usr/bin/node"
install -D -m 644 "$package/LICENSE" "$root/usr/share/doc/node/copyright"
# Symbol tables only; what add-ons link to stays.
strip --strip-unneeded "$root/usr/bin/node"
chroot "$root" /usr/bin/node --eval 'new Intl.NumberFormat("en").format(1)' || {
    echo "checking the Node root: node does not start in it; add what it misses to the lock" >&2
    exit 1
}
