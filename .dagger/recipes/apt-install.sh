# Installs tools: apt-install.sh <package>...
set -eu
apt-get update -qq --error-on=any
apt-get install -qq --yes "$@" > /tmp/apt-install.log 2>&1 || {
    tail -n 20 /tmp/apt-install.log >&2
    echo "installing $*: apt failed, its last lines are above; run again, or check the Debian mirror" >&2
    exit 1
}
rm -rf /tmp/apt-install.log /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb
