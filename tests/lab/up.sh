#!/bin/bash
# Brings a lab up: N Airflow hosts and one for the given services (PostgreSQL, S3), each a systemd-nspawn container
# with a real systemd and sshd, an overlay of one Debian root, and a network namespace on the lab's bridge.
#
# usage: up.sh [N] [--fresh] [--no-old]
#   N         Airflow hosts, airflow1..N (default 3)
#   --fresh   throw the hosts' disks away first
#   --no-old  without the host `old1`, which gets the machine's Python 3.8 (where it has one) for Airflow 2.2.5
#
# Environment: RPLAY_LAB_NAME (rlab), RPLAY_LAB_SUBNET (the first free of 10.88.N.0/24), RPLAY_LAB_DIR (the state folder),
# RPLAY_LAB_CACHE (what survives: root, packages, pip's cache). Running it again completes what is missing.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

COUNT=3 FRESH='' OLD=1
for arg; do
  case $arg in
    --fresh) FRESH=1 ;;
    --no-old) OLD= ;;
    -h | --help) sed -n '2,/^\. /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit ;;
    *[!0-9]* | '') die "unknown argument '$arg' (see up.sh --help)" ;;
    *) COUNT=$arg ;;
  esac
done
if [ "$COUNT" -lt 1 ] || [ "$COUNT" -gt 100 ]; then die "between 1 and 100 hosts, not $COUNT"; fi

need_root
load_settings
install_needs
[ -c /dev/fuse ] || modprobe fuse 2>/dev/null || say "no /dev/fuse on this machine: s3fs will not mount on the hosts"
lock_lab
load_settings
save_settings
BASE=$("$LAB_SOURCE/root.sh")

if [ -n "$FRESH" ]; then
  for host in $(lab_hosts); do host_stop "$host" kill; done
  rm -rf --one-file-system "$LAB_DIR/hosts"
fi

[ -f "$LAB_DIR/id_ed25519" ] || ssh-keygen -q -t ed25519 -N '' -C "rplay-lab $LAB_NAME" -f "$LAB_DIR/id_ed25519"

# The newest Python 3.8 of a version manager in the user's home, if any.
PYTHON38=
for folder in "$HOME"/.pyenv/versions/3.8.*; do [ ! -x "$folder/bin/python3.8" ] || PYTHON38=$folder; done

make_host() { # NAME LAST_BYTE: what a host has before its first start
  local h=$LAB_DIR/hosts/$1 user home
  if [ ! -f "$h/made" ]; then
    mkdir -p "$h"
    host_unmount "$1"
    rm -rf --one-file-system "$h/up" "$h/wk"
    mkdir -p "$h/up/etc/ssh" "$h/wk" "$h/root"
    echo "$BASE" > "$h/base"
    ssh-keygen -A -f "$h/up" >/dev/null # host keys into up/etc/ssh
    for user in root lab nopw; do
      home=$(awk -F: -v u=$user '$1 == u { print $6 }' "$BASE/etc/passwd")
      install -d -m 700 "$h/up$home/.ssh"
      install -m 600 "$LAB_DIR/id_ed25519.pub" "$h/up$home/.ssh/authorized_keys"
      # An overlay's folder takes the place of the one below: it needs that one's owner and mode.
      chmod --reference="$BASE$home" "$h/up$home"
      chown --reference="$BASE$home" "$h/up$home" "$h/up$home/.ssh" "$h/up$home/.ssh/authorized_keys"
    done
    case $1 in old*)
      # This Python finds its own library only where it was built: name the folder to the loader (see below).
      mkdir -p "$h/up/etc/ld.so.conf.d"
      echo /opt/python3.8/lib > "$h/up/etc/ld.so.conf.d/python3.8.conf" ;;
    esac
    host_seed "$1"
    : > "$h/made"
  fi
  echo "$LAB_NET.$2" > "$h/address"
  {
    echo "--bind=$LAB_CACHE/pip:/var/cache/pip"
    [ ! -c /dev/fuse ] || echo "--bind=/dev/fuse"
    while read -r folder; do echo "--bind-ro=$folder"; done < "$LAB_DIR/binds"
    case $1 in old*) echo "--bind-ro=$PYTHON38:/opt/python3.8" ;; esac
  } > "$h/binds"
}

SETTINGS=$(mktemp -d)
trap 'rm -rf "$SETTINGS"' EXIT
python3 "$LAB_SOURCE/machine_settings.py" "$SETTINGS"
cp "$SETTINGS/binds" "$LAB_DIR/binds"

for i in $(seq "$COUNT"); do make_host "airflow$i" $((100 + i)); done
make_host services1 10
if [ -z "$OLD" ]; then :
elif [ -n "$PYTHON38" ]; then make_host old1 60
else say "skipped: old1 (Airflow 2.2.5), since no Python 3.8 was found under ~/.pyenv/versions"
fi

bridge_up
for host in $(lab_hosts); do host_start "$host"; done
for host in $(lab_hosts); do host_wait "$host"; done
[ ! -f "$LAB_DIR/hosts/old1/address" ] || nsenter --all -t "$(leader_pid old1)" /sbin/ldconfig
python3 "$LAB_SOURCE/write_inventory.py" "$LAB_DIR"
say "up: $(lab_hosts | tr '\n' ' ')($LAB_SUBNET); state in $LAB_DIR"
