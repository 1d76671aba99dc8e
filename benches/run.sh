#!/bin/bash
# Speed, as ratios measured in one run on lab hosts that are warm: rplay beside ansible-core with pipelining and
# ansible-core with mitogen.
#
# usage: run.sh [RUNS]      RUNS of each, the median counts (3)
# Needs root; installs what it measures against in a virtual environment below the cache.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/.." && pwd)
VENV=${RPLAY_BENCH_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/rplay-bench}
export RPLAY_LAB_NAME=${RPLAY_LAB_NAME:-bench}
BIN=$("$ROOT/tests/build.sh")
if [ ! -x "$VENV/bin/ansible-playbook" ] || [ ! -d "$(echo "$VENV"/lib/python3*/site-packages/ansible_mitogen)" ]; then
  python3 -m venv "$VENV" && "$VENV/bin/pip" install -q 'ansible-core==2.19.*' mitogen
fi
"$ROOT/tests/lab/up.sh" 3 --no-old
PATH="$BIN:$VENV/bin:$PATH" python3 "$HERE/speed.py" "$ROOT/inventory/lab" "${1:-3}"
