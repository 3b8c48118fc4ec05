#!/usr/bin/env bash
# Everything that has to pass: formatting, lints, all tests. Installs the Debian packages that the tests need and starts
# a Redis and a PostgreSQL of its own, which end with this script.
set -euo pipefail
cd "$(dirname "$0")/.."

# binary:package
needs=(cc:gcc redis-server:redis-server)

install_missing() {
  local missing=() need
  for need in "${needs[@]}"; do
    command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}")
  done
  # Debian has it on no PATH.
  command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
  [ "${#missing[@]}" -eq 0 ] && return
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -q
  # A packaged server must not start by itself, nor make a database of its own.
  if [[ " ${missing[*]} " == *" postgresql "* && ! -e /etc/postgresql-common/createcluster.conf ]]; then
    "${as_root[@]}" mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -q -y --no-install-recommends "${missing[@]}"
}

work=""
redis_pid=""
postgres_pid=""
clean_up() {
  # The end of its input ends it.
  [ -z "${postgres[1]:-}" ] || { eval "exec ${postgres[1]}>&-"; wait "$postgres_pid" 2>/dev/null || true; }
  [ -z "$redis_pid" ] || kill "$redis_pid" 2>/dev/null || true
  [ -z "$work" ] || rm -rf "$work"
}
trap clean_up EXIT

start_redis() {
  local socket="$work/redis.sock" tries
  redis-server --port 0 --unixsocket "$socket" --save '' --appendonly no --dir "$work" >"$work/redis.log" &
  redis_pid=$!
  for tries in $(seq 100); do
    [ -S "$socket" ] && break
    sleep 0.1
  done
  [ -S "$socket" ] || { echo "redis-server did not start:" >&2; cat "$work/redis.log" >&2; exit 1; }
  export OTTO_TEST_REDIS_URL="redis+unix://$socket"
}

start_postgres() {
  coproc postgres { exec tests/postgres.sh; }
  # The name of a coprocess is forgotten when it ends.
  postgres_pid=$!
  read -r OTTO_TEST_POSTGRES_URL <&"${postgres[0]}" || { echo "PostgreSQL did not start" >&2; exit 1; }
  export OTTO_TEST_POSTGRES_URL
}

install_missing
work=$(mktemp -d)
start_redis
start_postgres
cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- -D warnings
cargo test --workspace --locked --lib --bins
cargo test --workspace --locked --doc
# Whole calls take their time without taking the machine's, but for those that load it: these have it to themselves.
cargo test --workspace --locked --test '*' -- --test-threads 6 --skip load:: --skip crash::
cargo test --workspace --locked --test '*' load:: -- --test-threads 1
cargo test --workspace --locked --test '*' crash:: -- --test-threads 1
# A hundred callers whose calls lose their parts: a release build, since a debug build has no time for so many.
# What was built is run as it is: cargo would build once more for a choice of packages with other features.
cargo build --release --locked -p otto -p otto-sim
release="${CARGO_TARGET_DIR:-target}/release"
for seed in 1 2; do
  timeout 60 "$release/otto" chaos --calls 100 --seed "$seed"
done
# What the engine costs, as a multiple of what the least program costs beside it: absolute times would be the machine's.
timeout 180 "$release/otto-compare" --script chat --calls 40 --ramp-per-second 20 --seconds 5 \
  --ms-per-char 20 --rounds 2 --max-cpu-ratio 3 --quiet
# Calls that come and go for a minute: nothing may grow. Ratios are judged, not times, so that a slow machine passes too.
timeout 180 "$release/otto-load" --soak 60s --calls 20 --script mixed --seconds 12 --quiet
