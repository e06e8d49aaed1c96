# Puts locked packages into a cache, each under its checksum:
#   fetch-debs.sh <list> <cache> <relock command>
# The list has one package a line: archive path sha256 name version.
set -eu
list=$1 cache=$2 relock=$3
new=$(mktemp -d "$cache/new.XXXXXX")
trap 'rm -rf "$new"' EXIT

holds() { [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status; }

set --
while read -r archive path sha256 name version; do
    # Verified every time: a cache volume is not a trusted place.
    holds "$cache/$sha256.deb" "$sha256" && continue
    case $archive in
        security) base=$DEBIAN_SECURITY_MIRROR ;;
        *) base=$DEBIAN_MIRROR ;;
    esac
    # A plus or tilde in a pool path must be escaped in a URL.
    url=$(printf '%s' "$base/$path" | sed 's/+/%2b/g; s/~/%7e/g')
    set -- "$@" "$url" "$new/$sha256.deb" "SHA256:$sha256"
done < "$list"
[ $# -eq 0 ] && exit 0

echo "fetching $(($# / 3)) Debian packages"
/usr/lib/apt/apt-helper download-file "$@" > "$new/log" 2>&1 || true
failed=0
while read -r archive path sha256 name version; do
    holds "$cache/$sha256.deb" "$sha256" && continue
    if holds "$new/$sha256.deb" "$sha256"; then
        mv "$new/$sha256.deb" "$cache/$sha256.deb"
        continue
    fi
    failed=1
    file=${path##*/}
    if grep -E "404|Not Found" "$new/log" | grep -qF "${name}_"; then
        echo "fetching $name $version: the mirror no longer has $path, a newer version has taken its place; run: $relock" >&2
    else
        echo "fetching $name $version: $file did not arrive, or differs from its checksum; run again, or check the Debian mirror" >&2
    fi
done < "$list"
[ "$failed" -eq 0 ] || { tail -n 5 "$new/log" >&2; exit 1; }
