#!/bin/bash
# The lab's own test: makes a lab of another name beside any that runs, mistreats it, and looks at what is left.
#
# usage: check.sh          (root; half a minute once the Debian root is there)
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export RPLAY_LAB_NAME=labcheck
unset RPLAY_LAB_DIR RPLAY_LAB_SUBNET
. "$HERE/lib.sh"
need_root
set +e
PASSED=0 FAILED=0
LOG=$(mktemp)
trap '"$HERE/down.sh" >/dev/null 2>&1; rm -f "$LOG"' EXIT

check() { # WHAT COMMAND...: passes when the command succeeds
  local what=$1
  shift
  if "$@" > "$LOG" 2>&1; then PASSED=$((PASSED + 1)); echo "ok: $what"
  else FAILED=$((FAILED + 1)); echo "FAILED: $what"; sed 's/^/    /' "$LOG" | tail -15; fi
}
not() { ! "$@"; }
ssh_to() { timeout 20 "$HERE/host.sh" ssh "$@"; }
nothing_left() { # prints every trace of the lab on this machine
  local traces
  traces=$(
    ip netns list | grep "^$LAB_NAME-"
    ip -br link | grep "^$LAB_NAME-"
    iptables -w -S | grep "rplay-lab:$LAB_NAME"
    iptables -w -t nat -S | grep "rplay-lab:$LAB_NAME"
    grep "/labs/$LAB_NAME/" /proc/mounts
    awk '$3 ~ /^cgroup/ { print $2 }' /proc/mounts | while read -r m; do ls -d "$m/rplay-lab/$LAB_NAME"; done 2>/dev/null
    ls -d "$LAB_DIR" 2>/dev/null
    for p in /proc/[0-9]*; do { tr '\0' ' ' < "$p/cmdline"; } 2>/dev/null | grep -- "--machine=$LAB_NAME-"; done
  )
  echo "$traces"
  [ -z "$traces" ]
}

"$HERE/down.sh" >/dev/null 2>&1
check "up" "$HERE/up.sh" 2 --no-old
load_settings
check "up again changes nothing" "$HERE/up.sh" 2 --no-old
check "root by key, host key known" ssh_to airflow1 test '$(id -u) = 0'
check "real systemd, everything started" ssh_to airflow1 'systemctl is-system-running --wait'
check "user nopw becomes root" ssh_to nopw@airflow1 'sudo -n true'
check "user lab needs the password" not ssh_to lab@airflow1 'sudo -n true'
check "user lab becomes root with it" ssh_to lab@airflow1 'echo lab | sudo -S true'
check "root's password serves su" ssh_to nopw@airflow1 'echo labroot | su -c true root'
check "hosts know each other's names" ssh_to airflow1 'getent hosts services1'
check "hosts reach each other" ssh_to airflow1 'timeout 5 bash -c "</dev/tcp/airflow2/22"'
check "the network beyond is reached" ssh_to airflow2 'apt-get update -qq'
check "/dev/fuse is there" ssh_to airflow1 'test -c /dev/fuse'
check "the inventory script prints the hosts" bash -c "'$HERE/../../inventory/lab/hosts.sh' --list | grep -q '\"ansible_host\": \"$LAB_NET.101\"'"
check "exec without ssh" bash -c "[ \"\$('$HERE/host.sh' exec airflow2 hostname)\" = airflow2 ]"

ssh_to airflow1 'echo kept > /root/kept'
check "stop" "$HERE/host.sh" stop airflow1
check "a stopped host does not answer" not timeout 2 bash -c "</dev/tcp/$LAB_NET.101/22"
check "start, with its disk" "$HERE/host.sh" start airflow1
check "its files are there" ssh_to airflow1 'grep -q kept /root/kept'
check "power cut" "$HERE/host.sh" stop airflow1 --kill
check "start after it" "$HERE/host.sh" start airflow1
check "cut off" "$HERE/host.sh" cut airflow2
check "a cut-off host does not answer" not timeout 2 bash -c "</dev/tcp/$LAB_NET.102/22"
check "joined again" "$HERE/host.sh" join airflow2
check "and answers" timeout 10 bash -c "until (exec 3<>/dev/tcp/$LAB_NET.102/22) 2>/dev/null; do sleep 0.2; done"

kill -KILL "$(recorded_pid "$LAB_DIR/hosts/airflow2/pid")"
check "up after one container was killed" "$HERE/up.sh" 2 --no-old
check "it is back" ssh_to airflow2 true
check "down, disks kept" "$HERE/down.sh" --keep
check "up on the kept disks" "$HERE/up.sh" 2 --no-old
check "their files are there" ssh_to airflow1 'grep -q kept /root/kept'
check "up with fresh disks" "$HERE/up.sh" 1 --no-old --fresh
check "nothing of the old ones" not ssh_to airflow1 'test -e /root/kept'
"$HERE/down.sh" >/dev/null 2>&1

# Killed in the middle of `up`, wherever that is.
for moment in 0.3 0.7 1.2; do
  setsid "$HERE/up.sh" 2 --no-old > /dev/null 2>&1 &
  up=$!
  sleep "$moment"
  kill -KILL -- "-$up" 2>/dev/null
  wait "$up" 2>/dev/null
  check "up after a kill at $moment s" "$HERE/up.sh" 2 --no-old
  check "its host answers" ssh_to airflow2 true
  check "down" "$HERE/down.sh"
  check "nothing is left" nothing_left
done
setsid "$HERE/up.sh" 2 --no-old > /dev/null 2>&1 &
up=$!
sleep 1
kill -KILL -- "-$up" 2>/dev/null
wait "$up" 2>/dev/null
check "down after a kill" "$HERE/down.sh"
check "nothing is left of it" nothing_left
check "down twice" "$HERE/down.sh"

echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
