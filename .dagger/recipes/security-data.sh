# Fetches what Debian's security suite fixes, its signature verified by apt:
#   security-data.sh <output directory>
# fetching.sh must run it with APT_SOURCES=yes APT_SECURITY_ONLY=yes.
set -eu
out=$1
mkdir -p "$out"
apt-get update -qq --error-on=any
apt-get indextargets --format '$(FILENAME)' 'Created-By: Sources' | while read -r index; do
    /usr/lib/apt/apt-helper cat-file "$index"
done | grep -E '^(Package|Version):|^$' > "$out/Sources"
# Cleartext part of the signed file: what apt has just verified.
sed -n '/^Origin:/,/^[A-Z0-9]*Sum:/p' /var/lib/apt/lists/*InRelease | grep -E '^(Origin|Suite|Codename|Date|Valid-Until):' > "$out/Release"
rm -rf /var/lib/apt/lists/*
