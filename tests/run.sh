#!/usr/bin/env bash
# Everything that has to pass: formatting, lints, all tests. Installs the Debian packages that the tests need and starts
# a Redis of its own, which ends with this script.
set -euo pipefail
cd "$(dirname "$0")/.."

# binary:package
needs=(cc:gcc redis-server:redis-server)

install_missing() {
  local missing=() need
  for need in "${needs[@]}"; do
    command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}")
  done
  [ "${#missing[@]}" -eq 0 ] && return
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -q
  # A packaged server must not start by itself.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -q -y --no-install-recommends "${missing[@]}"
}

work=""
redis_pid=""
clean_up() {
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

install_missing
work=$(mktemp -d)
start_redis
cargo fmt --all --check
cargo clippy --workspace --all-targets --locked -- -D warnings
cargo test --workspace --locked
# A hundred callers whose calls lose their parts: a release build, since a debug build has no time for so many.
cargo build --release --locked
for seed in 1 2; do
  timeout 60 cargo run --release --locked --quiet -- chaos --calls 100 --seed "$seed"
done
