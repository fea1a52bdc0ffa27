package integration

import (
	"bytes"
	"os"
	"os/exec"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The status file after a life with failures of every kind is what docs/status.schema.json says.
func TestStatusSchema(t *testing.T) {
	l := newLab(t)
	l.write("10-lab.conflist", `{"cniVersion":"1.0.0","name":"lab","plugins":[{"type":"rec0","record":"/run/rec"},{"type":"rec1","record":"/run/rec","fail":["CHECK"]}]}`)
	outer, pod := l.outer("lab", `"typo": 1, "chain": "/etc/cni/net.d"`), l.pod()
	_, _ = l.cni.AddNetworkList(l.ctx(), outer, pod)
	_ = l.cni.CheckNetworkList(l.ctx(), outer, pod)
	_ = l.cni.DelNetworkList(l.ctx(), outer, pod)
	_ = l.cni.GetStatusNetworkList(l.ctx(), outer)
	l.plugin("ADD", "")
	l.write("10-lab.conflist", `{"name":"lab",}`)
	_ = l.cni.GetStatusNetworkList(l.ctx(), outer)

	schema := compile(t, "../docs/status.schema.json")
	f, err := os.Open(statusFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(file); err != nil {
		t.Errorf("%#v", err)
	}
	asked, err := exec.Command(shimPath, "status", "-o", "json").Output()
	if v, parseErr := jsonschema.UnmarshalJSON(bytes.NewReader(asked)); parseErr != nil || schema.Validate(v) != nil {
		t.Errorf("status -o json: %v %v %#v\n%s", err, parseErr, schema.Validate(v), asked)
	}
	// The schema is not so loose that anything passes.
	file.(map[string]any)["verdict"].(map[string]any)["ready"] = "yes"
	if schema.Validate(file) == nil {
		t.Error("the schema takes a verdict that is no boolean")
	}
	var s struct {
		Verdict  struct{ Reason string }
		Failures []struct{ Verb, Reason string }
	}
	if l.status(&s); s.Verdict.Reason != "ConfigInvalid" || len(s.Failures) != 3 {
		t.Errorf("%+v", s)
	}
}

func compile(t *testing.T, path string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
