#!/bin/sh
set -e
for name in a b c d e; do createdb -U owner "$name"; done
