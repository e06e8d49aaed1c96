# Packs a directory as a layer whose bytes depend on its content alone:
#   pack-layer.sh <directory> <output directory>
# Writes layer.tar.gz and facts (digest, size, digest of the uncompressed tar).
set -eu
from=$1 out=$2
mkdir -p "$out"
# A clone's umask must not show.
find "$from" ! -type l -exec chmod u=rwX,go=rX {} +
[ ! -d "$from/tmp" ] || chmod 1777 "$from/tmp"
# GNU format: no extended headers, which carry times and process ids.
tar --create --format=gnu --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner \
    --no-acls --no-selinux --no-xattrs --file "$out/layer.tar" --directory "$from" .
diff=$(sha256sum "$out/layer.tar" | cut -d' ' -f1)
# The default level: the best one takes twice the time for half a per cent.
gzip --no-name "$out/layer.tar"
digest=$(sha256sum "$out/layer.tar.gz" | cut -d' ' -f1)
echo "sha256:$digest $(stat -c %s "$out/layer.tar.gz") sha256:$diff" > "$out/facts"
