# Packs an image layout as an OCI archive, the same bytes for the same image:
#   pack-archive.sh <layout> <archive>
set -eu
cd "$1"
# Whatever else is wrong, no blob may lie about its name.
for blob in blobs/sha256/*; do
    echo "${blob##*/}  $blob"
done | sha256sum --check --quiet
tar --create --format=gnu --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
    --file "$2" blobs index.json oci-layout
