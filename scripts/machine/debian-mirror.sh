#!/usr/bin/env bash
# Prints the address of the Debian archive that this machine already installs from, whichever way its sources are
# written, so that the scripts that need another suite of it ask no other host.
set -euo pipefail

# shellcheck disable=SC2016 # apt-get fills these in
list() { apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null; }

# The label is known once the lists have been fetched; a minimal image ships without them.
list | grep '^Debian ' >/dev/null || apt-get update -qq >&2

mirror=$(list | awk '$1 == "Debian" { print $2; exit }')
[ -n "$mirror" ] || { echo "debian-mirror: no Debian archive among this machine's apt sources" >&2; exit 1; }
echo "${mirror%/}"
