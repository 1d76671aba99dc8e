#!/bin/bash
# One host of a lab that is up: stop it, start it, cut it off, look inside.
#
# usage: host.sh list                     the hosts, their addresses and whether they run
#        host.sh stop NAME [--kill]       orderly, or at once as by a power cut
#        host.sh start NAME               and wait for its sshd
#        host.sh cut NAME | join NAME     take its network link down or up: packets vanish, nothing is refused
#        host.sh slow NAME | fast NAME    2 Mbit/s towards it (where the kernel can), or all that there is
#        host.sh exec NAME COMMAND...     run inside as root, without ssh
#        host.sh ssh [USER@]NAME ARGS...  by ssh with the lab's key
#        host.sh pid NAME                 the process id of its init, seen from this machine
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() { sed -n '2,/^\. /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2; exit 1; }
[ $# -ge 1 ] || usage
ACTION=$1 HOST=${2:-}
[ -f "$LAB_DIR/settings" ] || die "no lab in $LAB_DIR: run up.sh first"
load_settings
case $ACTION in
  list)
    for host in $(lab_hosts); do
      printf '%s %s %s\n' "$host" "$(cat "$LAB_DIR/hosts/$host/address")" "$(host_is_up "$host" && echo up || echo down)"
    done
    exit ;;
  ssh)
    [ -n "$HOST" ] || usage
    shift
    exec ssh -F "$LAB_DIR/ssh_config" "$@" ;;
esac
[ -f "$LAB_DIR/hosts/$HOST/address" ] || die "no host '$HOST' in this lab (it has: $(lab_hosts | tr '\n' ' '))"
need_root
VETH=$LAB_NAME-$(cut -d. -f4 "$LAB_DIR/hosts/$HOST/address")
case $ACTION in
  stop) lock_lab; if [ "${3:-}" = --kill ]; then host_stop "$HOST" kill; else host_stop "$HOST"; fi ;;
  start) lock_lab; bridge_up; host_start "$HOST"; host_wait "$HOST" ;;
  cut) ip link set "$VETH" nomaster down ;;
  join) ip link set "$VETH" master "$LAB_BRIDGE" up ;;
  slow) tc qdisc replace dev "$VETH" root netem delay 100ms rate 2mbit 2>/dev/null ||
    tc qdisc replace dev "$VETH" root tbf rate 2mbit burst 16kb latency 400ms ;;
  fast) tc qdisc del dev "$VETH" root ;;
  pid) leader_pid "$HOST" ;;
  exec)
    shift 2
    leader=$(leader_pid "$HOST")
    [ -n "$leader" ] || die "$HOST is down"
    exec nsenter --all -t "$leader" env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" ;;
  *) usage ;;
esac
