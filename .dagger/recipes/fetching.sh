# Runs a command that downloads: with the mirrors and certificate list of this
# network in its environment. What is set here ends with the exec; nothing of
# it is written anywhere that is kept.
#   fetching.sh <command> [argument...]
set -eu
if [ -s /run/mirrors.env ]; then
    set -a
    . /run/mirrors.env
    set +a
fi
: "${DEBIAN_MIRROR:=https://deb.debian.org/debian}"
: "${DEBIAN_SECURITY_MIRROR:=https://deb.debian.org/debian-security}"
: "${NPM_CONFIG_REGISTRY:=https://registry.npmjs.org}"
NPM_CONFIG_REGISTRY=${NPM_CONFIG_REGISTRY%/}
export DEBIAN_MIRROR DEBIAN_SECURITY_MIRROR NPM_CONFIG_REGISTRY

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

# apt with these two archives alone, whatever the base image lists.
apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
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
timeout --kill-after=10 "$limit" "$@" || code=$?
case $code in
    0) exit 0 ;;
    124 | 137) echo "fetching packages: \`$*\` had no end after $limit s; check the network and the package mirrors, then run again" >&2 ;;
    *)
        # Recipes have their own sentence.
        [ "$1" = sh ] || echo "fetching packages: \`$1\` ended with $code, its words are above; run again, or check the package mirrors and what the lock names" >&2
        ;;
esac
exit "$code"
