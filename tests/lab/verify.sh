#!/bin/bash
# Looks at a lab on which playbooks/site.yml ran: services, health, bucket, limits, login, and a second run.
#
# usage: verify.sh      (root; `rplay` on PATH)
set -uo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
cd "$ROOT" || exit 1
HOSTS="airflow1 airflow2 airflow3"
PASSED=0 FAILED=0
LOG=$(mktemp) && trap 'rm -f "$LOG"' EXIT

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
  rplay playbooks/site.yml -i inventory/lab > "$LOG.run" 2>&1 || { tail -40 "$LOG.run"; rm -f "$LOG.run"; return 1; }
  grep -E '^airflow[0-9]+ +:' "$LOG.run"
  ! grep -E '^airflow[0-9]+ +:' "$LOG.run" | grep -v 'changed=0 '
  local result=$?
  rm -f "$LOG.run"
  return $result
}
tags_touch_one_role() {
  rplay playbooks/site.yml -i inventory/lab --tags kernel_limits > "$LOG.run" 2>&1 || { tail -40 "$LOG.run"; return 1; }
  ! grep '^TASK \[' "$LOG.run" | grep -vE 'kernel_limits|Gathering Facts'
  local result=$?
  rm -f "$LOG.run"
  return $result
}

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
check "a rerun by tags touches one role" tags_touch_one_role
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
