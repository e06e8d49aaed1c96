# Prints the records of everything that would be installed on an empty system:
#   apt-records.sh <architecture> <package>...
set -eu
architecture=$1
shift
apt-get update -qq --error-on=any
# An empty status file: the closure must not depend on what this container has.
export_options="-o Dir::State::status=/dev/null -o APT::Architecture=$architecture"
chosen=$(apt-get $export_options --simulate --yes install "$@" | awk '$1 == "Inst" { gsub(/[()]/, ""); print $2 "=" $3 }')
apt-cache $export_options show $chosen
