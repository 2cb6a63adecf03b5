#!/bin/bash
# Runs the tests of the file store against a real S3 server, which it installs, starts and stops.
#   deploy/s3/test.sh [go test flags]
# The server is kept in build/bin. PARLEY_TEST_S3 names another one instead.
set -eu
cd "$(dirname "$0")/../.."
s3=$PWD/deploy/s3/s3.sh bin=$PWD/build/bin
if [ -z "${PARLEY_TEST_S3:-}" ]; then
  data=$(mktemp -d)
  finish() {
    "$s3" stop "$data"
    rm -rf "$data"
  }
  trap finish EXIT
  "$s3" install "$bin"
  PARLEY_TEST_S3=$("$s3" start "$bin" "$data")
  export PARLEY_TEST_S3
fi
go test -count=1 -timeout=300s "$@" ./internal/blob/
