#!/bin/sh
# The story that this project comes from, with real parts and nothing of the host touched: a trailing comma in a Calico-style
# list, the comma removed, a plugin taken away. Run it by `make demo`; it starts itself again in private namespaces.
set -eu

if [ "${1:-}" != inside ]; then
	[ "$(id -u)" = 0 ] || { echo "the demo makes namespaces and needs root" >&2; exit 1; }
	exec unshare --mount --net --propagation private sh "$0" inside "$1"
fi
bin=$2

scratch=$(mktemp -d)
mount -t tmpfs tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$scratch/upper,workdir=$scratch/work" /etc
for d in /run /var/lib /opt; do mount -t tmpfs -o mode=755 tmpfs "$d"; done
mkdir -p /etc/cni/net.d /opt/cni/bin /run/netns /run/lock /run/systemd/journal /run/log/journal
cp "$bin"/* /opt/cni/bin/
[ -s /etc/machine-id ] || echo 0123456789abcdef0123456789abcdef >/etc/machine-id
ip link set lo up
/lib/systemd/systemd-journald 2>/dev/null &
journald=$!
trap 'kill $journald 2>/dev/null || :; umount -l /etc "$scratch" 2>/dev/null; rmdir "$scratch" 2>/dev/null || :' EXIT
while [ ! -S /run/systemd/journal/socket ]; do sleep 0.05; done

export CNI_PATH=/opt/cni/bin NETCONFPATH=/etc/cni/net.d
bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold='\033[1m' plain='\033[0m'; fi
title() { printf "\n${bold}== %s${plain}\n" "$*"; }
show() {
	printf "${bold}# %s${plain}\n" "$*"
	"$@" 2>&1 | cut -c1-400 | sed 's/^/  /'
}
shim_status() { cnitool status k8s-pod-network /run/netns/web; }
journal() { sleep 0.2; journalctl -t cni-shim -o cat --no-pager -n "$1" ${2:+-p "$2"}; }
cnitool() { /opt/cni/bin/cnitool "$@" && echo "(done)"; }
ip netns add web

title "1. A Calico-style list out of a ConfigMap, with one comma too many"
cat >/etc/cni/net.d/10-calico.conflist <<'CONF'
{
  "cniVersion": "1.0.0",
  "name": "k8s-pod-network",
  "plugins": [
    {
      "type": "calico",
      "mtu": 1440,
      "ipam": {
        "type": "host-local",
        "subnet": "usePodCidr",
      }
    }
  ]
}
CONF
echo "What libcni says, and with it containerd (kubelet: \"cni plugin not initialized\"):"
show cnitool status k8s-pod-network /run/netns/web
cp "$(dirname "$0")/../conf/00-cni-shim.conflist" /etc/cni/net.d/
printf '\nThe same file behind the shim. STATUS, which kubelet copies into the node'\''s Ready condition:\n'
show shim_status
echo "The journal:"
show journal 1 err
echo "The status file, /run/cni-shim/status.json:"
show sed -n '/"verdict"/,/}/p' /run/cni-shim/status.json

title "2. The comma removed; bridge stands in for calico, which needs a cluster"
cp "$(dirname "$0")/../conf/chains/10-bridge.conflist" /etc/cni/net.d/10-calico.conflist
export CAP_ARGS='{"portMappings":[{"hostPort":18080,"containerPort":80,"protocol":"tcp"}]}'
export CNI_ARGS='IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web'
show shim_status
cnitool add k8s-pod-network /run/netns/web >/dev/null
show ip -netns web -brief address show eth0
show cnitool check k8s-pod-network /run/netns/web
show cnitool del k8s-pod-network /run/netns/web
echo "The journal of it:"
show journal 5

title "3. One plugin's program taken away"
mv /opt/cni/bin/portmap /opt/cni/bin/portmap.gone
show cnitool add k8s-pod-network /run/netns/web
echo "The journal:"
show journal 1 err
echo "The status file:"
show sed -n '/"verdict"/,/}/p' /run/cni-shim/status.json
