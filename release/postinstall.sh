#!/bin/sh
# deb: configure [VERSION]; rpm: the number of versions installed.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || :
	journalctl --update-catalog || :
fi
if [ -e /var/lib/cni-shim/install.json ]; then
	# This node was taken over: renew the program, in place, under whatever load.
	cni-shim install || echo 'cni-shim: this node still runs the program of before; see above, then run: cni-shim install' >&2
else
	echo 'cni-shim: the network of this node is unchanged. To take it over: cni-shim install (first: --dry-run)'
fi
