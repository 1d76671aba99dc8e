#!/bin/bash
# Builds rplay and its agent for release, with what that needs installed. Prints the folder of the binaries.
#
# usage: build.sh
# Environment: CARGO_TARGET_DIR (~/.cache/rplay-build, so that a fresh clone does not compile the dependencies anew).
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/rplay-build}
missing=''
for tool in cc perl make; do command -v "$tool" >/dev/null || missing=1; done
if [ -n "$missing" ]; then
  sudo=''; [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends build-essential perl >&2
fi
command -v cargo >/dev/null || { echo "build.sh: cargo is missing: install Rust first (see rust-lang.org)" >&2; exit 1; }
# An OpenSSL of a cache older than .cargo/openssl-perl has no locks: it is built anew.
for header in "$CARGO_TARGET_DIR"/*/*/build/openssl-sys-*/out/openssl-build/install/include/openssl/configuration.h; do
  if [ -f "$header" ] && ! grep -q OPENSSL_THREADS "$header"; then rm -rf "${header%/out/*}"; fi
done
(cd "$ROOT" && cargo build --release --bins >&2)
host=$(rustc -vV | sed -n 's/^host: //p')
echo "$CARGO_TARGET_DIR/$host/release"
