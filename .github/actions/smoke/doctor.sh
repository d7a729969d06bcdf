#!/usr/bin/env bash
# Looks at compose files with doctor: a SARIF file for code scanning, annotations, and doctor's exit code. Its settings
# are the inputs of action.yml, as DOCTOR_* variables.
set -euo pipefail

files=()
[ -z "$DOCTOR_COMPOSE_FILES" ] || IFS=: read -ra files <<<"$DOCTOR_COMPOSE_FILES"
read -ra command <<<"$DOCTOR_COMMAND"

code=0
"${command[@]}" "${files[@]}" --format sarif >"$DOCTOR_SARIF" || code=$?
# 7 are findings; anything else is no diagnosis, and the message is on stderr already
[ "$code" = 0 ] || [ "$code" = 7 ] || exit "$code"
echo "sarif=$DOCTOR_SARIF" >>"$GITHUB_OUTPUT"
"${command[@]}" "${files[@]}" --format github || true
exit "$code"
