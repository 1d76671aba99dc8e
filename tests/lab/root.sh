#!/bin/bash
# Makes the Debian 12 root that all lab hosts are overlays of, once, and prints its path.
#
# It holds what a Debian cloud image holds (systemd, sshd, sudo, python3, ...) and nothing that the roles install.
# The machine's own way to its package registries (apt's Acquire settings, pip.conf and PIP_*, proxies, extra
# certificates) is copied into it, whatever that is; a change there makes another root.
#
# usage: root.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
install_needs

PACKAGES=systemd,systemd-sysv,dbus,udev,kmod,openssh-server,python3,python3-apt,python3-yaml,iproute2,iputils-ping,netbase,sudo,acl
PACKAGES+=,procps,psmisc,lsof,less,vim-tiny,curl,wget,rsync,bzip2,xz-utils,zstd,unzip,gnupg,ca-certificates
PACKAGES+=,libpam-modules,libpam-systemd,apt-utils,tzdata,cron,logrotate,e2fsprogs,file

mkdir -p "$LAB_CACHE"/{roots,apt,pip}
# pip runs as root and as other users on the hosts: what one creates, the others may replace.
chmod 0777 "$LAB_CACHE/pip"
setfacl -d -m u::rwx,g::rwx,o::rwx "$LAB_CACHE/pip" 2>/dev/null || true

SETTINGS=$(mktemp -d)
trap 'rm -rf "$SETTINGS"' EXIT
python3 "$LAB_SOURCE/machine_settings.py" "$SETTINGS"
apt-config dump 2>/dev/null | grep -E '^Acquire::(https?|ftp|Check-|Retries|ForceIPv|Languages|GzipIndexes|Max-|Min-)' > "$SETTINGS/apt.conf" || true

KEY=$(cat "${BASH_SOURCE[0]}" "$LAB_SOURCE/machine_settings.py" "$SETTINGS"/* | sha256sum | cut -c1-12)
ROOT=$LAB_CACHE/roots/bookworm-$KEY

exec 8> "$LAB_CACHE/roots/lock"
flock -w 1200 8 || die "another process has been making the root for 20 minutes"
if [ ! -d "$ROOT" ]; then
  say "making the Debian root (once, about a minute)"
  NEW=$ROOT.new
  rm -rf --one-file-system "$NEW"
  # A Debian 12 machine's own sources (a mirror, perhaps) serve the hosts too; any other gets Debian's.
  SOURCES=()
  if grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then
    for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
      [ ! -s "$file" ] || { SOURCES=("$file"); break; }
    done
  fi
  # Hosts are thrown away: their packages need not be on the disk before dpkg goes on (force-unsafe-io).
  mmdebstrap --mode=root --variant=minbase --include="$PACKAGES" --aptopt="$SETTINGS/apt.conf" \
    --dpkgopt=force-unsafe-io bookworm "$NEW" "${SOURCES[@]}" > "$SETTINGS/log" 2>&1 8>&- ||
    { tail -20 "$SETTINGS/log" >&2; die "mmdebstrap failed"; }

  # The way to the registries, and to nothing else.
  install -m 644 "$SETTINGS/pip.conf" "$NEW/etc/pip.conf"
  cat "$SETTINGS/environment" >> "$NEW/etc/environment"
  mkdir -p "$NEW/usr/local/share/ca-certificates/machine"
  python3 "$LAB_SOURCE/machine_settings.py" --certificates "$NEW/etc/ssl/certs/ca-certificates.crt" "$NEW/usr/local/share/ca-certificates/machine"
  chroot "$NEW" update-ca-certificates >/dev/null 2>&1

  cat > "$NEW/etc/ssh/sshd_config.d/lab.conf" <<'SSHD'
# Tests open many connections at once.
MaxStartups 500:30:1000
MaxSessions 200
UseDNS no
PermitRootLogin prohibit-password
SSHD
  # Two users to become root from: `lab` with the password lab, `nopw` without one. root's own (for su): labroot.
  for user in lab nopw; do chroot "$NEW" useradd --create-home --shell /bin/bash --groups sudo "$user"; done
  printf 'lab:lab\nroot:labroot\n' | chroot "$NEW" chpasswd
  printf 'nopw ALL=(ALL:ALL) NOPASSWD: ALL\n' > "$NEW/etc/sudoers.d/nopw"
  chmod 440 "$NEW/etc/sudoers.d/nopw"
  # Each host has keys of its own, made by up.sh.
  rm -f "$NEW"/etc/ssh/ssh_host_*
  : > "$NEW/etc/machine-id"
  # The network is set from outside; these would wait for a console or a network manager that is not there.
  for unit in systemd-networkd-wait-online.service console-getty.service getty.target; do
    ln -sf /dev/null "$NEW/etc/systemd/system/$unit"
  done
  rm -rf "$NEW"/var/cache/apt/archives/*.deb
  # No package lists are there: their folder must not look freshly updated to who asks for its age.
  touch -d 2024-01-01 "$NEW/var/lib/apt/lists"
  mv "$NEW" "$ROOT"
  # Roots of earlier settings go as soon as no lab stands on them.
  for old in "$LAB_CACHE"/roots/bookworm-*; do
    [ "$old" = "$ROOT" ] || grep -qsxF "$old" "$LAB_CACHE"/labs/*/hosts/*/base || grep -qF "lowerdir=$old," /proc/mounts ||
      rm -rf --one-file-system "$old"
  done
  say "root: $ROOT ($(du -sh --one-file-system "$ROOT" | cut -f1))"
fi
echo "$ROOT"
