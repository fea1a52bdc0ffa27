#!/bin/sh
# Installs the programs that demo and tests call and a fresh Debian may lack. Does nothing where all are there.
set -eu
missing=''
need() { [ -e "$2" ] || command -v "$2" >/dev/null 2>&1 || missing="$missing $1"; }
need iproute2 ip
need iptables iptables
need nftables nft
need systemd /lib/systemd/systemd-journald
need systemd journalctl
need systemd systemd-analyze
need procps pgrep
need e2fsprogs /sbin/mkfs.ext4
need util-linux unshare
need strace strace
need shellcheck shellcheck
need debootstrap debootstrap
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "missing:$missing; install them with your system's package manager" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
