# Makes Python start fast in a root that is read-only:
#   finish-python.sh <root>
# Without compiled files it would compile the standard library at every start
# (2.5 s of processor time instead of 0.7). They are unchecked: no times in them.
set -eu
root=$1
ln -s python3.13 "$root/usr/bin/python3"
# Its own interpreter compiles, which proves that the root can run one.
PYTHONHASHSEED=0 chroot "$root" /usr/bin/python3 -m compileall -q -j1 --invalidation-mode unchecked-hash /usr/lib/python3.13
# Every native module must find its libraries.
chroot "$root" /usr/bin/python3 -B -c '
import importlib, pathlib, sys
for file in sorted(pathlib.Path("/usr/lib/python3.13/lib-dynload").glob("*.so")):
    try:
        importlib.import_module(file.name.partition(".")[0])
    except ImportError as error:
        sys.exit(f"checking the Python root: {file.name} cannot be loaded: {error}; add its package to the lock, or remove the file there")
'
