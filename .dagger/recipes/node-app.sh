# Lays a built Node service out for the image: node-app.sh <built source> <root>
set -eu
source=$1 root=$2
mkdir -p "$root/app"
[ -d "$source/dist" ] || {
    echo "building: npm run build made no dist folder; let the build script write to dist/" >&2
    exit 1
}
cp -R "$source/dist" "$source/package.json" "$root/app/"
# Files that are served as they are.
[ ! -d "$source/public" ] || cp -R "$source/public" "$root/app/"
