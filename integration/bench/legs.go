package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/containernetworking/cni/libcni"
)

// chain is what is run, in every way.
type chain struct {
	name    string
	plugins []map[string]any
	at      []int // how many at once
	heavy   bool  // a call takes a hundred times as long as one of a plugin that does nothing: fewer are made
}

var chains = []chain{
	{"noop1", noops(1), []int{1, 4, 16, 64}, false},
	{"noop3", noops(3), []int{1, 4, 16, 64}, false},
	{"bridge", []map[string]any{
		{"type": "bridge", "bridge": "bench0", "isGateway": true, "ipMasq": false, "ipam": map[string]any{"type": "host-local", "ranges": []any{[]any{map[string]any{"subnet": "10.201.0.0/16"}}}}},
		{"type": "portmap", "capabilities": map[string]any{"portMappings": true}},
	}, []int{1, 16}, true},
}

func noops(n int) []map[string]any {
	return slices.Repeat([]map[string]any{{"type": "noop"}}, n)
}

func chainOf(name string) chain {
	return chains[slices.IndexFunc(chains, func(c chain) bool { return c.name == name })]
}

// Ways of running a chain.
const (
	direct  = "direct"
	wrapper = "wrapper"
	shim    = "shim"
	multus  = "multus"
)

// legs are the ways that can be gone here.
func legs() []string {
	all := []string{direct, wrapper, shim}
	if there(multus) {
		all = append(all, multus)
	}
	return all
}

func there(program string) bool {
	_, err := os.Stat(filepath.Join(binDir, program))
	return err == nil
}

// outer is the one plugin through which a leg runs the chain; nil for none.
func (c chain) outer(leg string) map[string]any {
	capabilities := map[string]any{"portMappings": true}
	switch leg {
	case wrapper:
		return map[string]any{"type": "wrapper", "capabilities": capabilities, "chain": map[string]any{"plugins": c.plugins}}
	case shim:
		return map[string]any{"type": "cni-shim", "capabilities": capabilities, "chain": confDir}
	case multus:
		return map[string]any{"type": "multus", "capabilities": capabilities, // with no kubeconfig it asks nobody
			"delegates": []any{map[string]any{"cniVersion": version, "name": network, "plugins": c.plugins}}}
	}
	return nil
}

const (
	network = "bench"
	version = "1.1.0"
)

// list is the configuration that the runtime has for a leg.
func (c chain) list(leg string) *libcni.NetworkConfigList {
	plugins := c.plugins
	if p := c.outer(leg); p != nil {
		plugins = []map[string]any{p}
	}
	l, err := libcni.NetworkConfFromBytes(c.text(plugins))
	check(err)
	return l
}

func (c chain) text(plugins []map[string]any) []byte {
	b, err := json.Marshal(map[string]any{"cniVersion": version, "name": network, "plugins": plugins})
	check(err)
	return b
}

// install puts the chain where the shim looks for it.
func (c chain) install() {
	check(os.WriteFile(filepath.Join(confDir, "10-bench.conflist"), c.text(c.plugins), 0o644))
}

// attachment is one pod's call: the n-th of worker w.
func attachment(w, n int) *libcni.RuntimeConf {
	return &libcni.RuntimeConf{
		ContainerID: fmt.Sprintf("bench-%d-%d", w, n), NetNS: "/run/netns/" + pod(w), IfName: fmt.Sprintf("eth%d", n),
		Args:           [][2]string{{"IgnoreUnknown", "1"}, {"K8S_POD_NAMESPACE", "default"}, {"K8S_POD_NAME", fmt.Sprintf("web-%d-%d", w, n)}, {"K8S_POD_UID", "b5cae1f2-6f36-4a4e-9a87-9a56b3f2e6cd"}},
		CapabilityArgs: map[string]any{"portMappings": []any{map[string]any{"HostPort": 20000 + w*100 + n, "ContainerPort": 80, "Protocol": "tcp"}}},
	}
}

// call makes one call as a runtime does.
func call(verb string, list *libcni.NetworkConfigList, rt *libcni.RuntimeConf) error {
	cni := libcni.NewCNIConfig([]string{binDir}, nil)
	ctx := context.Background()
	switch verb {
	case "ADD":
		_, err := cni.AddNetworkList(ctx, list, rt)
		return err
	case "DEL":
		return cni.DelNetworkList(ctx, list, rt)
	}
	return cni.GetStatusNetworkList(ctx, list)
}

// callOnce is a call in a process of its own, to be traced.
func callOnce(what []string) error {
	return call(what[2], chainOf(what[0]).list(what[1]), attachment(0, 0))
}
