# Makes a root without package manager from locked packages:
#   unpack-debs.sh <list> <cache> <root> <patterns to remove, one a line>
set -eu
list=$1 cache=$2 root=$3 remove=$4
status=$root/var/lib/dpkg/status.d
mkdir -p "$root" "$status"
while read -r archive path sha256 name version; do
    echo "$sha256  $cache/$sha256.deb" | sha256sum --check --status || {
        echo "unpacking $name $version: it is not in the package cache as locked; run again" >&2
        exit 1
    }
    dpkg-deb --extract "$cache/$sha256.deb" "$root"
    # Scanners read installed packages here when there is no dpkg.
    dpkg-deb --field "$cache/$sha256.deb" > "$status/$name"
    dpkg-deb --ctrl-tarfile "$cache/$sha256.deb" | tar -xO ./md5sums > "$status/$name.md5sums" 2>/dev/null || rm -f "$status/$name.md5sums"
done < "$list"

# Authorities that browsers trust, from the package's own files: never the build
# host's bundle, which may hold more.
if [ -d "$root/usr/share/ca-certificates" ]; then
    mkdir -p "$root/etc/ssl/certs"
    find "$root/usr/share/ca-certificates" -name '*.crt' | LC_ALL=C sort | xargs cat > "$root/etc/ssl/certs/ca-certificates.crt"
    rm -rf "$root/usr/share/ca-certificates"
fi

# Documentation goes, copyright files stay.
if [ -d "$root/usr/share/doc" ]; then
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    # A package may share another's folder by a link; only dangling ones go.
    find "$root/usr/share/doc" -xtype l -delete
fi
cd "$root"
rm -rf usr/share/man usr/share/info usr/share/locale usr/share/lintian usr/share/bug usr/share/doc-base usr/share/applications usr/share/pixmaps usr/sbin/* etc/init.d etc/default etc/kernel etc/profile* etc/update-motd.d etc/ca-certificates* etc/skel etc/dpkg etc/issue* etc/motd var/cache var/backups
while read -r pattern; do
    # The pattern's own globs are wanted.
    [ -z "$pattern" ] || rm -rf -- $pattern
done < "$remove"
find usr/share/doc usr/share -depth -type d -empty -delete 2>/dev/null || true
for file in "$status"/*.md5sums; do
    while read -r sum path; do
        [ ! -e "$root/$path" ] || printf '%s  %s\n' "$sum" "$path"
    done < "$file" > "$file.kept"
    mv "$file.kept" "$file"
done

mkdir -p app home/nonroot tmp
cat > etc/passwd <<'PASSWD'
root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
PASSWD
cat > etc/group <<'GROUP'
root:x:0:
nogroup:x:65534:
nonroot:x:65532:
GROUP
echo 'hosts: files dns' > etc/nsswitch.conf
# No program here may run as somebody else.
find . -xdev -type f -perm /6000 -exec chmod ug-s {} +
