# Installs locked dependencies for the image: python-dependencies.sh <requirements.txt> <root>
set -eu
target=/usr/lib/golden/python
requirements=$1 root=$2
mkdir -p "$root$target"
if grep -Eq '^[A-Za-z0-9]' "$requirements"; then
    /opt/venv/bin/pip install --quiet --require-hashes --only-binary=:all: --no-compile --target "$root$target" --requirement "$requirements"
fi
# Command line tools name a Python that the image does not have.
rm -rf "$root$target/bin"
PYTHONHASHSEED=0 /opt/venv/bin/python -m compileall -q -j1 --invalidation-mode unchecked-hash -s "$root" -p / "$root$target"
