# pack-folders.sh CHECKOUT OUT FOLDER…: one archive a folder, OUT/0.tar, OUT/1.tar …; equal content, equal bytes.
set -eu
checkout=$1 out=$2
shift 2
mkdir -p "$out"
number=0
for folder in "$@"; do
  tar -C "$checkout/$folder" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu -cf "$out/$number.tar" .
  number=$((number + 1))
done
