#!/usr/bin/env bash
# A throw-away PostgreSQL for tests: prints its address, lives until its standard input ends, leaves nothing behind.
set -euo pipefail

server=$(command -v postgres || find /usr/lib/postgresql/*/bin/postgres 2>/dev/null | sort -V | tail -n 1 || true)
[ -n "$server" ] || { echo "postgres is missing: apt-get install postgresql, or set OTTO_TEST_POSTGRES_URL" >&2; exit 1; }
bin=$(dirname "$(readlink -f "$server")")
dir=$(mktemp -d)
pid=""
# The server refuses to run as root.
as=()
if [ "$(id -u)" -eq 0 ]; then
  chown postgres "$dir"
  as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi

clean_up() {
  if [ -n "$pid" ]; then
    kill -INT "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  fi
  rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

cd "$dir"
"${as[@]}" "$bin/initdb" -D "$dir/data" -U otto --auth=trust --no-sync -E UTF8 --locale=C >"$dir/log" 2>&1 ||
  { cat "$dir/log" >&2; exit 1; }
"${as[@]}" "$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c max_connections=300 -c fsync=off \
  -c full_page_writes=off </dev/null >>"$dir/log" 2>&1 &
pid=$!
for _ in $(seq 200); do
  "$bin/pg_isready" -q -h "$dir" -U otto -d postgres && break
  kill -0 "$pid" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
  sleep 0.1
done
echo "postgres://otto@localhost/postgres?host=$dir"
cat >/dev/null
