# Installs what a Node service needs at run time: node-dependencies.sh <folder with package*.json> <root>
set -eu
from=$1 root=$2
mkdir -p "$root/app" /tmp/run-time
cp "$from/package.json" "$from/package-lock.json" /tmp/run-time/
cd /tmp/run-time
# No install scripts: nothing of another's runs for what goes into an image.
npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
rm -f node_modules/.package-lock.json
rm -rf node_modules/.bin
if [ -d node_modules ] && [ -n "$(ls -A node_modules)" ]; then
    mv node_modules "$root/app/node_modules"
fi
