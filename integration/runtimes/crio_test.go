package runtimes

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"

	"github.com/cni-shim/cni-shim/integration/runtimes/node"
)

// crio calls libcni as CRI-O does, through ocicni 0.5: every list of net.d is loaded and its plugins asked for their versions, the
// first is the default network; CHECK follows every ADD and DEL runs, both from libcni's cache; a start collects garbage in every
// network, and only the default one is given attachments.
type crio struct {
	*play
	cni *libcni.CNIConfig
}

func (p *play) crio() *crio {
	return &crio{p, libcni.NewCNIConfig([]string{node.BinDir}, nil)}
}

func (c *crio) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	c.Cleanup(cancel)
	return ctx
}

// networks are the lists of net.d, the default first: those that do not load are left out, and so is a second of the same name.
func (c *crio) networks() []*libcni.NetworkConfigList {
	files, _ := libcni.ConfFiles(node.ConfDir, []string{".conf", ".conflist", ".json"})
	slices.Sort(files)
	var all []*libcni.NetworkConfigList
	for _, f := range files {
		l, err := libcni.NetworkConfFromFile(f)
		if err == nil {
			_, err = c.cni.ValidateNetworkList(c.ctx(), l)
		}
		if err != nil {
			c.Logf("%s: %v", filepath.Base(f), err)
			continue
		}
		if !slices.ContainsFunc(all, func(o *libcni.NetworkConfigList) bool { return o.Name == l.Name }) {
			all = append(all, l)
		}
	}
	return all
}

// start is what happens when CRI-O starts with these pods running.
func (c *crio) start(pods ...*libcni.RuntimeConf) error {
	var errs []error
	for i, l := range c.networks() {
		args := &libcni.GCArgs{} // ValidAttachments stays nil for a network that is not the default
		if i == 0 {
			for _, p := range pods {
				args.ValidAttachments = append(args.ValidAttachments, types.GCAttachment{ContainerID: p.ContainerID, IfName: p.IfName})
			}
		}
		errs = append(errs, c.cni.GCNetworkList(c.ctx(), l, args))
	}
	for _, p := range pods {
		errs = append(errs, c.check(p))
	}
	return errors.Join(errs...)
}

// status is the default network's.
func (c *crio) status() error {
	all := c.networks()
	if len(all) == 0 {
		return fmt.Errorf("no CNI configuration file in %s. Has your network provider started?", node.ConfDir)
	}
	return c.cni.GetStatusNetworkList(c.ctx(), all[0])
}

func (c *crio) add(rt *libcni.RuntimeConf) error {
	all := c.networks()
	if len(all) == 0 {
		return errors.New("no network")
	}
	if _, err := c.cni.AddNetworkList(c.ctx(), all[0], rt); err != nil {
		return errors.Join(err, c.del(rt))
	}
	return c.check(rt)
}

func (c *crio) check(rt *libcni.RuntimeConf) error {
	l, rt, err := c.cached(rt)
	if err != nil {
		return err
	}
	if able, err := version.GreaterThanOrEqualTo(l.CNIVersion, "0.4.0"); err != nil || !able {
		return err // what was cached is believed
	}
	return c.cni.CheckNetworkList(c.ctx(), l, rt)
}

func (c *crio) del(rt *libcni.RuntimeConf) error {
	l, rt, err := c.cached(rt)
	if err != nil {
		return err
	}
	return c.cni.DelNetworkList(c.ctx(), l, rt)
}

// cached is the list and the call that libcni kept of an attachment, whatever its network; else the default network of now.
func (c *crio) cached(rt *libcni.RuntimeConf) (*libcni.NetworkConfigList, *libcni.RuntimeConf, error) {
	kept, err := c.cni.GetCachedAttachments(rt.ContainerID)
	if err != nil {
		return nil, nil, err
	}
	if len(kept) > 0 {
		k := kept[0]
		l, err := libcni.ConfListFromBytes(k.Config)
		if err != nil {
			return nil, nil, err
		}
		return l, &libcni.RuntimeConf{ContainerID: rt.ContainerID, NetNS: rt.NetNS, IfName: k.IfName, Args: k.CniArgs, CapabilityArgs: k.CapabilityArgs}, nil
	}
	if all := c.networks(); len(all) != 0 {
		return all[0], rt, nil
	}
	return nil, nil, errors.New("no network")
}

// pod is a namespace and the call for it, with the arguments that CRI-O gives.
func (c *crio) pod(name string) *libcni.RuntimeConf {
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		c.Fatalf("%v: %s", err, out)
	}
	return &libcni.RuntimeConf{
		ContainerID: name, NetNS: "/run/netns/" + name, IfName: "eth0",
		Args:           [][2]string{{"IgnoreUnknown", "1"}, {"K8S_POD_NAMESPACE", "default"}, {"K8S_POD_NAME", name}, {"K8S_POD_INFRA_CONTAINER_ID", name}, {"K8S_POD_UID", "uid-" + name}},
		CapabilityArgs: map[string]any{"io.kubernetes.cri.pod-annotations": map[string]string{"a": "b"}, "cgroupPath": "/kubepods/" + name},
	}
}

// CRI-O's calls, one after the other, with a foreign network beside the default one.
func TestCRIO(t *testing.T) {
	for _, version := range []string{"0.3.1", "0.4.0", "1.0.0", "1.1.0"} {
		for _, leg := range []string{"without", "with"} {
			t.Run(version+"/"+leg, func(t *testing.T) {
				t.Parallel()
				if !onNode(t) {
					return
				}
				p := &play{T: t, Node: here, shim: leg == "with"}
				p.network(main, bridge(version, usual, 80))
				p.Write("20-foreign.conflist", bridge("1.1.0", "foreign", 81))
				c := p.crio()
				ok := func(what string, err error) {
					t.Helper()
					if err != nil {
						t.Errorf("%s: %v", what, err)
					}
				}
				holds := func(when string, want ...string) {
					t.Helper()
					got := slices.DeleteFunc(p.Left(), func(s string) bool { return !strings.HasPrefix(s, "address") })
					if !slices.Equal(got, want) {
						t.Errorf("%s: %v, want %v", when, got, want)
					}
				}
				one, two := c.pod("one"), c.pod("two")
				ok("start of an empty node", c.start())
				ok("STATUS", c.status())
				ok("ADD, CHECK", c.add(one))
				ok("ADD, CHECK of a second", c.add(two))
				both := []string{"address 10.80.0.2 of " + usual, "address 10.80.0.3 of " + usual}
				holds("two run", both...)
				ok("start with both", c.start(one, two))
				holds("after a start", both...)
				ok("start with the first alone", c.start(one))
				holds("the second was garbage", both[0])

				// the list changes: what libcni kept is what DEL runs
				p.Write(main, strings.Replace(bridge(version, usual, 80), "br80", "br82", 1))
				ok("CHECK of before the change", c.check(one))
				p.Write(main, strings.Replace(bridge(version, usual, 80), `"br80"`, `"br80",,`, 1))
				ok("DEL with the list broken", c.del(one))
				ok("DEL again", c.del(two))
				holds("both are gone")
				if left := p.Left(); len(left) != 0 {
					t.Error(left)
				}
			})
		}
	}
}
