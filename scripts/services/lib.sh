# shellcheck shell=bash
# What the service scripts share; sourced, never run.
#
# A service is a folder below $HAUL_SERVICES_DATA. A process that was started is known by
# FOLDER/NAME.pid, which holds its id and its start time: an id that the system has since given
# to somebody else is never signalled.
set -euo pipefail

HAUL_SERVICES_DATA=${HAUL_SERVICES_DATA:-${XDG_CACHE_HOME:-$HOME/.cache}/haul-services}
service=$(basename "$0")

note() { printf '%s: %s\n' "$service" "$*" >&2; }
fail() { note "$*"; exit 1; }

need() {
  local program
  for program; do
    command -v "$program" >/dev/null || fail "$program is not installed (scripts/setup installs it)"
  done
}

# Clock ticks since boot at which a process began; nothing for one that is gone or only a zombie.
# One whose first thread has ended is not gone while its others still hold its port and its files.
born() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  # the program's name may hold spaces and brackets: what counts follows its last bracket
  # shellcheck disable=SC2086
  set -- ${stat##*) }
  [ "$1" = Z ] && [ "${18}" -le 1 ] || echo "${20}"
}

running() { # PIDFILE
  local pid start
  { read -r pid start <"$1"; } 2>/dev/null || return 1
  [ -n "$start" ] && [ "$(born "$pid")" = "$start" ]
}

pid_of() { cut -d' ' -f1 "$1"; }

# start PIDFILE LOGFILE COMMAND...: in a session of its own, with nothing of this terminal
start() {
  local pidfile=$1 log=$2
  shift 2
  setsid "$@" </dev/null >>"$log" 2>&1 &
  echo "$! $(born $!)" >"$pidfile"
}

# halt PIDFILE SECONDS: asks politely, then insists
halt() {
  local pid tries
  running "$1" || { rm -f "$1"; return 0; }
  pid=$(pid_of "$1")
  kill -TERM "$pid" 2>/dev/null || true
  for ((tries = $2 * 20; tries > 0; tries--)); do
    running "$1" || break
    sleep 0.05
  done
  if running "$1"; then kill -KILL "$pid" 2>/dev/null || true; fi
  rm -f "$1"
}

# crash PIDFILE: ends the process and its children with no chance to tidy up
crash() {
  local pid children tries
  running "$1" || { rm -f "$1"; return 0; }
  pid=$(pid_of "$1")
  # the children first found: without their parent nobody would know them
  children=$(cat "/proc/$pid/task/"*/children 2>/dev/null) || true  # a thread may end meanwhile
  # shellcheck disable=SC2086
  kill -KILL "$pid" $children 2>/dev/null || true
  # all of them, since each holds the port
  for ((tries = 200; tries > 0; tries--)); do
    # shellcheck disable=SC2086
    any_alive "$pid" $children || break
    sleep 0.05
  done
  rm -f "$1"
}

any_alive() {
  local each
  for each; do [ -z "$(born "$each")" ] || return 0; done
  return 1
}

# make_certificate FOLDER: an authority of its own (ca.pem) and a server certificate for
# localhost (and not for 127.0.0.1: so that a wrong name can be tried)
make_certificate() {
  mkdir -p "$1"
  {
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=haul-test-authority \
      -keyout "$1/ca-key.pem" -out "$1/ca.pem" &&
      openssl req -newkey rsa:2048 -nodes -subj /CN=localhost \
        -keyout "$1/server-key.pem" -out "$1/server.csr" &&
      openssl x509 -req -in "$1/server.csr" -CA "$1/ca.pem" -CAkey "$1/ca-key.pem" -CAcreateserial \
        -days 3650 -extfile <(echo "subjectAltName=DNS:localhost") -out "$1/server.pem"
  } >"$1/log" 2>&1 || fail "no certificate could be made, see $1/log"
  chmod 600 "$1"/*-key.pem
}

# await SECONDS COMMAND...: until the command succeeds
await() {
  local tries=$(($1 * 20))
  shift
  until "$@" >/dev/null 2>&1; do
    ((tries-- > 0)) || return 1
    sleep 0.05
  done
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
vacant() { ! listening "$1"; }

# report PIDFILE: one line for `status`; fails when the process is not there
report() {
  local name
  name=$(basename "$1" .pid)
  if running "$1"; then
    printf '%s up, pid %s, %s MiB\n' "$name" "$(pid_of "$1")" \
      "$(awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$(pid_of "$1")/status")"
  else
    printf '%s down\n' "$name"
    return 1
  fi
}

# remove_data FOLDER: only ever below the services' own root
remove_data() {
  case $1 in
    "$HAUL_SERVICES_DATA"/?*) rm -rf -- "$1" ;;
    *) fail "refusing to remove $1: it is not below $HAUL_SERVICES_DATA" ;;
  esac
}

secret() { head -c 96 /dev/urandom | base64 -w0 | tr -dc 'A-Za-z0-9' | cut -c"1-$1"; }
