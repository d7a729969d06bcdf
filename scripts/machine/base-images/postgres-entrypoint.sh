#!/usr/bin/env bash
# Behaves as the entry point of the official image does: a first start makes the cluster, user and database, runs
# /docker-entrypoint-initdb.d on a server that only the socket reaches, and then becomes the real server.
set -Eeuo pipefail

# A variable or the file that its *_FILE twin names, but not both.
from_env_or_file() {
  local name=$1 default=${2:-} file=$1_FILE
  if [ -n "${!name:-}" ] && [ -n "${!file:-}" ]; then
    echo "error: both $name and $file are set (but are exclusive)" >&2
    exit 1
  fi
  if [ -n "${!file:-}" ]; then
    export "$name"="$(<"${!file}")"
  else
    export "$name"="${!name:-$default}"
  fi
  unset "$file"
}

socket_psql() {
  PGHOST='' PGHOSTADDR='' PGPASSWORD="$POSTGRES_PASSWORD" \
    psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password --username "$POSTGRES_USER" "$@"
}

run_init_files() {
  local file
  printf '\n'
  for file in /docker-entrypoint-initdb.d/*; do
    [ -e "$file" ] || continue
    case "$file" in
      *.sh)
        echo "$0: running $file"
        # shellcheck disable=SC1090
        if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
      *.sql)     echo "$0: running $file"; socket_psql --dbname "$POSTGRES_DB" -f "$file" ;;
      *.sql.gz)  echo "$0: running $file"; gunzip -c "$file" | socket_psql --dbname "$POSTGRES_DB" ;;
      *.sql.xz)  echo "$0: running $file"; xzcat "$file" | socket_psql --dbname "$POSTGRES_DB" ;;
      *.sql.zst) echo "$0: running $file"; zstd -dc "$file" | socket_psql --dbname "$POSTGRES_DB" ;;
      *)         echo "$0: ignoring $file" ;;
    esac
    printf '\n'
  done
}

make_cluster() {
  if [ -z "$POSTGRES_PASSWORD" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
    echo "Error: Database is uninitialized and superuser password is not specified." >&2
    echo "       Specify POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust to let anyone in." >&2
    exit 1
  fi
  # The arguments are words in one variable, as the official image takes them.
  # shellcheck disable=SC2086
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") ${POSTGRES_INITDB_ARGS:-}
  local method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption "$@" 2>/dev/null)}
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

  # A server without its database must not be visible on the network.
  pg_ctl -D "$PGDATA" -o "$(printf '%q ' "$@" -c listen_addresses= -p "${PGPORT:-5432}")" -w start
  if [ "$POSTGRES_DB" != postgres ]; then
    socket_psql --dbname postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
  fi
  run_init_files
  pg_ctl -D "$PGDATA" -m fast -w stop
  printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

# Questions that the server answers without a cluster.
asks_only() {
  local word
  for word in "$@"; do
    case "$word" in -'?' | --help | --describe-config | -V | --version) return 0 ;; esac
  done
  return 1
}

if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi

if [ "$1" = postgres ] && ! asks_only "$@"; then
  if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" && chmod 700 "$PGDATA"
    find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
    find /var/run/postgresql \! -user postgres -exec chown postgres '{}' +
    exec setpriv --reuid postgres --regid postgres --init-groups env HOME=/var/lib/postgresql "${BASH_SOURCE[0]}" "$@"
  fi
  from_env_or_file POSTGRES_PASSWORD
  from_env_or_file POSTGRES_USER postgres
  from_env_or_file POSTGRES_DB "$POSTGRES_USER"
  if [ -s "$PGDATA/PG_VERSION" ]; then
    printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
  else
    make_cluster "${@:2}"
  fi
fi

exec "$@"
