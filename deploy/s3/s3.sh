#!/bin/bash
# A real S3 server for the tests: Versity's gateway over a folder.
#   s3.sh install BIN        put it into the folder BIN, unless that version is there
#   s3.sh start   BIN DIR    start it with its data in DIR; prints its address when it answers
#   s3.sh stop    DIR        stop it
# The address is http://KEY:SECRET@127.0.0.1:PORT/BUCKET. DIR must allow extended attributes.
set -eu
version=v1.8.0
bucket=parley

free_port() { # a port nobody listens on
  local p
  while :; do
    p=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }
  done
}

random_word() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

alive() { # PID; a zombie nobody has reaped is dead
  case $(ps -o stat= -p "$1" 2>/dev/null) in '' | Z*) return 1 ;; esac
}

case ${1:-} in
install)
  mkdir -p "$2"
  bin=$(cd "$2" && pwd)
  if [ -x "$bin/versitygw" ] && go version -m "$bin/versitygw" | grep -q "versitygw[[:space:]]$version"; then exit 0; fi
  GOBIN=$bin go install "github.com/versity/versitygw/cmd/versitygw@$version" ;;
start)
  mkdir -p "$3/data/$bucket"
  dir=$(cd "$3" && pwd) port=$(free_port) key=$(random_word) secret=$(random_word)
  ROOT_ACCESS_KEY=$key ROOT_SECRET_KEY=$secret "$2/versitygw" --port "127.0.0.1:$port" --quiet posix "$dir/data" >"$dir/out.txt" 2>&1 </dev/null &
  pid=$!
  echo "$pid" >"$dir/pid"
  for _ in $(seq 200); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "http://$key:$secret@127.0.0.1:$port/$bucket"; exit 0; fi
    alive "$pid" || { tail -20 "$dir/out.txt" >&2; exit 1; }
    sleep 0.05
  done
  kill "$pid"
  echo "the server does not answer; see $dir/out.txt" >&2
  exit 1 ;;
stop)
  [ -f "$2/pid" ] || exit 0
  pid=$(cat "$2/pid")
  if alive "$pid"; then
    kill "$pid"
    for _ in $(seq 100); do
      alive "$pid" || break
      sleep 0.05
    done
    if alive "$pid"; then kill -9 "$pid"; fi
  fi
  rm -f "$2/pid" ;;
*)
  sed -n 2,6p "$0"
  exit 2 ;;
esac
