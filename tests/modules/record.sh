#!/bin/bash
# Records what ansible-core gives for the cases of tests/cases/modules: writes tests/cases/modules/expected.
#
# usage: record.sh [MODULE...]     all of them without a name; needs root
# Environment: RPLAY_ORACLE, a virtual environment with ansible 12 (made in ~/.cache/rplay-oracle when it is not there).
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$ROOT"
ORACLE=$(tests/modules/oracle.sh)
export RPLAY_RECORD_WITH=$ORACLE/bin/ansible-playbook RPLAY_RECORD_PYTHON=${RPLAY_RECORD_PYTHON:-$ORACLE/bin/python}
if [ $# = 0 ]; then
  exec cargo test --test modules
fi
for module; do cargo test --test modules -- --exact "$module"; done
