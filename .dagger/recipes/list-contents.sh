# Lists what is in an OCI archive, as CycloneDX and as SPDX:
#   list-contents.sh <archive> <name> <version> <output>.cdx.json <output>.spdx.json
# The lister reads what others wrote: it gets no network and no rights.
set -eu
archive=$1 name=$2 version=$3 cyclonedx=$4 spdx=$5
mkdir -p /tmp/lister "${cyclonedx%/*}" "${spdx%/*}"
chown 65532:65532 /tmp/lister
unshare --net -- setpriv --reuid 65532 --regid 65532 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \
    env -i HOME=/tmp/lister TMPDIR=/tmp/lister SYFT_CHECK_FOR_APP_UPDATE=false \
    /usr/local/bin/syft scan "oci-archive:$archive" --source-name "$name" --source-version "$version" \
    --quiet --output cyclonedx-json=/tmp/lister/cyclonedx.json --output spdx-json=/tmp/lister/spdx.json
# A lister that ends well and says nothing has listed nothing.
[ -s /tmp/lister/cyclonedx.json ] && [ -s /tmp/lister/spdx.json ] || {
    echo "listing what is in $name: the scanner ended well, but wrote no bill of materials, so nothing is known; run again, and report it if it stays" >&2
    # The gate's code for it, GATE_CODES of the pipeline.
    exit 33
}
cp /tmp/lister/cyclonedx.json "$cyclonedx"
cp /tmp/lister/spdx.json "$spdx"
