package secret

import (
	"strings"
	"testing"
)

// TestReadable holds what must stay readable: an admin needs it, and no secret is in it.
func TestReadable(t *testing.T) {
	for _, text := range []string{
		"cannot read secret: permission denied", "invalid token: expired", "wrong password: authentication failed", "open /etc/x: token: no such file or directory",
		"failed to refresh the token: context deadline exceeded", "token: x509: certificate signed by unknown authority", "secret: Get \"https://10.96.0.1:443/api\": dial tcp 10.96.0.1:443: i/o timeout",
		`"tokenFile": "/var/run/secrets/kubernetes.io/serviceaccount/token"`, "kubeconfig: /etc/cni/net.d/calico-kubeconfig", `{"kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig"}`,
		`"etcd_key_file": "/etc/calico/certs/key.pem", "etcd_cert_file": "/etc/calico/certs/cert.crt"`, "secretName: calico-etcd-secrets", "secretRef: {name: x}", "tokenTTL=3600", "token-ttl: 24h",
		"--kubeconfig /etc/kubernetes/kubelet.conf", "--token-file /run/token", "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap.conf", "--tls-private-key-file=/etc/x.key",
		"container 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef of network k8s-pod-network", "pod kube-system/coredns-7db6d8ff4d-x2x4z, uid 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "image docker.io/library/nginx@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		`"integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="`, "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8", "commit 3f786850e387550fdab836ed7e6dc881de23001b",
		"link 0a:58:0a:f4:00:01 at fe80::858:aff:fef4:1/64, route 10.244.0.0/16 via 10.0.0.1 dev eth0", "2001:db8:85a3:8d3:1319:8a2e:370:7348", "/sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/cri-containerd-0123456789abcdef.scope",
		"/run/netns/cni-6ba7b810-9dad-11d1-80b4-00c04fd430c8", "/var/lib/kubelet/pods/6ba7b810-9dad-11d1-80b4-00c04fd430c8/volumes/kubernetes.io~projected/kube-api-access-x7x9k",
		"-A KUBE-SEP-ABCDEFGHIJKLMNOP -s 10.244.0.5/32 -m comment --comment \"default/web:http\" -j KUBE-MARK-MASQ", "-A CNI-DN-0123456789abcdef01234 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.244.0.5:80",
		"iptables -t nat -p tcp -m comment --comment cali:wUHhoiAYhphO9Mso -j cali-PREROUTING", "meta mark set meta mark or 0x00004000", "set fwmark 0x10000/0xffff0000", "ip netns exec x ping -c 3 10.0.0.1", "mkdir -p /var/lib/cni",
		`{"capabilities": {"mac": true}, "name": "secret"}`, `"type": "token-review"`, `{"keyFile": "x"}`, "monkey: 12", "bypass: yes", "compass=north", "passthrough: 1", "publicKey: /etc/key.pub",
		"topologyKey: kubernetes.io/hostname", "labelKey=role", "bgpCommunity: 64512:100", `"communities": ["64512:100"]`, "key \"podCIDR\" is unknown", "missing key: podCIDR", `unknown key "tokn"; did you mean "token"?`,
		"postgres://10.0.0.1:5432/db", "ssh://git@github.com/a/b.git", "https://10.96.0.1:443/apis/crd.projectcalico.org/v1/ippools", "unix:///run/containerd/containerd.sock", "http://[fe80::1%25eth0]:80/x", "https://h/p?sort=a@b", "https://h/a,b@c",
		"GET https://10.96.0.1:443/api/v1/namespaces/default/secrets/x", "mail root@example.com", "Basic authentication is off", "the bearer token is invalid", "bearer authentication failed", "a basic test", "Cache-Control: no-cache",
		"10-calico.conflist:17:38: trailing comma after \"usePodCidr\"", "portmap (2/2): iptables: another app holds the xtables lock", "plugin type=\"calico\" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized",
		"TestAttachmentsAreForgottenAfterARestartOfTheRuntime2", "github.com/containernetworking/plugins/pkg/utils/sysctl.Sysctl(...)", "goroutine 1 [running]: main.main() /go/src/x/main.go:12 +0x1d", "RunPodSandboxFailedCreatePodSandBox",
		"node.kubernetes.io/not-ready:NoSchedule op=Exists for 300s", "eth100.100", "v1.31.0-rc.1+3f786850e387550fdab836ed7e6dc881de23001b", "systemd-resolved.service", "calico.conflist", "docker.internal", "TOKEN_FILE=/run/token",
		"Nov 27 05:30:02 node-7 kubelet[812]: E1127 05:30:02.123456 812 kuberuntime_sandbox.go:70] \"Failed to create sandbox for pod\"", "cni-shim-probe-1a2b3c4d", "vethABCDEF12", "cilium_host@cilium_net", "cali1a2b3c4d5e6", "0x0a58",
		"nameserver 10.96.0.10 search default.svc.cluster.local options ndots:5", `{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","mac":"0a:58:0a:f4:00:01","sandbox":"/run/netns/x"}]}`, "CNI_PATH=/opt/cni/bin:/usr/lib/cni", "PWD=/root",
	} {
		if got := Mask(text); got != text {
			t.Errorf("Mask of\n%s\nis\n%s", text, got)
		}
		if got := string(Bytes([]byte(text))); got != text && !strings.Contains(text, "token: ") && !strings.Contains(text, "secret: ") && !strings.Contains(text, "password: ") && !strings.Contains(text, " key: ") {
			t.Errorf("Bytes of\n%s\nis\n%s", text, got)
		}
	}
}
