#!/usr/bin/env bash
# Starts the hub with far sides beside it that play customers, so that every written channel is
# alive without the internet, and ends them with the hub.
#   deploy/demo/run.sh [settings of parley serve]
# Needs build/parley and build/metasim: make run builds them. Customers can be played by hand at
# the address that is printed. Ports: DEMO_META_ADDR, DEMO_MAIL_IN, DEMO_MAIL_OUT.
set -euo pipefail
cd "$(dirname "$0")/../.."

addr=${PARLEY_ADDR:-127.0.0.1:8080} data=${PARLEY_DATA:-data}
for a in "$@"; do
  case $a in
    --addr=*) addr=${a#--addr=} ;;
    --data=*) data=${a#--data=} ;;
  esac
done
base=${PARLEY_BASE_URL:-http://${addr/#:/127.0.0.1:}}
base=${base/0.0.0.0/127.0.0.1}
meta=${DEMO_META_ADDR:-127.0.0.1:7081}
export DEMO_META="http://$meta"
export DEMO_MAIL_IN=${DEMO_MAIL_IN:-127.0.0.1:2424}
mail_out=${DEMO_MAIL_OUT:-127.0.0.1:2525}
export DEMO_MAIL_OUT_PORT=${mail_out##*:}
mkdir -p "$data"

beside=()
finish() {
  for p in "${beside[@]}"; do kill "$p" 2>/dev/null || true; done
  wait 2>/dev/null || true
}
trap finish EXIT

build/metasim -demo -addr "$meta" -hub "$base" -state "$data/demo-instagram.json" \
  >/dev/null 2>>"$data/demo.log" &
beside+=($!)
build/parley simulate email --url="$base" --deliver="$DEMO_MAIL_IN" --answers="$mail_out" --to=support@halden.example \
  --people=6 --rate=0.1 --most=8 --for=0 --seed=7 >/dev/null 2>>"$data/demo.log" &
beside+=($!)

echo "  Instagram's customers, to play by hand: $DEMO_META/"
PARLEY_BASE_URL=$base PARLEY_ALLOW_NETWORKS=${PARLEY_ALLOW_NETWORKS:-127.0.0.0/8,::1/128} \
  PARLEY_DEMO_ACCOUNTS=${PARLEY_DEMO_ACCOUNTS:-deploy/demo/accounts.json} \
  build/parley serve --demo "$@" &
hub=$!
trap 'kill -TERM "$hub" 2>/dev/null || true' INT TERM
status=0
while kill -0 "$hub" 2>/dev/null; do
  wait "$hub" && status=0 || status=$?
done
exit "$status"
