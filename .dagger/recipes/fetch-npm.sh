# Fetches packages of npm's registry, checked against their checksums, without npm:
#   fetch-npm.sh <name> <version> <sha512, hexadecimal> <output directory> [...]
set -eu
while [ $# -ge 4 ]; do
    name=$1 version=$2 sha512=$3 out=$4
    shift 4
    file=$(mktemp -d)/package.tgz
    /usr/lib/apt/apt-helper download-file "$NPM_CONFIG_REGISTRY/$name/-/$name-$version.tgz" "$file" "SHA512:$sha512" > /tmp/fetch-npm.log 2>&1 || {
        cat /tmp/fetch-npm.log >&2
        echo "fetching $name $version from npm's registry: it did not arrive, or differs from its checksum; run again, or check the npm mirror" >&2
        exit 1
    }
    mkdir -p "$out"
    tar --extract --gzip --file "$file" --directory "$out" --strip-components=1 --no-same-owner
    rm -r "${file%/*}" /tmp/fetch-npm.log
done
