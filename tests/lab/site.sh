#!/bin/bash
# The main job on this machine: lab hosts come up, and rplay makes an Airflow cluster of them.
#
# usage: site.sh [--fresh] [--verify]
#   --fresh    throw the hosts' disks away first
#   --verify   ask a check run for a prediction first, and afterwards look at everything that must stand and at reruns
# Needs root, Rust and a Debian or Ubuntu machine; installs the rest. Ends with the lab up (down.sh takes it down).
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
FRESH='' VERIFY=''
for arg; do
  case $arg in
    --fresh) FRESH=--fresh ;;
    --verify) VERIFY=1 ;;
    *) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2 ;;
  esac
done
BIN=$("$ROOT/tests/build.sh")
export PATH="$BIN:$PATH"
# The host with the old Python is for the tests alone.
"$HERE/up.sh" 3 $([ -n "$VERIFY" ] || echo --no-old) $FRESH
cd "$ROOT"
rplay playbooks/lab.yml -i inventory/lab
if [ -z "$VERIFY" ]; then
  rplay playbooks/site.yml -i inventory/lab
  exit
fi
EVENTS=$(mktemp -d) && trap 'rm -rf "$EVENTS"' EXIT
site() { rplay playbooks/site.yml -i inventory/lab --output jsonl "${@:2}" > "$EVENTS/$1" || { tail -c 3000 "$EVENTS/$1"; exit 1; }; }
echo "a check run, then the real one..."
site check.jsonl --check --diff
site run.jsonl
"$HERE/verify.sh" "$EVENTS"
