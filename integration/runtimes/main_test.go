// Package runtimes runs the shim under the programs that users run: containerd of today and of old, crictl and critest, podman,
// and CRI-O's and Multus's ways of calling. Every test, and every leg of a case, has a node of its own (see package node).
package runtimes

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cni-shim/cni-shim/integration/runtimes/node"
)

var (
	here  *node.Node // the node that this process is on; nil outside
	cache string
)

func TestMain(m *testing.M) {
	os.Exit(node.Main(
		func(dir string) int {
			cache = dir
			defer node.RemoveCgroups()
			return m.Run()
		},
		func(n *node.Node) int {
			here = n
			return m.Run()
		},
	))
}

// guests are the programs that were built for single tests, each once.
var guests sync.Map

// needs builds a program that only some tests need; on a node it is there.
func needs(t *testing.T, name string) {
	t.Helper()
	if here != nil {
		return
	}
	once, _ := guests.LoadOrStore(name, sync.OnceValue(func() error { return node.BuildGuest(cache, name) }))
	if err := once.(func() error)(); err != nil {
		t.Fatal(err)
	}
}

// onNode is true on a node. Outside it runs the same test on a node of its own and is false: the test is over then.
func onNode(t *testing.T, env ...string) bool {
	t.Helper()
	if here != nil {
		return true
	}
	parts := strings.Split(t.Name(), "/")
	for i, p := range parts {
		parts[i] = "^" + p + "$"
	}
	c := node.Enter(cache, env, "-test.run="+strings.Join(parts, "/"), "-test.v", "-test.timeout=5m")
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	switch {
	case err != nil:
		t.Errorf("on the node: %v\n%s", err, &out)
	case !strings.Contains(out.String(), "--- PASS: "+t.Name()+" "):
		t.Errorf("no such test on the node:\n%s", &out)
	default:
		t.Logf("%s", &out)
	}
	return false
}
