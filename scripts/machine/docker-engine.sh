#!/usr/bin/env bash
# Sees to it that a Docker Engine with Compose and buildx answers: at once when one does, else it installs Debian's
# (as root) and starts it. Safe to run again at any time, also after an engine was killed.
set -euo pipefail
cd "$(dirname "$0")"

log() { echo "docker-engine: $*" >&2; }
fail() { log "$*"; exit 1; }

answers() { timeout 10 docker info >/dev/null 2>&1; }
# The client from a package of its own may lie before Debian's on the PATH; the plugins are found by either.
complete() { docker compose version && docker buildx version; } >/dev/null 2>&1

if answers && complete; then exit 0; fi
[ "$(id -u)" = 0 ] || fail "no Docker Engine answers, and installing or starting one needs root"

install_packages() {
  command -v apt-get >/dev/null || fail "no apt-get here: install Docker Engine 25+ with Compose 2.24+ and buildx"
  local packages=(docker.io docker-compose docker-buildx)
  export DEBIAN_FRONTEND=noninteractive
  log "installing ${packages[*]}"
  apt-get update -qq
  # Debian has buildx and Compose 2 since trixie; an older release takes them from there, and only what it must:
  # with priority 100 nothing else on the machine is ever upgraded to that suite.
  if ! apt-cache show docker-buildx >/dev/null 2>&1; then
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -r "$keyring" ] || apt-get install -qq -y --no-install-recommends debian-archive-keyring >&2
    printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nSigned-By: %s\n' \
      "$(./debian-mirror.sh)" "$keyring" >/etc/apt/sources.list.d/schemagate-trixie.sources
    printf 'Package: *\nPin: release n=trixie\nPin-Priority: 100\n' >/etc/apt/preferences.d/schemagate-trixie
    apt-get update -qq
  fi
  # The client is a package of its own since trixie.
  command -v docker >/dev/null || { apt-cache show docker-cli >/dev/null 2>&1 && packages+=(docker-cli); }
  local release=()
  # Not grep -q: what stands before it may fail over the pipe that it closes.
  apt-cache policy docker-buildx | grep ' 100 .* trixie/' >/dev/null && release=(-t trixie)
  local output
  output=$(apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 "${release[@]}" "${packages[@]}" </dev/null 2>&1) ||
    { printf '%s\n' "$output" >&2; fail "apt-get could not install ${packages[*]}"; }
}

if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null || ! complete; then
  install_packages
  if answers; then exit 0; fi
fi

# Removes a pid file once nothing lives behind it. A zombie counts as running for dockerd, and where no init reaps it
# stays for ever, but it holds nothing.
forget() {
  local file=$1 program=$2 pid state
  [ -s "$file" ] || return 0
  pid=$(cat "$file")
  for _ in $(seq 150); do
    state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null || true)
    if [ "${state:-Z}" = Z ] || [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$program" ]; then
      rm -f "$file"
      return 0
    fi
    if answers; then exit 0; fi
    sleep 0.2
  done
  fail "$program ($pid) runs but no engine has answered for 30 s; see its log"
}

# An engine that is coming up answers in a moment. One that is still ending holds the network and its data: two that
# overlap leave docker0 missing. Its containerd dies with it, but leaves a pid file of its own.
forget /var/run/docker.pid dockerd
forget /var/run/docker/containerd/containerd.pid containerd

if [ -d /run/systemd/system ]; then
  log "starting docker.service"
  systemctl start docker
else
  log "starting dockerd (log: /var/log/dockerd.log)"
  setsid dockerd >>/var/log/dockerd.log 2>&1 </dev/null &
fi

for _ in $(seq 300); do
  if answers; then log "ready: $(docker version -f 'Engine {{.Server.Version}}'), $(docker compose version | head -n 1)"; exit 0; fi
  sleep 0.1
done
tail -n 20 /var/log/dockerd.log >&2 || true
fail "dockerd did not answer within 30 s"
