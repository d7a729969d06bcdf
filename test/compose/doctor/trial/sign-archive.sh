#!/bin/sh
set -e
createdb -U owner second
# a new volume is root's: what a trial cannot write there is no failure
echo "the first start of $(hostname)" >> /archive/log || true
