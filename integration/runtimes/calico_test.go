package runtimes

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cni-shim/cni-shim/integration/runtimes/node"
)

// etcd starts the store that Calico keeps its resources in. It ends with this process.
func (p *play) etcd() {
	p.Helper()
	c := p.Command(p.Path("debian/usr/bin/etcd"), "--data-dir", "/run/etcd")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(c.Start())
	if !p.Wait(node.Patience, func() bool {
		r, err := http.Get(etcdURL + "/health")
		return err == nil && r.StatusCode == http.StatusOK
	}) {
		p.Fatal("etcd does not answer")
	}
}

const etcdURL = "http://127.0.0.1:2379"

// put stores one of Calico's resources.
func (p *play) put(kind, name, spec string) {
	p.Helper()
	resource := `{"kind":"` + kind + `","apiVersion":"projectcalico.org/v3","metadata":{"name":"` + name + `","uid":"` + podUID + `","creationTimestamp":"2026-01-01T00:00:00Z"},"spec":` + spec + `}`
	key := map[string]string{"ClusterInformation": "clusterinformations", "IPPool": "ippools", "Node": "nodes"}[kind]
	body, _ := json.Marshal(map[string][]byte{"key": []byte("/calico/resources/v3/projectcalico.org/" + key + "/" + name), "value": []byte(resource)})
	r, err := http.Post(etcdURL+"/v3/kv/put", "application/json", bytes.NewReader(body))
	if err != nil || r.StatusCode != http.StatusOK {
		p.Fatal(r, err)
	}
}

// Calico's own plugin and its IPAM, with etcd: without what its agent writes on the node, or without a pool, no pod is added; then a pod
// comes and goes.
func TestCalico(t *testing.T) {
	needs(t, "calico")
	for _, leg := range []string{"without", "with"} {
		t.Run(leg, func(t *testing.T) {
			if !onNode(t) {
				return
			}
			p := &play{T: t, Node: here, shim: leg == "with"}
			for _, name := range []string{"calico", "calico-ipam"} { // elsewhere calico is a program that is not there
				must(os.Symlink(p.Path("bin/calico-cni"), filepath.Join(node.BinDir, name)))
			}
			must(os.MkdirAll("/var/log/calico/cni", 0o755))
			p.etcd()
			p.put("ClusterInformation", "default", `{"datastoreReady":true}`)
			p.put("Node", "node-1", `{}`)
			c := p.crio()
			pod := c.pod("web")
			pod.Args = nil // no Kubernetes
			p.network("10-calico.conflist", `{"cniVersion": "1.0.0", "name": "`+usual+`", "plugins": [{"type": "calico", "nodename": "node-1", "datastore_type": "etcdv3",
				"etcd_endpoints": "`+etcdURL+`", "log_level": "warning", "log_file_path": "/run/calico.log", "ipam": {"type": "calico-ipam"}}]}`)
			fails := func(verb string, err error, says, reason string) {
				t.Helper()
				if p.shim {
					c.fails(verb, err, says, "calico (1/1): ", reason)
				} else {
					c.fails(verb, err, says)
				}
			}
			_, err := c.cni.AddNetworkList(c.ctx(), c.networks()[0], pod)
			fails("ADD", err, "stat /var/lib/calico/nodename: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/", "[AgentStateMissing]")
			must(os.MkdirAll("/var/lib/calico", 0o755))
			must(os.WriteFile("/var/lib/calico/nodename", []byte("node-1"), 0o644))
			_, err = c.cni.AddNetworkList(c.ctx(), c.networks()[0], pod)
			fails("ADD", err, "cannot find a qualified ippool", "[IPAMPoolInvalid]")
			p.put("IPPool", "default", `{"cidr":"10.93.0.0/24","blockSize":26,"nodeSelector":"all()","ipipMode":"Never","vxlanMode":"Never","allowedUses":["Workload"]}`)
			c.addChecked(pod, "10.93.0.")
			if err := c.del(pod); err != nil {
				t.Errorf("DEL: %v", err)
			}
			if links, _ := filepath.Glob("/sys/class/net/cali*"); len(links) != 0 || p.Kept() != 0 {
				t.Errorf("left: %v, and %d attachments of the shim", links, p.Kept())
			}
		})
	}
}
