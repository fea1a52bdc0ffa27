// Package npd holds the configurations in conf/node-problem-detector to that project's own types. It is a module of its own: what
// node-problem-detector requires is no concern of the other tests.
package npd

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	custom "k8s.io/node-problem-detector/pkg/custompluginmonitor/types"
	watcher "k8s.io/node-problem-detector/pkg/systemlogmonitor/logwatchers/types"
	systemlog "k8s.io/node-problem-detector/pkg/systemlogmonitor/types"
	"k8s.io/node-problem-detector/pkg/types"
)

const conf = "../../conf/node-problem-detector/"

// read decodes a configuration, in which a key that the project does not know is an error.
func read(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(conf + name)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// The custom plugin is taken, and the command in it answers as the protocol wants: 0 or 1, and a line that is not cut.
func TestCustomPlugin(t *testing.T) {
	var c custom.CustomPluginConfig
	read(t, "cni-shim.json", &c)
	if err := c.ApplyConfiguration(); err != nil {
		t.Fatal(err)
	}
	shim := filepath.Join(t.TempDir(), "cni-shim")
	build := exec.Command("go", "build", "-o", shim, "./plugin")
	build.Dir = "../.."
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(c.Rules) != 1 || c.Rules[0].Path != "/opt/cni/bin/cni-shim" {
		t.Fatalf("%+v", c.Rules)
	}
	rule := c.Rules[0]
	rule.Path = shim // Validate looks for it
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if rule.Condition != c.DefaultConditions[0].Type || rule.Type != types.Perm {
		t.Errorf("%+v of %+v", rule, c.DefaultConditions)
	}
	for text, exit := range map[string]int{`{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"true"}]}`: 0, `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"true"},]}`: 1} {
		dir := t.TempDir()
		if err := os.WriteFile(dir+"/10-lab.conflist", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		run := exec.Command(rule.Path, append(rule.Args, "--conf-dir", dir, "--bin-dir", "/bin:/usr/bin")...)
		out, _ := run.Output()
		if run.ProcessState.ExitCode() != exit || len(bytes.TrimSpace(out)) == 0 || len(out) > *c.PluginGlobalConfig.MaxOutputLength || bytes.Count(out, []byte("\n")) != 1 {
			t.Errorf("exit %d, want %d: %d bytes %q", run.ProcessState.ExitCode(), exit, len(out), out)
		}
	}
}

// The log monitor is taken, and its patterns match what the shim writes, to the end of the message.
func TestLogMonitor(t *testing.T) {
	var c struct { // systemlogmonitor.MonitorConfig, whose package needs the exporters, too
		watcher.WatcherConfig
		BufferSize             int               `json:"bufferSize"`
		Source                 string            `json:"source"`
		DefaultConditions      []types.Condition `json:"conditions"`
		Rules                  []systemlog.Rule  `json:"rules"`
		EnableMetricsReporting *bool             `json:"metricsReporting,omitempty"`
	}
	read(t, "cni-shim-journal.json", &c)
	if c.PluginConfig["source"] != "cni-shim" || c.Plugin != "journald" {
		t.Errorf("%+v", c.WatcherConfig)
	}
	matched := map[string]bool{}
	for _, message := range []string{
		"ADD failed: bridge (1/2): no IP addresses available [IPAMExhausted] free reservations (pod default/web, network lab)",
		"DEL failed: portmap (2/2): no such namespace [NetnsGone] none (container 0123, network lab)",
		"ADD ok in 45ms (pod default/web, network lab)",
	} {
		for _, r := range c.Rules {
			if r.Type == types.Perm {
				t.Errorf("%s is permanent: such a rule never clears", r.Reason)
			}
			if ok, err := regexp.MatchString(r.Pattern+`\z`, message); err != nil {
				t.Error(err)
			} else if ok {
				matched[r.Reason] = true
				if !strings.Contains(message, "failed") {
					t.Errorf("%s matches %q", r.Reason, message)
				}
			}
		}
	}
	if len(matched) != len(c.Rules) {
		t.Errorf("only %v match", matched)
	}
}
