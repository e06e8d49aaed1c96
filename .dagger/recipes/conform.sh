# Holds manifests against Kubernetes' schemas:
#   conform.sh <folder of manifests>
set -eu
# A field that no schema has is refused, and so is a kind without a schema: neither would do what its writer meant.
said=$(kubeconform -strict -summary -output text -schema-location '/api/{{.ResourceKind}}{{.KindSuffix}}.json' "$1" 2>&1) && code=0 || code=$?
# Paths as the reader knows them.
printf '%s\n' "$said" | sed "s#$1/##"
exit "$code"
