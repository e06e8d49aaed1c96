# Pushes an OCI archive as it is, unless the registry has it under this tag, and checks what the registry then has:
#   push-image.sh <archive> <repository> <tag> <expected digest> <http|https> <credentials file or "">
set -eu
archive=$1 repository=$2 tag=$3 expected=$4 scheme=$5 auth=$6
push="--dest-tls-verify=true" look="--tls-verify=true"
[ "$scheme" = https ] || push="--dest-tls-verify=false" look="--tls-verify=false"
[ -z "$auth" ] || { push="$push --dest-authfile $auth" look="$look --authfile $auth"; }
# Tags are for people, and allow fewer characters than versions do.
tag=$(printf '%s' "$tag" | tr -c 'A-Za-z0-9_.-' '-' | cut -c1-128)
# To read the archive takes longer than all else; a registry has a manifest only after what it names.
had=$(timeout 60 skopeo inspect --no-tags $look --format '{{.Digest}}' "docker://$repository:$tag" 2>/dev/null) || had=none
[ "$had" != "$expected" ] || exit 0
timeout 300 skopeo copy --quiet --insecure-policy --retry-times 3 --preserve-digests $push "oci-archive:$archive" "docker://$repository:$tag" || {
    [ $? -eq 124 ] && what="did not take the image within 300 s" || what="did not take the image; what it said stands above"
    echo "publishing $repository: the registry $what; check that it can be reached and written to" >&2
    exit 1
}
found=$(timeout 60 skopeo inspect --retry-times 3 $look --format '{{.Digest}}' "docker://$repository@$expected") || {
    echo "publishing $repository: the registry does not return $expected after the push; check that it keeps manifests as they are" >&2
    exit 1
}
[ "$found" = "$expected" ] || {
    echo "publishing $repository: the registry has $found where $expected was built; check that it keeps manifests as they are" >&2
    exit 1
}
