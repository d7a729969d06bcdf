#!/usr/bin/env bash
# Brings a stack up from nothing and asks it with curl; or breaks a migration and sees that nothing serves. Its settings
# are the inputs of action.yml, as SMOKE_* variables. Ends with 0 only if all was as it must be.
set -euo pipefail

# A project of its own: the volumes that are removed are never those of a stack that somebody works with.
export COMPOSE_PROJECT_NAME=$SMOKE_PROJECT
[ -z "$SMOKE_COMPOSE_FILES" ] || export COMPOSE_FILE=$SMOKE_COMPOSE_FILES
read -ra apps <<<"$SMOKE_APP"
broken=()

headline() { printf '\n=== %s\n' "$*"; }
fail() { echo "${GITHUB_ACTIONS:+::error::}smoke: $*" >&2; exit 1; }

# An image that was built again has no name any more.
down() {
  docker compose down --volumes --remove-orphans --rmi local
  docker image prune --force --filter "label=com.docker.compose.project=$SMOKE_PROJECT" >/dev/null
}

finish() {
  local code=$?
  set +e
  if [ "$code" != 0 ]; then
    headline 'what there was'
    docker compose ps --all
    docker compose logs --no-color --timestamps
  fi
  headline 'down'
  rm -rf "${broken[@]}"
  down
  rm -rf "$scratch"
  exit "$code"
}

# expect STATUS CURL-ARGUMENTS... URL. What it got is shown only if it was not expected: an answer may hold a token.
expect() {
  local status
  : >"$BODY"
  status=$(curl --silent --show-error --noproxy '*' --max-time 30 --output "$BODY" --write-out '%{http_code}' "${@:2}") || true
  echo "$status ${*: -1}"
  [ "$status" = "$1" ] || { echo "expected $1: $(cat "$BODY")"; return 1; }
}

# Refused, and nothing else: whatever answers, or takes the connection and does not, is an open port.
is_closed() {
  local code=0
  curl --silent --noproxy '*' --max-time 5 --output /dev/null "$SMOKE_HEALTH_URL" || code=$?
  [ "$code" = 7 ]
}

build() {
  headline 'build'
  docker compose build
}

# Never Compose's own --wait-timeout, with which some of its versions start the app early.
up() {
  headline 'up'
  timeout --kill-after=30 "$SMOKE_TIMEOUT" docker compose up --detach --wait
}

# states FORMAT SERVICE...: a line for each of their containers.
states() { docker compose ps --all --quiet "${@:2}" | xargs --no-run-if-empty docker inspect --format "$1"; }

migrator_state() { states '{{.State.Status}} {{.State.ExitCode}}' "$SMOKE_MIGRATOR"; }

serves() {
  local state
  build
  up || fail "the stack did not come up within $SMOKE_TIMEOUT s"
  state=$(migrator_state)
  [ "$state" = 'exited 0' ] || fail "the stack is up, but the migrator has not ended with 0: $state"
  headline 'requests'
  BODY=$answer expect 200 "$SMOKE_HEALTH_URL" || fail 'the stack is up, but not healthy'
  URL=$origin BODY=$answer bash -euo pipefail -c "$SMOKE_REQUESTS" || fail 'a request did not get the answer that was expected'
  [ "$SMOKE_CHECK" = true ] || return 0
  headline 'check'
  docker compose run --rm -T "$SMOKE_MIGRATOR" check || fail 'the database does not match the migrations'
}

# The migrator itself writes it: it knows what form the folder's migrations have, and what comes after the newest.
add_broken_migration() {
  local folder file
  folder=$(cd "$SMOKE_BROKEN_MIGRATION_IN" && pwd) || fail "there is no folder $SMOKE_BROKEN_MIGRATION_IN"
  docker compose run --rm --no-deps -T --user "$(stat -c %u:%g "$folder")" --volume "$folder:/broken" "$SMOKE_MIGRATOR" \
    create broken_on_purpose --dir /broken >"$scratch/created" || fail "the migrator cannot add a migration to $folder"
  while read -r file; do
    file=${file#/broken/}
    broken+=("$folder/${file%%/*}")
    sed -i "s/^-- Write the SQL here.*/select 'broken on purpose'::integer;/" "$folder/$file"
  done <"$scratch/created"
}

does_not_serve() {
  local code=0 state started
  build
  add_broken_migration
  build
  up || code=$?
  headline 'nothing may serve'
  state=$(migrator_state)
  [ "$state" != 'exited 0' ] ||
    fail "the migrator did not fail: is $SMOKE_BROKEN_MIGRATION_IN what it is built from, or mounts?"
  started=$(states '{{.Name}} {{.State.StartedAt}}' "${apps[@]}" | grep -v ' 0001-01-01T00:00:00Z$' || true)
  [ -z "$started" ] || fail "started in spite of it: $started"
  [ "$state" = 'exited 5' ] || fail "the migrator must end with 5, but: $state"
  [ "$code" != 0 ] || fail 'docker compose up says that all is well'
  is_closed || fail "something answers at $SMOKE_HEALTH_URL"
  echo "$SMOKE_MIGRATOR ended with 5, nothing behind it was started, and $SMOKE_HEALTH_URL is closed"
}

[[ $SMOKE_HEALTH_URL =~ ^https?://[^/]+ ]] || fail "health-url is not an http URL: $SMOKE_HEALTH_URL"
scratch=$(mktemp -d)
trap finish EXIT
# Under other names than the script gets them: Compose would put what is exported here into a file that has ${URL}.
origin=${BASH_REMATCH[0]} answer=$scratch/body
export -f expect
# What an earlier, killed run left behind would not be empty.
down
is_closed || fail "something answers at $SMOKE_HEALTH_URL already"
if [ -n "$SMOKE_BROKEN_MIGRATION_IN" ]; then does_not_serve; else serves; fi
