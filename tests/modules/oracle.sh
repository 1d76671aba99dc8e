#!/bin/bash
# ansible-core in a virtual environment, for comparisons with it: installs it where it is missing (root, Debian or
# Ubuntu) and prints the environment's folder.
#
# usage: oracle.sh
# Environment: RPLAY_ORACLE (~/.cache/rplay-oracle).
set -euo pipefail
ORACLE=${RPLAY_ORACLE:-${XDG_CACHE_HOME:-$HOME/.cache}/rplay-oracle}
if [ ! -x "$ORACLE/bin/ansible-playbook" ]; then
  # The modules for packages want the bindings of apt and dnf, which come with the system's Python only.
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    python3-venv python3-apt python3-dnf python3-yaml dnf createrepo-c rpm >&2
  /usr/bin/python3 -m venv --system-site-packages "$ORACLE"
  "$ORACLE/bin/pip" install -q 'ansible==12.*' boto3 >&2
fi
echo "$ORACLE"
