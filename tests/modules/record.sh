#!/bin/bash
# Records what ansible-core gives for the cases of tests/cases/modules: writes tests/cases/modules/expected.
#
# usage: record.sh [MODULE...]     all of them without a name; needs root
# Environment: RPLAY_ORACLE, a virtual environment with ansible 12 (made in ~/.cache/rplay-oracle when it is not there).
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$ROOT"
ORACLE=${RPLAY_ORACLE:-${XDG_CACHE_HOME:-$HOME/.cache}/rplay-oracle}
if [ ! -x "$ORACLE/bin/ansible-playbook" ]; then
  # The modules for packages want the bindings of apt and dnf, which come with the system's Python only.
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    python3-venv python3-apt python3-dnf dnf createrepo-c rpm
  /usr/bin/python3 -m venv --system-site-packages "$ORACLE"
  "$ORACLE/bin/pip" install -q 'ansible==12.*' boto3
fi
export RPLAY_RECORD_WITH=$ORACLE/bin/ansible-playbook RPLAY_RECORD_PYTHON=${RPLAY_RECORD_PYTHON:-$ORACLE/bin/python}
if [ $# = 0 ]; then
  exec cargo test --test modules
fi
for module; do cargo test --test modules -- --exact "$module"; done
