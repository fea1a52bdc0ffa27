#!/bin/sh
# Plays the life of a deb in the bare Debian $1, within mount and network namespaces of its own. Every line must succeed.
set -eu
root=$1
ip link set lo up
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir -p "$root/run/netns" "$root/run/lock"
touch "$root/run/netns/web"
unshare --net="$root/run/netns/web" true

inside() { chroot "$root" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin CNI_PATH=/opt/cni/bin NETCONFPATH=/etc/cni/net.d "$@"; }
cnitool() { inside /opt/cni/bin/cnitool "$@"; }
say() { printf '\n== %s\n' "$*"; }
# tree prints names, modes, owners, sizes and, of files, times and sums of what a package or an install may touch.
tree() {
	(cd "$root" && find etc opt usr var/lib/cni-shim run/cni-shim ! -type d -printf '%p %M %u:%g %s %t %l\n' 2>/dev/null | grep -v -e '^etc/ld.so.cache ' | sort &&
		find etc/cni opt/cni etc/containerd -type f -exec sha256sum {} + | sort)
}

tree >"$root/before"
say 'install the package'
inside dpkg -i /one.deb
[ ! -e "$root/etc/cni/net.d/00-cni-shim.conflist" ] || { echo 'the package has changed the network'; exit 1; }
[ ! -e "$root/opt/cni/bin/cni-shim" ]
inside cni-shim version

say 'take the node over'
inside cni-shim install --dry-run
inside cni-shim install
[ ! -e "$root/usr/local/bin/cni-shim" ] # the package's own is there
[ "$(readlink "$root/etc/systemd/system/multi-user.target.wants/cni-shim-watch.service")" = /usr/lib/systemd/system/cni-shim-watch.service ]
inside cni-shim check

say 'a pod'
cnitool add lab /run/netns/web >/dev/null
inside cni-shim status

say 'upgrade'
inside dpkg -i /two.deb
inside /opt/cni/bin/cni-shim version
cmp "$root/opt/cni/bin/cni-shim" "$root/usr/bin/cni-shim"
cnitool check lab /run/netns/web

say 'purge'
inside dpkg --purge cni-shim
[ ! -e "$root/opt/cni/bin/cni-shim" ]
cnitool del lab /run/netns/web
[ -z "$(find "$root/var/lib/cni/networks/lab" -name '10.*')" ] || { echo 'an address leaks'; exit 1; }
tree >"$root/after"
diff "$root/before" "$root/after"
echo 'the same'
