package shim

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/status"
)

// A fault of the shim's own after plugins ran is an answer and a record like any other failure, and what they set up is undone.
func TestPanic(t *testing.T) {
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	script := "#!/bin/sh\necho $CNI_COMMAND >>" + ran + "\n[ $CNI_COMMAND = ADD ] && echo '{\"cniVersion\":\"1.0.0\"}'\nexit 0\n"
	if err := os.WriteFile(filepath.Join(dir, "plug"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CNI_PATH", dir)
	t.Setenv("CNI_COMMAND", "ADD")
	c := &call{config: config.Default(), store: attachment.Open(filepath.Join(dir, "run"), filepath.Join(dir, "state")), status: status.Open(filepath.Join(dir, "run", "status.json"))}
	c.config.Name, c.config.CNIVersion = "lab", "1.0.0"
	c.config.Chain.Inline = json.RawMessage(`{"plugins":[{"type":"plug"}]}`)
	c.record = report.Record{Time: time.Now(), Verb: "ADD", ContainerID: "c1", IfName: "eth0"}
	c.record.Failure = c.attempt(context.Background(), func(c *call, ctx context.Context) *report.Failure {
		if f := c.add(ctx); f != nil {
			t.Fatal(f.Line())
		}
		panic("nil map")
	})
	if f := c.record.Failure; f == nil || f.Reason != reason.PluginCrashed || f.Line() != "cni-shim (1/1): crashed: nil map" || !strings.Contains(f.Stderr, "panic_test.go") {
		t.Errorf("%+v", f)
	}
	if b, _ := os.ReadFile(ran); string(b) != "VERSION\nADD\nDEL\n" {
		t.Errorf("ran %q", b)
	}
	if err := c.status.Add(status.EventOf(&c.record, 0, nil)); err != nil {
		t.Error(err)
	}
	if s, err := c.status.Read(); err != nil || s.Calls["ADD"].ByReason["PluginCrashed"] != 1 {
		t.Errorf("%+v %v", s, err)
	}
}
