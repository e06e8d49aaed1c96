# Lays a Python service's packages out for the image: python-app.sh <source> <root>
set -eu
source=$1 root=$2
mkdir -p "$root/app"
cp -R "$source/src/." "$root/app/"
find "$root/app" -name '__pycache__' -prune -exec rm -rf {} +
PYTHONHASHSEED=0 /opt/venv/bin/python -m compileall -q -j1 --invalidation-mode unchecked-hash -s "$root" -p / "$root/app"
