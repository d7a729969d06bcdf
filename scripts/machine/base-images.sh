#!/usr/bin/env bash
# Sees to it that the base images are there: kept when they are, pulled when a registry answers, and otherwise made
# from Debian's packages and the Node of this project's own npm dependencies, for machines that reach no registry.
# Usage: base-images.sh [IMAGE...]; without arguments, those that the ordinary tests need.
set -euo pipefail
cd "$(dirname "$0")/../.."

node_image=node:26-trixie-slim
postgres_image=postgres:17
caddy_image=caddy:2
slim_image=debian:trixie-slim
# The examples' tools, which Debian does not have: a stand-in keeps the same history table.
golang_migrate_image=migrate/migrate:v4.18.3
goose_image=ghcr.io/kukymbr/goose-docker:3.26.0
flyway_image=flyway/flyway:11
debian_image=schemagate-debian:trixie
npm_version=11

log() { echo "base-images: $*" >&2; }
fail() { log "$*"; exit 1; }
present() { docker image inspect "$1" >/dev/null 2>&1; }
quietly() { local out; out=$("$@" 2>&1) || { printf '%s\n' "$out" >&2; fail "failed: $*"; }; }

[ $# != 0 ] || set -- "$node_image" "$postgres_image" "$caddy_image" "$slim_image" "$golang_migrate_image"
missing=()
for image in "$@"; do present "$image" || missing+=("$image"); done
if [ ${#missing[@]} = 0 ]; then exit 0; fi

# Whether a registry answers is asked with a short timeout; the download itself may then take its time.
stand_ins=()
for image in "${missing[@]}"; do
  if timeout 20 docker manifest inspect "$image" >/dev/null 2>&1 && docker pull -q "$image" >/dev/null; then
    log "$image pulled"
  else
    stand_ins+=("$image")
  fi
done
if [ ${#stand_ins[@]} = 0 ]; then exit 0; fi
log "no registry has ${stand_ins[*]}: making stand-ins"

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT

# Builds one stand-in from its Dockerfile beside this script and the files gathered in the context.
build() { quietly docker build -t "$2" -f "scripts/machine/base-images/$1.Dockerfile" \
  --build-arg "DEBIAN=$debian_image" --label "org.opencontainers.image.title=stand-in for $2" "$context"; }

make_debian() {
  if ! command -v mmdebstrap >/dev/null; then
    [ "$(id -u)" = 0 ] || fail "install mmdebstrap first (apt-get install mmdebstrap)"
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 mmdebstrap </dev/null >&2
  fi
  log "making $debian_image with mmdebstrap"
  # What the Node binary links to is in here, so that the Node image needs no network at all.
  quietly mmdebstrap --variant=minbase --include=ca-certificates,libatomic1,libstdc++6 \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    trixie "$context/debian.tar" "$(scripts/machine/debian-mirror.sh)"
  quietly docker import "$context/debian.tar" "$debian_image"
  rm "$context/debian.tar"
}

make_node() {
  local binary=node_modules/node/bin/node
  [ -x "$binary" ] || fail "the Node of the image is this project's own: run npm ci first"
  log "making $node_image from Node $("$binary" --version) of node_modules"
  cp "$binary" "$context/node"
  (cd "$context" && npm pack --silent "npm@$npm_version" >/dev/null 2>&1 && tar -xzf npm-*.tgz && mv package npm)
  # Where TLS is inspected, only this machine's own bundle knows the authority; the official image never sees it.
  cp -L /etc/ssl/certs/ca-certificates.crt "$context/"
  printf 'cafile=/etc/ssl/certs/ca-certificates.crt\nupdate-notifier=false\nregistry=%s\n' \
    "$(npm config get registry 2>/dev/null)" >"$context/npmrc"
  cp scripts/machine/base-images/node-entrypoint.sh "$context/"
  build node "$node_image"
}

make_postgres() {
  log "making $postgres_image from Debian's postgresql-17"
  cp scripts/machine/base-images/postgres-entrypoint.sh "$context/"
  build postgres "$postgres_image"
}

make_caddy() {
  log "making $caddy_image from Debian's caddy"
  build caddy "$caddy_image"
}

make_slim() { quietly docker tag "$debian_image" "$slim_image"; }

make_tool() {
  log "making $2, which keeps the history table that $1 keeps"
  cp "scripts/machine/base-images/$1.py" "$context/tool.py"
  build migration-tool "$2"
}

present "$debian_image" || make_debian
for image in "${stand_ins[@]}"; do
  case "$image" in
    "$node_image") make_node ;;
    "$postgres_image") make_postgres ;;
    "$caddy_image") make_caddy ;;
    "$slim_image") make_slim ;;
    "$golang_migrate_image") make_tool golang-migrate "$golang_migrate_image" ;;
    "$goose_image") make_tool goose "$goose_image" ;;
    "$flyway_image") make_tool flyway "$flyway_image" ;;
    *) fail "there is no stand-in for $image" ;;
  esac
done
log "ready: ${stand_ins[*]}"
