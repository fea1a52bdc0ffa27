package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// The metrics of a node with a life behind it are what Prometheus and node_exporter take: promlint is what `promtool check metrics`
// runs; and there is no timestamp, for which the textfile collector would drop the whole file, and no label of a pod's.
func TestMetrics(t *testing.T) {
	l := newLab(t)
	l.write("10-bridge.conflist", l.sample("chains/10-bridge.conflist"))
	outer, pod := l.outer("k8s-pod-network", ""), l.pod()
	if _, err := l.cni.AddNetworkList(l.ctx(), outer, pod); err != nil {
		t.Fatal(err)
	}
	_ = l.cni.CheckNetworkList(l.ctx(), outer, pod)
	_ = l.cni.GetStatusNetworkList(l.ctx(), outer)
	rt := *pod
	rt.IfName, rt.NetNS = "eth1", "/run/netns/none"
	_, _ = l.cni.AddNetworkList(l.ctx(), outer, &rt)
	file := filepath.Join(t.TempDir(), "cni-shim.prom")
	for range 2 { // the second time over the first
		if out, code := l.tool("status", "-o", "prom", "--write", file); code != 0 || out != "" {
			t.Fatalf("exit %d: %s", code, out)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if fi, _ := os.Stat(file); fi.Mode().Perm() != 0o644 {
		t.Errorf("mode %s: node_exporter runs as another user", fi.Mode())
	}
	if left, _ := filepath.Glob(filepath.Dir(file) + "/*"); len(left) != 1 {
		t.Errorf("beside it: %v", left)
	}
	problems, err := promlint.New(strings.NewReader(string(text))).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v: %v\n%s", err, problems, text)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]bool{"version": true, "severity": true, "command": true, "reason": true, "plugin": true, "state": true, "le": true}
	for name, f := range families {
		if !strings.HasPrefix(name, "cni_shim_") || f.GetHelp() == "" {
			t.Errorf("%s: help %q", name, f.GetHelp())
		}
		for _, m := range f.Metric {
			if m.TimestampMs != nil {
				t.Errorf("%s has a timestamp", name)
			}
			for _, p := range m.Label {
				if !labels[p.GetName()] || strings.Contains(p.GetValue(), pod.ContainerID) {
					t.Errorf("%s has the label %s=%q", name, p.GetName(), p.GetValue())
				}
			}
		}
	}
	value := func(name string, want ...string) float64 {
		t.Helper()
		for _, m := range families[name].GetMetric() {
			got := map[string]string{}
			for _, p := range m.Label {
				got[p.GetName()] = p.GetValue()
			}
			match := true
			for i := 0; i < len(want); i += 2 {
				match = match && got[want[i]] == want[i+1]
			}
			if match {
				switch {
				case m.Counter != nil:
					return m.Counter.GetValue()
				case m.Histogram != nil:
					return float64(m.Histogram.GetSampleCount())
				case m.Summary != nil:
					return float64(m.Summary.GetSampleCount())
				}
				return m.Gauge.GetValue()
			}
		}
		t.Errorf("no %s %v", name, want)
		return -1
	}
	for _, c := range []struct {
		want float64
		name string
		of   []string
	}{
		{1, "cni_shim_node_ready", nil}, {1, "cni_shim_config_valid", nil}, {2, "cni_shim_operations_total", []string{"command", "ADD"}},
		{1, "cni_shim_operations_errors_total", []string{"command", "ADD", "reason", "NetnsGone"}}, {2, "cni_shim_operation_duration_seconds", []string{"command", "ADD"}},
		{2, "cni_shim_plugin_duration_seconds", []string{"command", "ADD", "plugin", "bridge"}}, {2, "cni_shim_ipam_addresses", []string{"state", "taken"}},
		{2, "cni_shim_attachments", nil},
	} {
		if got := value(c.name, c.of...); got != c.want {
			t.Errorf("%s %v is %v, want %v", c.name, c.of, got, c.want)
		}
	}
	if value("cni_shim_last_success_timestamp_seconds", "command", "ADD") < 1.7e9 {
		t.Error("the last success is in seconds since the epoch")
	}
	_ = l.cni.DelNetworkList(l.ctx(), outer, pod)
	l.run("ip", "link", "del", "cni0")
}
