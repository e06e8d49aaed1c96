# Runs a command that downloads: with the mirrors and certificate list of this
# network in its environment. What is set here ends with the exec; nothing of
# it is written anywhere that is kept.
#   fetching.sh <command> [argument...]
set -eu
[ ! -s /run/mirrors.env ] || . /run/mirrors.env
: "${DEBIAN_MIRROR:=https://deb.debian.org/debian}"
: "${DEBIAN_SECURITY_MIRROR:=https://deb.debian.org/debian-security}"
: "${NPM_CONFIG_REGISTRY:=https://registry.npmjs.org}"
NPM_CONFIG_REGISTRY=${NPM_CONFIG_REGISTRY%/}

# Tools with a certificate list of their own are pointed at the system's, to
# which an engine adds its host's authorities while the exec runs.
bundle=/etc/ssl/certs/ca-certificates.crt
export SSL_CERT_FILE=$bundle NODE_EXTRA_CA_CERTS=$bundle PIP_CERT=$bundle
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
# A mirror that falls silent is given up, tried again and then told, long before a tool's own limits (npm: 15 minutes).
export PIP_TIMEOUT=30 PIP_RETRIES=3
export NPM_CONFIG_FETCH_TIMEOUT=60000 NPM_CONFIG_FETCH_RETRIES=3 NPM_CONFIG_FETCH_RETRY_MINTIMEOUT=2000 NPM_CONFIG_FETCH_RETRY_MAXTIMEOUT=15000
export NPM_CONFIG_UPDATE_NOTIFIER=false NPM_CONFIG_FUND=false NPM_CONFIG_AUDIT=false
export DEBIAN_FRONTEND=noninteractive

apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT

# A mirror's address may hold a password. Tools get it in files and the address without it, so that it is in no
# argument and no environment; what one of them prints of it all the same is blotted out.
hide=$apt/hide
bare() { printf '%s' "$1" | sed 's#\(^\|[,|]\)\([a-z]*://\)[^/@,|]*@#\1\2#g'; }
: > "$apt/auth.conf"
for address in $(printf '%s,' "$DEBIAN_MIRROR" "$DEBIAN_SECURITY_MIRROR" "$NPM_CONFIG_REGISTRY" "${PIP_INDEX_URL:-}" "${GOPROXY:-}" | tr ',|' '  '); do
    who=$(printf '%s' "$address" | sed -n 's#^[a-z]*://\([^/@]*\)@.*#\1#p')
    [ -n "$who" ] || continue
    plain=$(printf '%s' "$who" | perl -pe 's/%([0-9A-Fa-f]{2})/chr hex $1/ge')
    coded=$(printf '%s' "$plain" | base64 -w0)
    printf 'machine %s login %s password %s\n' "$(bare "$address")" "${plain%%:*}" "${plain#*:}" >> "$apt/auth.conf"
    [ "$address" != "$NPM_CONFIG_REGISTRY" ] || printf '%s/:_auth=%s\n' "$(bare "$address" | sed 's#^[a-z]*:##')" "$coded" > "$apt/npmrc"
    for secret in "${who#*:}" "${plain#*:}" "$coded"; do
        [ -n "$secret" ] || continue
        printf 's/%s/***/g\n' "$(printf '%s' "$secret" | sed 's#[][\.*^$/]#\\&#g')" >> "$hide"
    done
done
if [ -s "$hide" ]; then
    DEBIAN_MIRROR=$(bare "$DEBIAN_MIRROR") DEBIAN_SECURITY_MIRROR=$(bare "$DEBIAN_SECURITY_MIRROR") NPM_CONFIG_REGISTRY=$(bare "$NPM_CONFIG_REGISTRY")
    [ ! -s "$apt/npmrc" ] || export NPM_CONFIG_USERCONFIG="$apt/npmrc"
    [ -z "${PIP_INDEX_URL:-}" ] || { printf '[global]\nindex-url = %s\n' "$PIP_INDEX_URL" > "$apt/pip.conf"; export PIP_CONFIG_FILE="$apt/pip.conf"; unset PIP_INDEX_URL; }
    [ -z "${GOPROXY:-}" ] || { printf 'GOPROXY=%s\n' "$GOPROXY" > "$apt/go.env"; export GOENV="$apt/go.env"; unset GOPROXY; }
fi
export DEBIAN_MIRROR DEBIAN_SECURITY_MIRROR NPM_CONFIG_REGISTRY
[ -z "${PIP_INDEX_URL:-}" ] || export PIP_INDEX_URL
[ -z "${GOPROXY:-}" ] || export GOPROXY

# apt with these two archives alone, whatever the base image lists.
key=/usr/share/keyrings/debian-archive-keyring.gpg
for kind in deb deb-src; do
    [ "$kind" = deb ] || [ "${APT_SOURCES:-}" = yes ] || continue
    [ "${APT_SECURITY_ONLY:-}" = yes ] || {
        echo "$kind [signed-by=$key] $DEBIAN_MIRROR trixie main"
        echo "$kind [signed-by=$key] $DEBIAN_MIRROR trixie-updates main"
    }
    echo "$kind [signed-by=$key] $DEBIAN_SECURITY_MIRROR trixie-security main"
done > "$apt/sources.list"
cat > "$apt/apt.conf" <<CONF
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Netrc "$apt/auth.conf";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Acquire::Max-FutureTime "7200";
Acquire::Languages "none";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Dpkg::Use-Pty "false";
CONF
export APT_CONFIG="$apt/apt.conf"

# What no tool bounds itself (Go's downloads) is bounded here.
limit=${FETCH_SECONDS:-1800}
code=0
if [ -s "$hide" ]; then
    mkfifo "$apt/out" "$apt/err"
    sed -u -f "$hide" < "$apt/out" &
    sed -u -f "$hide" < "$apt/err" >&2 &
    timeout --kill-after=10 "$limit" "$@" > "$apt/out" 2> "$apt/err" || code=$?
    wait
else
    timeout --kill-after=10 "$limit" "$@" || code=$?
fi
case $code in
    0) exit 0 ;;
    124 | 137) echo "fetching packages: \`$*\` had no end after $limit s; check the network and the package mirrors, then run again" >&2 ;;
    *)
        # Recipes have their own sentence.
        [ "$1" = sh ] || echo "fetching packages: \`$1\` ended with $code, its words are above; run again, or check the package mirrors and what the lock names" >&2
        ;;
esac
exit "$code"
