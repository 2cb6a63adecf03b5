#!/bin/bash
# Runs the bus's tests against a real Kafka broker, which it fetches, starts and stops.
#   deploy/kafka/test.sh [go test flags]
# Jars are kept in build/kafka. Needs a Java runtime (17 or later) and Maven.
set -eu
cd "$(dirname "$0")/../.."
kafka=$PWD/deploy/kafka/kafka.sh lib=$PWD/build/kafka
data=$(mktemp -d)
finish() {
  "$kafka" stop "$data"
  rm -rf "$data"
}
trap finish EXIT
"$kafka" jars "$lib"
address=$("$kafka" start "$lib" "$data")
echo "Kafka at $address"
PARLEY_TEST_KAFKA=$address PARLEY_TEST_KAFKA_SCRIPT="$kafka $lib $data" \
  go test -count=1 -timeout=170s "$@" ./internal/bus/
