#!/bin/sh
# Makes ./configure from configure.ac. Run once after a clone; ./scripts/test and ./scripts/demo do it for you.
set -eu
cd "$(dirname "$0")"
mkdir -p build-aux
autoreconf --install --force --warnings=all
