# Asks a registry whether it still has an image, with a tag whether it has it under that, and says so in one word:
#   find-image.sh <repository> <digest> <http|https> <credentials file or ""> [tag]
set -eu
repository=$1 digest=$2 scheme=$3 auth=$4 name=@$2
[ -z "${5:-}" ] || name=:$5
look="--tls-verify=true"
[ "$scheme" = https ] || look="--tls-verify=false"
[ -z "$auth" ] || look="$look --authfile $auth"
if said=$(timeout 60 skopeo inspect --retry-times 2 $look --format '{{.Digest}}' "docker://$repository$name" 2>&1); then
    case $said in *"$digest"*) echo there ;; *) echo gone ;; esac
    exit 0
fi
# Gone is an answer; a registry that does not answer is none, and must not pass for one.
case $said in
    *"manifest unknown"*|*MANIFEST_UNKNOWN*|*NAME_UNKNOWN*|*"name unknown"*|*"repository name not known"*|*"not found"*|*"status code 404"*) echo gone ;;
    *) printf 'unknown %s\n' "$(printf '%s' "$said" | tr '\n' ' ' | cut -c1-300)" ;;
esac
