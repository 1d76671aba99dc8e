#!/bin/bash
# Looks at a lab on which playbooks/site.yml ran: services, health, bucket, limits, login, and a second run.
#
# usage: verify.sh [EVENTS]      (root; `rplay` on PATH)
#   EVENTS   a folder with the first run, run.jsonl, and the check run before it, check.jsonl: these are judged too
set -uo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
EVENTS=${1:-}
cd "$ROOT" || exit 1
HOSTS="airflow1 airflow2 airflow3"
PASSED=0 FAILED=0
WORK=$(mktemp -d) && trap 'rm -rf "$WORK"' EXIT
LOG=$WORK/log

check() { # WHAT COMMAND...: passes when the command succeeds
  local what=$1
  shift
  if "$@" > "$LOG" 2>&1; then PASSED=$((PASSED + 1)); echo "ok: $what"
  else FAILED=$((FAILED + 1)); echo "FAILED: $what"; sed 's/^/    /' "$LOG" | tail -15; fi
}
on() { local host=$1; shift; timeout 120 "$HERE/host.sh" ssh "$host" "$@"; }
retry() { local tries=$1; shift; for _ in $(seq "$tries"); do "$@" && return; sleep 3; done; return 1; }

healthy() { on "$1" "curl -fsS http://127.0.0.1:8080/health" | python3 -c '
import json, sys
health = json.load(sys.stdin)
print(health)
sys.exit(not all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler")))'; }
limits_hold() { on "$1" 'for unit in airflow-webserver airflow-scheduler; do
  pid=$(systemctl show -p MainPID --value $unit); grep -E "^Max open files +(65534 +65534|16384 +16384)" /proc/$pid/limits && grep -E "^Max processes +65534 +65534" /proc/$pid/limits || exit 1; done'; }
dag_listed() { on "$1" "runuser -u airflow -- env AIRFLOW_HOME=/opt/airflow /opt/airflow/venv/bin/airflow dags list" | grep -q lab_hello; }
login_offers_provider() { on "$1" "curl -fsSL http://127.0.0.1:8080/login/" | grep -qi keycloak; }
second_run() {
  rplay playbooks/site.yml -i inventory/lab > "$LOG.run" 2>&1 || { tail -40 "$LOG.run"; return 1; }
  grep -E '^airflow[0-9]+ +:' "$LOG.run"
  ! grep -E '^airflow[0-9]+ +:' "$LOG.run" | grep -v 'changed=0 '
}
tags_touch_one_role() {
  rplay playbooks/site.yml -i inventory/lab --tags kernel_limits > "$LOG.run" 2>&1 || { tail -40 "$LOG.run"; return 1; }
  ! grep '^TASK \[' "$LOG.run" | grep -vE 'kernel_limits|Gathering Facts|Validating arguments|Load the package names'
}

# changed_value FILE OPTIONS...: one value of airflow.cfg is another; nothing but it and the services may change.
changed_value() {
  local file=$WORK/$1
  shift
  rplay playbooks/site.yml -i inventory/lab --output jsonl "$@" \
    -e '{"airflow_config_extra": {"core": {"dagbag_import_timeout": "45.0"}}}' > "$file" || { tail -c 3000 "$file"; return 1; }
  "$HERE/events.py" changed "$file" | tee "$WORK/changed"
  [ "$(grep -c 'Write airflow.cfg$' "$WORK/changed")" = 3 ] && [ "$(grep -cE '(Restart airflow-|would be restarted)' "$WORK/changed")" = 6 ] &&
    [ "$(wc -l < "$WORK/changed")" = 9 ]
}
back() { rplay playbooks/site.yml -i inventory/lab --tags airflow_config; }

once() { [ "$("$HERE/events.py" changed "$EVENTS/run.jsonl" | grep -E ": $1 :" | tee /dev/stderr | cut -d: -f1 | sort -u)" = airflow1 ]; }

if [ -n "$EVENTS" ]; then
  check "the check run on fresh hosts predicted the real one" "$HERE/events.py" predicts "$EVENTS/check.jsonl" "$EVENTS/run.jsonl"
  check "the schema was made once" once airflow_db
  check "the connection was made once" once airflow_connections
fi
DAG='from datetime import datetime
from airflow import DAG
with DAG("lab_hello", start_date=datetime(2024, 1, 1), schedule_interval=None): pass'
check "a DAG file put into the bucket" on airflow1 "cat > /opt/airflow/dags/lab_hello.py <<'END'
$DAG
END"
for host in $HOSTS; do
  check "$host: both services are active" on "$host" systemctl is-active airflow-webserver airflow-scheduler
  check "$host: healthy" retry 20 healthy "$host"
  check "$host: the bucket is mounted" on "$host" "findmnt -n /opt/airflow/dags | grep fuse.s3fs"
  check "$host: the DAG file is there" retry 5 on "$host" test -f /opt/airflow/dags/lab_hello.py
  check "$host: the limits hold in the services" limits_hold "$host"
  check "$host: the login page offers the provider" retry 5 login_offers_provider "$host"
done
check "airflow1: the DAG is listed" retry 10 dag_listed airflow1
check "a second run changes nothing" second_run
check "a check run predicts a changed value" changed_value check.jsonl --check --diff
check "a changed value changes the configuration and restarts the services" changed_value run.jsonl
check "  as predicted" "$HERE/events.py" predicts "$WORK/check.jsonl" "$WORK/run.jsonl"
for unit in webserver scheduler; do
  check "  $unit: one host after another" "$HERE/events.py" apart "$WORK/run.jsonl" "Restart airflow-$unit"
done
check "  and back" back
check "a rerun by tags touches one role" tags_touch_one_role
# One role serves both: Airflow 2.2.5 on Python 3.8, where this machine has one for a host of its own.
old_site() {
  rplay playbooks/site.yml -i inventory/lab -e airflow_hosts=airflow_old > "$LOG.run" 2>&1 || { tail -40 "$LOG.run"; return 1; }
  grep -E '^old1 +:' "$LOG.run" | tee /dev/stderr | grep -qE "$1"
}
if "$HERE/host.sh" list | grep '^old1 .*up$' > /dev/null; then
  check "old1: Airflow 2.2.5 is set up" old_site 'failed=0 '
  check "old1: it is 2.2.5 on Python 3.8" on old1 "/opt/airflow/venv/bin/python -c 'import airflow, sys; print(airflow.__version__, sys.version); assert airflow.__version__ == \"2.2.5\" and sys.version_info[:2] == (3, 8)'"
  check "old1: healthy" retry 20 healthy old1
  check "old1: a second run changes nothing" old_site 'changed=0 '
else
  echo "SKIPPED: Airflow 2.2.5 (no Python 3.8 under ~/.pyenv/versions)"
fi
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
