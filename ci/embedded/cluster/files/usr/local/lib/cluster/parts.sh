# Parts (background processes) and bounded waits. Sourced by `cluster`.
declare -A PARTS=()
TIMINGS=/run/cluster/timings

seconds() {
  local us=$((${EPOCHREALTIME//[!0-9]/} - STARTED))
  printf '%d.%02d' $((us / 1000000)) $((us % 1000000 / 10000))
}

# step TEXT: a finished step, with the time since start; kept for the readiness marker
step() {
  local line
  line="$(seconds) $*"
  echo "cluster: $line"
  echo "$line" >> "$TIMINGS"
}

# fail PART SENTENCE: shows the end of that part's log, says what went wrong (last, where it is looked for), ends
fail() {
  local part=$1 log=$LOGS/$1.log
  shift
  if [ -s "$log" ]; then
    echo "--- last lines of $log" >&2
    tail -n 25 "$log" >&2
    echo "---" >&2
  fi
  echo "cluster: $* (after $(seconds) s)" >&2
  stop_parts
  exit 1
}

# part NAME COMMAND...: starts one part, its output in its own log
part() {
  local name=$1
  shift
  "$@" > "$LOGS/$name.log" 2>&1 &
  PARTS[$name]=$!
}

# finish NAME LIMIT: waits for a part that is meant to end by itself with 0
finish() {
  local name=$1 limit=$2 pid=${PARTS[$1]} end=$((SECONDS + $2)) rc=0
  while kill -0 "$pid" 2>/dev/null; do
    ((SECONDS < end)) || fail "$name" "gave up waiting for $name: not done after $limit s"
    sleep 0.05
  done
  wait "$pid" || rc=$?
  unset "PARTS[$name]"
  ((rc == 0)) || fail "$name" "$name failed with exit code $rc"
}

# end_part NAME LIMIT: asks one part to end, and waits until it has
end_part() {
  local name=$1 limit=$2 pid=${PARTS[$1]} end=$((SECONDS + $2))
  kill -TERM "$pid"
  while kill -0 "$pid" 2>/dev/null; do
    ((SECONDS < end)) || fail "$name" "gave up waiting for $name to end: still there after $limit s"
    sleep 0.05
  done
  wait "$pid" 2>/dev/null || true
  unset "PARTS[$name]"
}

# await WHAT LIMIT PART COMMAND...: repeats COMMAND until it succeeds; ends early when PART has died
await() {
  local what=$1 limit=$2 part=$3 end=$((SECONDS + $2)) out
  shift 3
  until out=$("$@" 2>&1); do
    kill -0 "${PARTS[$part]}" 2>/dev/null || fail "$part" "$part ended while waiting for: $what"
    ((SECONDS < end)) || fail "$part" "gave up waiting for: $what, not true after $limit s; last answer: ${out:-none}"
    sleep 0.1
  done
}

# supervise: returns only when a part has died
supervise() {
  local ended name
  wait -n -p ended "${PARTS[@]}" || true
  for name in "${!PARTS[@]}"; do
    [ "${PARTS[$name]}" != "${ended:-}" ] || fail "$name" "$name ended unexpectedly"
  done
  fail cluster "a part ended unexpectedly"
}

# Nothing here needs a last word: the datastore is in memory, and the image store survives a kill.
# What pods leave ends with this container.
stop_parts() {
  trap - TERM INT
  # All is said: bash would add a line for every part that is killed.
  exec 2> /dev/null
  kill -KILL "${PARTS[@]}"
}
