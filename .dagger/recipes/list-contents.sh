# Lists what is in an OCI archive as CycloneDX JSON:
#   list-contents.sh <archive> <name> <version> <output>
# The lister reads what others wrote: it gets no network and no rights.
set -eu
archive=$1 name=$2 version=$3 out=$4
mkdir -p /tmp/lister "${out%/*}"
chown 65532:65532 /tmp/lister
unshare --net -- setpriv --reuid 65532 --regid 65532 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \
    env -i HOME=/tmp/lister TMPDIR=/tmp/lister SYFT_CHECK_FOR_APP_UPDATE=false \
    /usr/local/bin/syft scan "oci-archive:$archive" --source-name "$name" --source-version "$version" \
    --quiet --output cyclonedx-json=/tmp/lister/bom.json
cp /tmp/lister/bom.json "$out"
