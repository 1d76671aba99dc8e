#!/bin/bash
# Takes a lab down: the hosts that up.sh started (by their recorded ids), their disks, network and control groups.
#
# usage: down.sh [--keep]
#   --keep   leave the hosts' disks, so that up.sh goes on with them (as after a power cut of the whole site)
#
# The cache (Debian root, packages, pip's cache) stays: RPLAY_LAB_CACHE, default ~/.cache/rplay-lab.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

KEEP=
case ${1:-} in
  '') ;;
  --keep) KEEP=1 ;;
  *) die "unknown argument '$1' (usage: down.sh [--keep])" ;;
esac

need_root
[ -d "$LAB_DIR" ] || { say "nothing to take down: no $LAB_DIR"; exit 0; }
load_settings
lock_lab
# All at once: each takes a second or two to end.
stopping=()
for host in $(lab_hosts); do
  if [ -n "$KEEP" ]; then host_stop "$host" & else host_stop "$host" kill & fi
  stopping+=($!)
done
for job in "${stopping[@]}"; do wait "$job" || true; done
cgroup_remove
bridge_down
if [ -z "$KEEP" ]; then
  for host in $(lab_hosts); do ! mountpoint -q "$LAB_DIR/hosts/$host/root" || die "$host's disk is still mounted"; done
  # --one-file-system: whatever is mounted below, nothing outside of the lab is deleted.
  rm -rf --one-file-system "$LAB_DIR/hosts"
  rm -f "$LAB_DIR"/{settings,inventory.json,known_hosts,ssh_config,binds,id_ed25519,id_ed25519.pub,lock}
  rmdir "$LAB_DIR" 2>/dev/null || true
fi
say "down: $LAB_NAME"
