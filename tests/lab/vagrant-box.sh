#!/bin/bash
# A box for Vagrant's lxc provider from the lab's Debian root, and the bridge that the provider wants: a real
# `vagrant up` on a machine without a hypervisor.
#
# usage: vagrant-box.sh up [NAME]    make and add the box (default lab/debian12), start the bridge lxcbr0
#        vagrant-box.sh down [NAME]  take both away again (after `vagrant destroy`)
#
# Then, in the folder vagrant:
#   export VAGRANT_DEFAULT_PROVIDER=lxc RPLAY_BOX=lab/debian12 RPLAY_SERVICES_BOX=lab/debian12
#   vagrant up
export RPLAY_LAB_NAME=vagrant
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
LAB_DIR=$LAB_CACHE/vagrant
LAB_NAME=vagrant LAB_SUBNET=10.0.3.0/24 LAB_NET=10.0.3 LAB_BRIDGE=lxcbr0
BOX=${2:-lab/debian12}

stop_dnsmasq() {
  local pid
  pid=$(recorded_pid "$LAB_DIR/dnsmasq.recorded")
  [ -z "$pid" ] || kill "$pid"
  rm -f "$LAB_DIR/dnsmasq.recorded"
}

make_box() {
  local base work key
  base=$("$LAB_SOURCE/root.sh")
  if [ "$(cat "$LAB_DIR/made-from" 2>/dev/null)" != "$base" ]; then
    say "making the box (about a minute)"
    work=$LAB_DIR/work
    rm -rf --one-file-system "$work"
    mkdir -p "$work"
    cp -a "$base" "$work/rootfs"
    chroot "$work/rootfs" useradd --create-home --shell /bin/bash vagrant
    echo 'vagrant ALL=(ALL) NOPASSWD: ALL' > "$work/rootfs/etc/sudoers.d/vagrant"
    chmod 440 "$work/rootfs/etc/sudoers.d/vagrant"
    # Vagrant's well-known key, which it replaces by one of its own at the first `up`.
    key=$(find /usr/share -path '*keys/vagrant.pub' -print -quit)
    install -d -m 700 "$work/rootfs/home/vagrant/.ssh"
    install -m 600 "$key" "$work/rootfs/home/vagrant/.ssh/authorized_keys"
    chroot "$work/rootfs" chown -R vagrant:vagrant /home/vagrant/.ssh
    printf '[Match]\nName=eth0\n[Network]\nDHCP=yes\n' > "$work/rootfs/etc/systemd/network/eth0.network"
    ln -sf /lib/systemd/system/systemd-networkd.service "$work/rootfs/etc/systemd/system/multi-user.target.wants/"
    cat /etc/resolv.conf > "$work/rootfs/etc/resolv.conf"
    # Every machine makes host keys of its own at its first start.
    cat > "$work/rootfs/etc/systemd/system/ssh-host-keys.service" <<'UNIT'
[Unit]
Description=Make the ssh host keys
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A
[Install]
WantedBy=multi-user.target
UNIT
    ln -sf ../ssh-host-keys.service "$work/rootfs/etc/systemd/system/multi-user.target.wants/"
    echo '{"provider":"lxc","version":"1.0.0"}' > "$work/metadata.json"
    {
      echo 'lxc.include = /usr/share/lxc/config/common.conf'
      echo 'lxc.apparmor.profile = unconfined'
      echo 'lxc.mount.entry = /dev/fuse dev/fuse none bind,optional,create=file 0 0'
    } > "$work/lxc-config"
    tar -C "$work" --numeric-owner -I 'gzip -1' -cf "$work/rootfs.tar.gz" ./rootfs # the provider strips two levels: ./rootfs/
    tar -C "$work" -I 'gzip -1' -cf "$LAB_DIR/box.tar.gz" ./metadata.json ./lxc-config ./rootfs.tar.gz
    rm -rf --one-file-system "$work"
    echo "$base" > "$LAB_DIR/made-from"
    vagrant box add --force --name "$BOX" "$LAB_DIR/box.tar.gz" >&2
  elif ! vagrant box list | grep -F "$BOX " | grep -F '(lxc' >/dev/null; then
    vagrant box add --force --name "$BOX" "$LAB_DIR/box.tar.gz" >&2
  fi
}

mkdir -p "$LAB_DIR"
case ${1:-} in
  up)
    for program in vagrant lxc-start dnsmasq redir; do
      command -v "$program" >/dev/null && continue
      say "installing vagrant and its lxc provider"
      DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends vagrant vagrant-lxc lxc lxc-templates \
        redir bridge-utils sudo rsync uidmap dnsmasq-base >/dev/null
      break
    done
    install_needs
    lock_lab
    make_box
    bridge_up
    if [ -z "$(recorded_pid "$LAB_DIR/dnsmasq.recorded")" ]; then
      dnsmasq --interface="$LAB_BRIDGE" --bind-interfaces --except-interface=lo --port=0 --dhcp-option="3,$LAB_NET.1" \
        --dhcp-range="$LAB_NET.100,$LAB_NET.200,12h" --pid-file="$LAB_DIR/dnsmasq.pid" --dhcp-leasefile="$LAB_DIR/dnsmasq.leases" 9>&-
      pid=$(cat "$LAB_DIR/dnsmasq.pid")
      echo "$pid $(start_time "$pid")" > "$LAB_DIR/dnsmasq.recorded"
    fi
    say "box $BOX is there, bridge $LAB_BRIDGE is up" ;;
  down)
    lock_lab
    stop_dnsmasq
    bridge_down
    ! command -v vagrant >/dev/null || vagrant box remove --force "$BOX" --provider lxc >/dev/null 2>&1 || true
    rm -rf --one-file-system "$LAB_DIR"
    say "down: box $BOX, bridge $LAB_BRIDGE" ;;
  *) sed -n '2,/^export/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2; exit 1 ;;
esac
