#!/bin/bash
# A real Kafka broker for the tests, from Maven jars and a Java runtime (17 or later).
#   kafka.sh jars  LIB         fetch the jars into LIB, unless they are there
#   kafka.sh start LIB DIR     start a broker with its data in DIR; prints its address when it answers
#   kafka.sh stop  DIR         stop it in an orderly way
#   kafka.sh kill  DIR         kill it
# "start" on a DIR that was used before starts the same broker again, on the same port.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
java_opts=(-Xms64m "-Xmx${HEAP:-256m}" -XX:+UseSerialGC -Djava.awt.headless=true -Dorg.slf4j.simpleLogger.defaultLogLevel=warn)

free_port() { # a port nobody listens on
  local p
  while :; do
    p=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }
  done
}

alive() { # PID; a zombie nobody has reaped is dead
  case $(ps -o stat= -p "$1" 2>/dev/null) in '' | Z*) return 1 ;; esac
}

running() { [ -f "$1/pid" ] && alive "$(cat "$1/pid")"; }

await_end() { # PID; ten seconds, then it is killed
  for _ in $(seq 200); do
    alive "$1" || return 0
    sleep 0.05
  done
  kill -9 "$1" 2>/dev/null || true
}

configure() { # DIR
  local dir=$1 port cport
  mkdir -p "$dir/data"
  port=$(free_port) cport=$(free_port)
  {
    cat "$here/broker.properties"
    echo "listeners=BROKER://127.0.0.1:$port,CONTROLLER://127.0.0.1:$cport"
    echo "advertised.listeners=BROKER://127.0.0.1:$port"
    echo "controller.quorum.voters=1@127.0.0.1:$cport"
    echo "log.dirs=$dir/data"
  } >"$dir/broker.properties"
  echo "127.0.0.1:$port" >"$dir/address"
}

case ${1:-} in
jars)
  lib=$2
  if ! ls "$lib"/kafka_2.13-*.jar >/dev/null 2>&1; then
    mkdir -p "$lib"
    mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$(cd "$lib" && pwd)"
  fi ;;
start)
  lib=$2
  mkdir -p "$3"
  dir=$(cd "$3" && pwd)
  if running "$dir"; then echo "a broker already runs in $dir" >&2; exit 1; fi
  [ -f "$dir/broker.properties" ] || configure "$dir"
  if [ ! -f "$dir/data/meta.properties" ]; then # any 16 bytes do as the cluster's id
    java "${java_opts[@]}" -XX:TieredStopAtLevel=1 -cp "$lib/*" kafka.tools.StorageTool format \
      -t AAAAAAAAAAAAAAAAAAAAAQ -c "$dir/broker.properties" >"$dir/format.txt" 2>&1 || { cat "$dir/format.txt" >&2; exit 1; }
  fi
  java "${java_opts[@]}" -cp "$lib/*" kafka.Kafka "$dir/broker.properties" >>"$dir/out.txt" 2>&1 </dev/null &
  echo $! >"$dir/pid"
  address=$(cat "$dir/address")
  for _ in $(seq 600); do
    if (exec 3<>"/dev/tcp/${address%:*}/${address#*:}") 2>/dev/null; then echo "$address"; exit 0; fi
    running "$dir" || { tail -20 "$dir/out.txt" >&2; exit 1; }
    sleep 0.1
  done
  echo "the broker does not answer; see $dir/out.txt" >&2
  exit 1 ;;
stop)
  if running "$2"; then
    pid=$(cat "$2/pid")
    kill "$pid"
    await_end "$pid"
  fi
  rm -f "$2/pid" ;;
kill)
  pid=$(cat "$2/pid")
  kill -9 "$pid"
  await_end "$pid"
  rm -f "$2/pid" ;;
*)
  sed -n 2,8p "$0"
  exit 2 ;;
esac
