#!/bin/bash
# What goes wrong on real hosts, and what rplay says and leaves: a lab of its own, over real ssh.
#
# usage: trouble.sh      (root; `rplay` on PATH)
set -uo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
export RPLAY_LAB_NAME=trouble
unset RPLAY_LAB_DIR RPLAY_LAB_SUBNET
PASSED=0 FAILED=0
WORK=$(mktemp -d)
trap '"$HERE/down.sh" >/dev/null 2>&1; rm -rf "$WORK"' EXIT
cd "$WORK" || exit 1

check() { # WHAT COMMAND...: passes when the command succeeds
  local what=$1
  shift
  if "$@" > "$WORK/log" 2>&1; then PASSED=$((PASSED + 1)); echo "ok: $what"
  else FAILED=$((FAILED + 1)); echo "FAILED: $what"; sed 's/^/    /' "$WORK/log" | tail -25; fi
}
# play EXPECTED-STATUS PATTERN FILE OPTIONS...: runs rplay and looks at its exit status and output.
play() {
  local expected=$1 pattern=$2 file=$3 status
  shift 3
  timeout 120 rplay "$file" -i "$ROOT/inventory/lab" "$@" > out 2>&1
  status=$?
  cat out
  [ "$status" = "$expected" ] || { echo "exit status $status, expected $expected"; return 1; }
  grep -qE -- "$pattern" out || { echo "no match for: $pattern"; return 1; }
}
on() { local host=$1; shift; timeout 20 "$HERE/host.sh" exec "$host" "$@"; }

"$HERE/down.sh" >/dev/null 2>&1
"$HERE/up.sh" 3 --no-old > log 2>&1 || { cat log; exit 1; }

cat > hello.yml <<'END'
- hosts: airflow
  gather_facts: false
  tasks:
    - ansible.builtin.command: id -un
      register: who
    - ansible.builtin.debug: {msg: "I am {{ who.stdout }}"}
    - ansible.builtin.copy: {content: "{{ inventory_hostname }}\n", dest: /tmp/hello, mode: "0600"}
END
check "a first run" play 0 'airflow3 +: ok=3 +changed=2 ' hello.yml
check "a second run changes the command only" play 0 'airflow3 +: ok=3 +changed=1 ' hello.yml
check "check mode skips the command" play 0 'airflow1 +: ok=2 .*skipped=1 ' hello.yml --check

cat > become.yml <<'END'
- hosts: airflow1
  gather_facts: false
  tasks:
    - ansible.builtin.command: id -un
      become: true
      become_method: "{{ how }}"
      become_user: "{{ whom | default('root') }}"
      register: who
    - ansible.builtin.debug: {msg: "became {{ who.stdout }}"}
END
check "sudo without a password" env RPLAY_LAB_USER=nopw bash -c "$(declare -f play); WORK=$WORK ROOT=$ROOT; play 0 'became root' become.yml -e how=sudo"
check "sudo with a password" env RPLAY_LAB_USER=lab bash -c "$(declare -f play); WORK=$WORK ROOT=$ROOT; play 0 'became root' become.yml -e how=sudo -e ansible_become_password=lab"
check "a wrong password is said" env RPLAY_LAB_USER=lab bash -c "$(declare -f play); WORK=$WORK ROOT=$ROOT; play 2 'assword' become.yml -e how=sudo -e ansible_become_password=wrongsecret && ! grep -q wrongsecret out"
check "su with a password" env RPLAY_LAB_USER=lab bash -c "$(declare -f play); WORK=$WORK ROOT=$ROOT; play 0 'became root' become.yml -e how=su -e ansible_become_password=labroot"
check "from root to a user without rights" play 0 'became nobody' become.yml -e how=sudo -e whom=nobody

"$HERE/host.sh" stop airflow2 > /dev/null 2>&1
check "a host that is down is unreachable, the others finish" play 4 'airflow2 +: ok=0 +changed=0 +unreachable=1' hello.yml -T 5
check "  and they did finish" grep -qE 'airflow3 +: ok=3' out
"$HERE/host.sh" start airflow2 > /dev/null 2>&1
check "after it is back a rerun completes" play 0 'airflow2 +: ok=3' hello.yml

cat > long.yml <<'END'
- hosts: airflow
  gather_facts: false
  tasks:
    - ansible.builtin.command: sleep 8
    - ansible.builtin.copy: {content: "done\n", dest: /tmp/long}
END
working() { # waits until the long task runs on a host
  for _ in $(seq 60); do on "$1" pgrep -x sleep > /dev/null && return; sleep 0.5; done
  return 1
}
agent_killed() {
  timeout 120 rplay long.yml -i "$ROOT/inventory/lab" > out 2>&1 &
  local pid=$!
  working airflow1 || return 1
  on airflow1 sh -c 'for p in /proc/[0-9]*; do case "$(readlink $p/exe 2>/dev/null)" in *rplay*) kill -9 ${p#/proc/};; esac; done'
  wait "$pid"
  local status=$?
  cat out
  [ "$status" = 4 ] && grep -qE 'airflow1 +: .*unreachable=1' out && grep -qE 'airflow3 +: ok=2' out
}
check "an agent that is killed loses its host only" agent_killed
controller_killed() {
  on airflow1 rm -f /tmp/long
  rplay long.yml -i "$ROOT/inventory/lab" > out 2>&1 &
  local pid=$!
  working airflow1 || return 1
  kill -9 "$pid"
  wait "$pid" 2>/dev/null
  sleep 3
  ! on airflow1 pgrep -x sleep && ! on airflow1 test -e /tmp/long
}
check "rplay killed: the agents end what they began" controller_killed
check "  and a rerun completes" play 0 'airflow1 +: ok=2' long.yml

sshd_killed() { # the session's own process and the server die in the middle; the server is started again by hand
  rplay long.yml -i "$ROOT/inventory/lab" > out 2>&1 &
  local pid=$!
  working airflow2 || return 1
  on airflow2 sh -c 'pkill -9 -x sshd'
  wait "$pid"
  local status=$?
  cat out
  on airflow2 systemctl restart ssh
  [ "$status" = 4 ] && grep -qE 'airflow2 +: .*unreachable=1' out && grep -qE 'airflow1 +: ok=2' out && grep -qE 'airflow3 +: ok=2' out
}
check "an sshd that is killed loses its host only" sshd_killed
check "  and a rerun completes" play 0 'airflow2 +: ok=2' long.yml

forget_agent() { on "$1" sh -c 'rm -rf /root/.cache/rplay /var/tmp/rplay-agents-* /tmp/rplay-agents-*'; }
agents() { on "$1" sh -c 'find / -xdev -path "*rplay*agents*" -type f 2>/dev/null'; }
half_sent() { # killed while the agent is on its way over a slow link: nothing half-written is ever run
  forget_agent airflow3
  "$HERE/host.sh" slow airflow3 || return 0 # this kernel cannot
  rplay hello.yml -i "$ROOT/inventory/lab" -l airflow3 > out 2>&1 &
  local pid=$!
  for _ in $(seq 60); do agents airflow3 | grep -q new- && break; sleep 0.5; done
  kill -9 "$pid"
  wait "$pid" 2>/dev/null
  agents airflow3
  ! agents airflow3 | grep -q 'rplay-agent$'
}
check "rplay killed while it sends the agent" half_sent
check "  over the slow link a rerun completes" play 0 'airflow3 +: ok=3' hello.yml -l airflow3
"$HERE/host.sh" fast airflow3 2> /dev/null
cut_off() { # packets vanish in the middle of a task: no refusal tells
  timeout 300 rplay long.yml -i "$ROOT/inventory/lab" -T 5 > out 2>&1 &
  local pid=$!
  working airflow1 || return 1
  "$HERE/host.sh" cut airflow1
  wait "$pid"
  local status=$?
  "$HERE/host.sh" join airflow1
  cat out
  [ "$status" = 4 ] && grep -qE 'airflow1 +: .*unreachable=1' out && grep -qE 'airflow2 +: ok=2' out
}
check "a host that falls silent is given up" cut_off

cat > secret.yml <<'END'
- hosts: airflow1
  gather_facts: false
  vars: {secret: hunter2hunter2}
  tasks:
    - ansible.builtin.command: "echo {{ secret }}"
      no_log: true
    - ansible.builtin.command: "false {{ secret }}"
      no_log: true
      ignore_errors: true
    - ansible.builtin.copy: {content: "{{ secret }}", dest: /tmp/secret, mode: "0600"}
      no_log: true
      diff: true
END
no_secret() {
  local output
  for output in human json jsonl; do
    timeout 60 rplay secret.yml -i "$ROOT/inventory/lab" --output "$output" -vvv --diff > out 2>&1 || { cat out; return 1; }
    ! grep -n hunter2 out || return 1
  done
}
check "no_log keeps secrets out of every report" no_secret

echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
