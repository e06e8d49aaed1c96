# unpack-folder.sh ARCHIVE FOLDER
set -eu
mkdir -p "$2"
tar -C "$2" -xf "$1"
