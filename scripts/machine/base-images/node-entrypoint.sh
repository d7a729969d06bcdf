#!/bin/sh
# Arguments that are no command of the image are node's own, as in the official image.
set -e
if [ "${1#-}" != "$1" ] || ! command -v "$1" >/dev/null; then set -- node "$@"; fi
exec "$@"
