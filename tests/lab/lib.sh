# shellcheck shell=bash
# shellcheck disable=SC2034 # names that only the sourcing scripts use
# The lab's settings and the parts that its scripts share. Sourced, never run.
#
# A lab is a set of systemd-nspawn hosts on one bridge. Everything that belongs to one lab carries its name
# (RPLAY_LAB_NAME) and lies in its state folder (RPLAY_LAB_DIR), so that labs with other names and subnets run
# side by side, and what a killed run left behind can be found again by name.

set -euo pipefail

LAB_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_CACHE=${RPLAY_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rplay-lab}
LAB_NAME=${RPLAY_LAB_NAME:-rlab}
LAB_DIR=${RPLAY_LAB_DIR:-$LAB_CACHE/labs/$LAB_NAME}

say() { printf 'lab: %s\n' "$*" >&2; }
die() { printf 'lab: error: %s\n' "$*" >&2; exit 1; }

# The settings that a lab was made with win over the environment: a host cannot change its subnet while it lives.
load_settings() {
  if [ -f "$LAB_DIR/settings" ]; then
    # shellcheck source=/dev/null
    . "$LAB_DIR/settings"
  else
    LAB_SUBNET=${RPLAY_LAB_SUBNET:-$(free_subnet)}
  fi
  case $LAB_NAME in *[!a-z0-9]*|'') die "the lab's name must be lower-case letters and digits: '$LAB_NAME'" ;; esac
  # A network interface's name has at most 15 characters; the bridge is NAME-br and a host's end NAME-IP's last byte.
  [ "${#LAB_NAME}" -le 11 ] || die "the lab's name must have at most 11 characters: '$LAB_NAME'"
  case $LAB_SUBNET in *.*.*.0/24) ;; *) die "the subnet must be a /24 such as 10.88.0.0/24, not '$LAB_SUBNET'" ;; esac
  LAB_NET=${LAB_SUBNET%.0/24}
  LAB_BRIDGE=$LAB_NAME-br
}

subnet_in_use() { [ -n "$(ip -4 route show "$1")" ]; }

free_subnet() {
  local n
  for n in $(seq 0 99); do
    subnet_in_use "10.88.$n.0/24" || { echo "10.88.$n.0/24"; return; }
  done
  echo 10.88.0.0/24
}

save_settings() {
  [ ! -f "$LAB_DIR/settings" ] || return 0
  ! subnet_in_use "$LAB_SUBNET" || die "the subnet $LAB_SUBNET is in use: choose another (RPLAY_LAB_SUBNET)"

  printf 'LAB_NAME=%s\nLAB_SUBNET=%s\n' "$LAB_NAME" "$LAB_SUBNET" > "$LAB_DIR/settings"
}

need_root() { [ "$(id -u)" = 0 ] || die "the lab needs root (namespaces, mounts): run it with sudo"; }

# One of up, down and host at a time for one lab. The lock ends with the process: children get no copy of fd 9.
lock_lab() {
  mkdir -p "$LAB_DIR"
  exec 9> "$LAB_DIR/lock"
  flock -w 600 9 || die "another lab command holds $LAB_DIR/lock"
}

# Everything a fresh Debian or Ubuntu lacks, from its own packages.
install_needs() {
  local missing=() pair
  for pair in systemd-nspawn:systemd-container mmdebstrap:mmdebstrap ssh-keygen:openssh-client ip:iproute2 \
              iptables:iptables flock:util-linux nsenter:util-linux setfacl:acl python3:python3; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null || die "please install: ${missing[*]}"
  say "installing ${missing[*]}"
  DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# ---- processes -------------------------------------------------------------------------------------------------
# A process is recorded as "PID START" (START: field 22 of /proc/PID/stat, clock ticks since boot), since a number
# alone may belong to another process by the time that it is read.

start_time() { # PID -> START, or nothing when it is gone
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  # The command's name stands in brackets and may hold spaces: count from its closing bracket.
  # shellcheck disable=SC2086 # split into fields
  set -- ${stat##*) }
  echo "${20}"
}

recorded_pid() { # FILE -> the PID when the recorded process still lives
  local pid start
  [ -s "$1" ] || return 0
  read -r pid start < "$1" || true
  [ -n "${start:-}" ] && [ "$(start_time "$pid")" = "$start" ] && echo "$pid"
  return 0
}

# The container's own init is the child of the recorded nspawn process.
leader_pid() { # HOST -> PID
  local pid
  pid=$(recorded_pid "$LAB_DIR/hosts/$1/pid")
  [ -n "$pid" ] || return 0
  tr ' ' '\n' < "/proc/$pid/task/$pid/children" 2>/dev/null | grep . | tail -1 || true
}

# ---- control groups --------------------------------------------------------------------------------------------
# Where systemd runs the machine, nspawn asks it for a scope. Elsewhere each host gets groups of its own, by hand:
# two containers in one group would take each other's processes for their own.

cgroup_parent() { echo "rplay-lab/$LAB_NAME"; }

cgroup_mounts() { # -> "MOUNTPOINT" lines of every cgroup hierarchy, old and new
  awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts
}

cgroup_enter() { # HOST: moves the calling process into groups made for it
  local mount group file
  [ -d /run/systemd/system ] && return
  while read -r mount; do
    group=$mount/$(cgroup_parent)/$1
    mkdir -p "$group" 2>/dev/null || continue
    # A new cpuset is empty and takes no process until it is filled.
    for file in cpuset.cpus cpuset.mems; do
      for group in "$mount/rplay-lab" "$mount/$(cgroup_parent)" "$mount/$(cgroup_parent)/$1"; do
        if [ -f "$group/$file" ] && [ -f "$mount/cgroup.clone_children" ] && [ -z "$(cat "$group/$file")" ]; then
          cat "${group%/*}/$file" > "$group/$file"
        fi
      done
    done
    echo "$BASHPID" > "$mount/$(cgroup_parent)/$1/cgroup.procs"
  done < <(cgroup_mounts)
}

cgroup_remove() { # [HOST]
  local mount top
  [ -d /run/systemd/system ] && return
  while read -r mount; do
    top=$mount/$(cgroup_parent)${1:+/$1}
    [ -d "$top" ] || continue
    # The last processes may still be on their way out.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      find "$top" -depth -type d -exec rmdir {} + 2>/dev/null || true
      [ -d "$top" ] || break
      sleep 0.1
    done
    rmdir "$mount/rplay-lab" 2>/dev/null || true
  done < <(cgroup_mounts)
}

# ---- network ---------------------------------------------------------------------------------------------------

uplink_mtu() {
  local dev
  dev=$(ip -4 route show default | awk '{ for (i = 1; i < NF; i++) if ($i == "dev") { print $(i + 1); exit } }')
  awk '{ print ($1 > 1500 ? 1500 : $1) }' "/sys/class/net/${dev:-lo}/mtu"
}

# The lab's rules carry its name as a comment: `down` deletes by the same words that `up` added.
nat_rules() {
  local mark=(-m comment --comment "rplay-lab:$LAB_NAME")
  rule "$1" nat POSTROUTING -s "$LAB_SUBNET" ! -d "$LAB_SUBNET" "${mark[@]}" -j MASQUERADE
  rule "$1" filter FORWARD -i "$LAB_BRIDGE" "${mark[@]}" -j ACCEPT
  rule "$1" filter FORWARD -o "$LAB_BRIDGE" "${mark[@]}" -j ACCEPT
}

rule() { # add|remove TABLE CHAIN RULE...
  local what=$1 table=$2 chain=$3
  shift 3
  case $what in
    add) iptables -w -t "$table" -C "$chain" "$@" 2>/dev/null || iptables -w -t "$table" -I "$chain" "$@" ;;
    remove) while iptables -w -t "$table" -D "$chain" "$@" 2>/dev/null; do :; done ;;
  esac
}

bridge_up() {
  ip link show "$LAB_BRIDGE" >/dev/null 2>&1 || ip link add "$LAB_BRIDGE" mtu "$(uplink_mtu)" type bridge
  ip addr replace "$LAB_NET.1/24" dev "$LAB_BRIDGE"
  ip link set "$LAB_BRIDGE" up
  [ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ] || echo 1 > /proc/sys/net/ipv4/ip_forward
  nat_rules add
}

bridge_down() {
  nat_rules remove
  ip link del "$LAB_BRIDGE" 2>/dev/null || true
}

# ---- hosts -----------------------------------------------------------------------------------------------------
# hosts/NAME/: address, binds, up (the overlay's changes), wk, root (the mounted overlay), pid, console.log

lab_hosts() { # -> names in the order of their addresses
  local f
  for f in "$LAB_DIR"/hosts/*/address; do
    [ -f "$f" ] && printf '%s %s\n' "$(cat "$f")" "$(basename "$(dirname "$f")")"
  done | sort -t. -k4n | cut -d' ' -f2
}

host_is_up() { [ -n "$(recorded_pid "$LAB_DIR/hosts/$1/pid")" ]; }

host_netns() { # HOST
  local address mtu veth ns
  address=$(cat "$LAB_DIR/hosts/$1/address")
  ns=$LAB_NAME-$1 veth=$LAB_NAME-${address##*.} mtu=$(uplink_mtu)
  [ ! -e "/run/netns/$ns" ] || return 0
  ip link del "$veth" 2>/dev/null || true
  ip netns add "$ns"
  ip link add "$veth" mtu "$mtu" type veth peer name eth0 mtu "$mtu" netns "$ns"
  ip link set "$veth" master "$LAB_BRIDGE" up
  ip -n "$ns" link set lo up
  ip -n "$ns" link set eth0 up
  ip -n "$ns" addr add "$address/24" dev eth0
  ip -n "$ns" route add default via "$LAB_NET.1"
}

host_netns_remove() { # HOST
  local address
  address=$(cat "$LAB_DIR/hosts/$1/address" 2>/dev/null || true)
  ip netns del "$LAB_NAME-$1" 2>/dev/null || true
  [ -z "$address" ] || ip link del "$LAB_NAME-${address##*.}" 2>/dev/null || true
}

# What still runs in the host's network namespace. A container outlives its nspawn when that is killed; nobody else
# is in a namespace of this name.
host_kill_rest() { # HOST
  local pids end=$((SECONDS + 10))
  while [ -e "/run/netns/$LAB_NAME-$1" ] && pids=$(ip netns pids "$LAB_NAME-$1") && [ -n "$pids" ] && [ $SECONDS -lt $end ]; do
    # shellcheck disable=SC2086 # one word for each process
    kill -KILL $pids 2>/dev/null || true
    sleep 0.05
  done
}

host_unmount() { # HOST
  local h=$LAB_DIR/hosts/$1
  while mountpoint -q "$h/root" 2>/dev/null; do umount "$h/root" 2>/dev/null || umount -l "$h/root"; done
}

host_start() { # HOST
  local h=$LAB_DIR/hosts/$1 root args=() bind
  if host_is_up "$1"; then return; fi
  root=$(cat "$h/base")
  [ -d "$root" ] || die "$1 was made on $root, which is gone: use up.sh --fresh"
  rm -f "$h/pid"
  host_kill_rest "$1"
  host_unmount "$1"
  host_netns_remove "$1"
  cgroup_remove "$1"
  host_netns "$1"
  mkdir -p "$h/up" "$h/wk" "$h/root"
  mount -t overlay overlay -o "lowerdir=$root,upperdir=$h/up,workdir=$h/wk" "$h/root"
  host_write_names "$1"
  args=(--quiet --directory="$h/root" --boot --machine="$LAB_NAME-$1" --hostname="$1" --resolv-conf=off --timezone=off
        --link-journal=no --register=no --network-namespace-path="/run/netns/$LAB_NAME-$1" --capability=all)
  [ -d /run/systemd/system ] || args+=(--keep-unit)
  while IFS= read -r bind; do [ -z "$bind" ] || args+=("$bind"); done < "$h/binds"
  (
    exec 9>&-
    # Recorded before nspawn begins, by the process that becomes nspawn: a kill at any moment leaves an owner.
    me=$BASHPID # inside $(...) the same name means another process
    echo "$me $(start_time "$me")" > "$h/pid.new"
    cgroup_enter "$1"
    mv "$h/pid.new" "$h/pid"
    exec setsid systemd-nspawn "${args[@]}" < /dev/null > "$h/console.log" 2>&1
  ) &
  disown
  until [ -s "$h/pid" ]; do sleep 0.02; done
}

# Hosts know each other by name, as they would from a site's DNS.
host_write_names() { # HOST
  local h=$LAB_DIR/hosts/$1 name resolv=/etc/resolv.conf
  # A stub on 127.0.0.53 answers on the machine only; the real servers stand beside it.
  [ ! -f /run/systemd/resolve/resolv.conf ] || resolv=/run/systemd/resolve/resolv.conf
  cat "$resolv" > "$h/root/etc/resolv.conf"
  echo "$1" > "$h/root/etc/hostname"
  {
    echo "127.0.0.1 localhost"
    echo "::1 localhost ip6-localhost ip6-loopback"
    for name in $(lab_hosts); do echo "$(cat "$LAB_DIR/hosts/$name/address") $name"; done
  } > "$h/root/etc/hosts"
}

host_wait() { # HOST [SECONDS]: until its sshd answers
  local address end=$((SECONDS + ${2:-60}))
  address=$(cat "$LAB_DIR/hosts/$1/address")
  while [ $SECONDS -lt $end ]; do
    host_is_up "$1" || { tail -5 "$LAB_DIR/hosts/$1/console.log" >&2; die "$1 ended while it was starting"; }
    # The greeting, not only an open port: a listening socket is not yet a server.
    if timeout 2 bash -c "exec 3<>/dev/tcp/$address/22; read -r line <&3; case \$line in SSH-*) ;; *) exit 1 ;; esac" 2>/dev/null; then
      return
    fi
    sleep 0.2
  done
  tail -5 "$LAB_DIR/hosts/$1/console.log" >&2
  die "$1 ($address) does not answer on port 22"
}

host_stop() { # HOST [kill]: orderly as by a power button, or at once as by a power cut
  local h=$LAB_DIR/hosts/$1 pid end leader
  pid=$(recorded_pid "$h/pid")
  if [ -n "$pid" ]; then
    leader=$(leader_pid "$1")
    if [ "${2:-}" != kill ]; then
      kill -TERM "$pid" 2>/dev/null || true # nspawn hands it on as a shutdown request
      end=$((SECONDS + 20))
      while [ $SECONDS -lt $end ] && [ -n "$(recorded_pid "$h/pid")" ]; do sleep 0.1; done
    fi
    if [ -n "$(recorded_pid "$h/pid")" ]; then
      [ -z "$leader" ] || kill -KILL "$leader" 2>/dev/null || true
      kill -KILL "$pid" 2>/dev/null || true
      end=$((SECONDS + 10))
      while [ $SECONDS -lt $end ] && [ -n "$(recorded_pid "$h/pid")" ]; do sleep 0.1; done
    fi
  fi
  rm -f "$h/pid"
  host_kill_rest "$1"
  host_harvest "$1"
  host_unmount "$1"
  host_netns_remove "$1"
  cgroup_remove "$1"
}

# Packages that a host has downloaded are kept for the next one (hard links: no copy, no lock shared between hosts).
host_harvest() { # HOST
  local archives=$LAB_DIR/hosts/$1/up/var/cache/apt/archives
  mkdir -p "$LAB_CACHE/apt"
  [ ! -d "$archives" ] || find "$archives" -maxdepth 1 -name '*.deb' -size +0 -exec cp -ln -t "$LAB_CACHE/apt" {} + 2>/dev/null || true
}

host_seed() { # HOST
  local archives=$LAB_DIR/hosts/$1/up/var/cache/apt/archives
  mkdir -p "$archives" "$LAB_CACHE/apt"
  find "$LAB_CACHE/apt" -maxdepth 1 -name '*.deb' -exec cp -ln -t "$archives" {} + 2>/dev/null || true
}
