#!/bin/bash
# Dumps and restores the stack's database, as the service `backup` of compose.prod.yml, run by scripts/deploy and restore.
#
#   dump NAME       writes NAME.dump and verifies it by listing it; NAME.roles has the roles that it names
#   prune           removes all dumps but the newest KEEP ones (10)
#   list            one line for each dump, newest first: name, bytes
#   restore NAME    puts the dump in the database's place; the database as it was stays beside it under another name, which
#                   is the first line of the output. Further lines say what could not be restored
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
  roles >"$name.roles"
  sync "$name.part" "$name.roles"
  mv "$name.part" "$name.dump"
  stat -c '%n %s' "$name.dump"
}

prune() { dumps | tail -n "+$((${KEEP:-10} + 1))" | while read -r old _; do rm -f "$old" "${old%.dump}.roles"; done; }

# What makes the roles that own something in the database, may do something with it, or are in a policy, where they are not
# there: a dump names them and has none of them. Without login, since no password is in a backup.
roles() {
  admin -At -v database="$PGDATABASE" <<'SQL'
select distinct format('select %L where not exists (select from pg_roles where rolname = %L) \gexec',
  format('create role %I nologin', role.rolname), role.rolname)
from pg_shdepend as needs
join pg_roles as role on role.oid = needs.refobjid and needs.refclassid = 'pg_authid'::regclass
join pg_database as base on base.datname = :'database'
where needs.dbid = base.oid or (needs.classid = 'pg_database'::regclass and needs.objid = base.oid)
SQL
}

# This database's name with more after it, in the 63 bytes that a name may have: Postgres would cut the end off, and what
# is left can be the name of this database. No character is cut in two.
named() {
  local LC_ALL=C name=$PGDATABASE room=$((63 - ${#1}))
  while [[ ${name:room:1} == [$'\x80'-$'\xbf'] ]]; do room=$((room - 1)); done
  echo "${name:0:room}$1"
}

# Into a database of its own, so that nothing of a newer schema stays beside the older one, and so that a dump that cannot
# be restored changes nothing.
into_new() {
  local new=$1 file=$2
  admin -v new="$new" <<<'drop database if exists :"new" with (force); create database :"new" template template0;'
  # An empty --dbname is PGDATABASE; a name of one with `=` would be taken for a connection string.
  PGDATABASE=$new pg_restore --exit-on-error "${@:3}" --dbname= "$file"
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
  local file=$1.dump database=$PGDATABASE new old note
  new=$(named _restoring)
  old=$(named "_before_$(date -u +%Y%m%dt%H%M%S)")
  [ -f "$file" ] || fail "there is no dump $file; there are: $(dumps | cut -d' ' -f1 | tr '\n' ' ')"
  pg_restore --list "$file" >/dev/null || fail "$file is not a dump that can be read"
  # A dump of an earlier release has no such file.
  [ ! -f "$1.roles" ] || admin -f "$1.roles"
  # As it was, with owners and access lists. Where a role of theirs is not on this server all the same, without them: the
  # migrator then gives the app its rights again.
  if into_new "$new" "$file" 2>/dev/null; then note=
  elif into_new "$new" "$file" --no-owner 2>/dev/null; then note="everything belongs to $PGUSER: an owner is not on this server"
  else
    into_new "$new" "$file" --no-owner --no-acl
    note="everything belongs to $PGUSER, and only the app has rights: a role is not on this server"
  fi
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
      printf '%s\n' "$old" ${note:+"$note"}
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
