#!/bin/bash
# Dumps and restores the stack's database, as the service `backup` of compose.prod.yml, run by scripts/deploy and restore.
#
#   dump NAME       writes NAME.dump and verifies it by listing it
#   prune           removes all dumps but the newest KEEP ones (10)
#   list            one line for each dump, newest first: name, bytes
#   restore NAME    puts the dump in the database's place; the database as it was stays beside it under another name
set -euo pipefail
cd /var/run/postgresql
PGPASSWORD=$(</run/secrets/owner_password)
export PGPASSWORD PGCONNECT_TIMEOUT=10

fail() { echo "backup: $*" >&2; exit 1; }
admin() { psql -X -q -v ON_ERROR_STOP=1 -d postgres "$@"; }
# Only what busybox has as well: Alpine's image of Postgres has bash, but not GNU's find with its -printf.
dumps() { find . -name '*.dump' -exec stat -c '%Y %n %s' {} + | sed 's| \./| |' | sort -k1,1rn -k2,2r | cut -d' ' -f2-; }

dump() {
  local name=$1
  # An earlier one that was killed leaves a part, never half a dump.
  rm -f ./*.part
  pg_dump --format=custom --file="$name.part"
  [ "$(pg_restore --list "$name.part" | grep -c '^[0-9]')" -gt 0 ] || fail "the dump of $PGDATABASE lists nothing"
  sync "$name.part"
  mv "$name.part" "$name.dump"
  stat -c '%n %s' "$name.dump"
}

prune() { dumps | tail -n "+$((${KEEP:-10} + 1))" | while read -r old _; do rm -f "$old"; done; }

# Into a database of its own, so that nothing of a newer schema stays beside the older one, and so that a dump that cannot
# be restored changes nothing.
into_new() {
  local new=$1 file=$2
  admin -v new="$new" <<<'drop database if exists :"new" with (force); create database :"new" template template0;'
  pg_restore --exit-on-error --no-owner "${@:3}" --dbname="$new" "$file"
}

# Settings and rights of the database itself, which pg_restore gives only to a database that it makes. Some may name a role
# that is not on this server: those are left out.
properties() {
  local file=$1 name
  name=$(admin -At -v name="$PGDATABASE" <<<"select format('%I', :'name')")
  pg_restore --create --section=pre-data --file=- "$file" |
    grep -E "^(ALTER DATABASE|ALTER ROLE|GRANT|REVOKE) " | grep -F " DATABASE $name " | grep -v ' OWNER TO ' |
    psql -X -q -d postgres
}

restore() {
  local file=$1.dump database=$PGDATABASE new=${PGDATABASE}_restoring old
  old=${database}_before_$(date -u +%Y%m%dt%H%M%S)
  [ -f "$file" ] || fail "there is no dump $file; there are: $(dumps | cut -d' ' -f1 | tr '\n' ' ')"
  pg_restore --list "$file" >/dev/null || fail "$file is not a dump that can be read"
  # With the access lists, so that what a migration took away stays so. Where a role of theirs is not on this server,
  # without them: the migrator then gives the app its rights again.
  into_new "$new" "$file" 2>/dev/null || into_new "$new" "$file" --no-acl
  # Both renames at once. Sessions are ended repeatedly until then, since apps reconnect at once.
  for _ in $(seq 50); do
    if admin -v database="$database" -v new="$new" -v old="$old" 2>/tmp/error <<'SQL'
select pg_terminate_backend(pid) from pg_stat_activity where datname in (:'database', :'new') and pid <> pg_backend_pid() \g /dev/null
begin;
select exists (select from pg_database where datname = :'database') as there \gset
\if :there
alter database :"database" rename to :"old";
\endif
alter database :"new" rename to :"database";
commit;
SQL
    then
      properties "$file" || true
      echo "$old"
      return
    fi
    sleep 0.1
  done
  cat /tmp/error >&2
  fail "$database could not be put aside: it is still in use. It is as it was."
}

case "${1:-}" in
  dump) dump "${2:?name}" ;;
  prune) prune ;;
  list) dumps ;;
  restore) restore "${2:?name}" ;;
  *) fail "dump NAME, prune, list, or restore NAME" ;;
esac
