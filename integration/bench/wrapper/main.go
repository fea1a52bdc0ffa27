// Wrapper is what any plugin that delegates pays, and nothing else: skel, invoke's Delegate functions with their own executor, print.
// It keeps nothing, logs nothing and checks nothing.
package main

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

func main() {
	skel.PluginMainFuncs(skel.CNIFuncs{Add: add, Del: del, Status: status}, version.All, "")
}

// conf is the wrapper's entry.
type conf struct {
	types.NetConf
	Chain struct {
		Plugins []map[string]any `json:"plugins"`
	} `json:"chain"`
	Raw struct { // of what is handed on verbatim
		PrevResult    json.RawMessage            `json:"prevResult"`
		RuntimeConfig map[string]json.RawMessage `json:"runtimeConfig"`
	} `json:"-"`
}

func load(stdin []byte) (*conf, error) {
	c := &conf{}
	if err := json.Unmarshal(stdin, c); err != nil {
		return nil, err
	}
	return c, json.Unmarshal(stdin, &c.Raw)
}

// delegate derives what a plugin gets.
func (c *conf) delegate(p map[string]any, prev any) (string, []byte, error) {
	p["name"], p["cniVersion"] = c.Name, c.CNIVersion
	if prev != nil {
		p["prevResult"] = prev
	}
	args := map[string]json.RawMessage{}
	capabilities, _ := p["capabilities"].(map[string]any)
	for k, on := range capabilities {
		if v, ok := c.Raw.RuntimeConfig[k]; ok && on == true {
			args[k] = v
		}
	}
	if len(args) > 0 {
		p["runtimeConfig"] = args
	}
	kind, _ := p["type"].(string)
	b, err := json.Marshal(p)
	return kind, b, err
}

func add(args *skel.CmdArgs) error {
	c, err := load(args.StdinData)
	if err != nil {
		return err
	}
	var result types.Result
	var prev any
	for _, p := range c.Chain.Plugins {
		kind, b, err := c.delegate(p, prev)
		if err != nil {
			return err
		}
		if result, err = invoke.DelegateAdd(context.Background(), kind, b, nil); err != nil {
			return err
		}
		prev = result
	}
	return types.PrintResult(result, c.CNIVersion)
}

func del(args *skel.CmdArgs) error {
	c, err := load(args.StdinData)
	if err != nil {
		return err
	}
	var prev any
	if c.Raw.PrevResult != nil {
		prev = c.Raw.PrevResult
	}
	for _, p := range slices.Backward(c.Chain.Plugins) {
		kind, b, err := c.delegate(p, prev)
		if err != nil {
			return err
		}
		if err := invoke.DelegateDel(context.Background(), kind, b, nil); err != nil {
			return err
		}
	}
	return nil
}

func status(args *skel.CmdArgs) error {
	c, err := load(args.StdinData)
	if err != nil {
		return err
	}
	for _, p := range c.Chain.Plugins {
		kind, b, err := c.delegate(p, nil)
		if err != nil {
			return err
		}
		if err := invoke.DelegateStatus(context.Background(), kind, b, nil); err != nil {
			return err
		}
	}
	return nil
}
