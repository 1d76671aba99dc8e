#!/bin/sh
# The hosts of the lab on this machine, as an inventory script: prints what tests/lab/up.sh wrote.
#
# RPLAY_LAB_DIR or RPLAY_LAB_NAME choose the lab, as for up.sh. RPLAY_LAB_USER logs in as another user than root:
# `nopw` (sudo without a password) or `lab` (sudo with the password lab).
case ${1:-} in
  --list) ;;
  --host) echo '{}'; exit ;;
  *) echo "usage: hosts.sh --list" >&2; exit 1 ;;
esac
cache=${RPLAY_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rplay-lab}
dir=${RPLAY_LAB_DIR:-$cache/labs/${RPLAY_LAB_NAME:-rlab}}
if [ ! -f "$dir/inventory.json" ]; then
  echo "no lab in $dir: bring it up with tests/lab/up.sh" >&2
  exit 1
fi
exec sed "s/\"ansible_user\": \"root\"/\"ansible_user\": \"${RPLAY_LAB_USER:-root}\"/" "$dir/inventory.json"
