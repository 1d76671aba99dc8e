#!/bin/bash
# A real `vagrant up` by the lxc provider: machines from the lab's root come up and rplay sets them up; then all of it
# is taken away again. Vagrant's own folders are the test's, not the user's.
#
# usage: vagrant.sh RPLAY [ARGUMENTS...]    RPLAY: the program; ARGUMENTS for it, such as --tags users,postgresql
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/lib.sh"
need_root
[ $# -ge 1 ] || die "usage: vagrant.sh RPLAY [ARGUMENTS...]"
RPLAY=$(command -v "$1") || die "no program $1"
RPLAY=$(realpath "$RPLAY")
shift
RPLAY_ARGS=$(printf '%q ' "$@")
[ $# -gt 0 ] || RPLAY_ARGS=
export RPLAY RPLAY_ARGS VAGRANT_DEFAULT_PROVIDER=lxc RPLAY_BOX=lab/debian12 RPLAY_SERVICES_BOX=lab/debian12
export RPLAY_VAGRANT_HOSTS=${RPLAY_VAGRANT_HOSTS:-1} VAGRANT_CHECKPOINT_DISABLE=1
export VAGRANT_HOME=$LAB_CACHE/vagrant/home VAGRANT_DOTFILE_PATH=$LAB_CACHE/vagrant/state
mkdir -p "$VAGRANT_HOME"
cd "$HERE/../../vagrant"

finish() {
  vagrant destroy --force > /dev/null 2>&1 || true
  "$HERE/vagrant-box.sh" down
}
trap finish EXIT
"$HERE/vagrant-box.sh" up
vagrant validate --ignore-provider
vagrant up
vagrant status
vagrant provision "airflow$RPLAY_VAGRANT_HOSTS" # what is set up stays set up
echo "vagrant up and provision: done"
