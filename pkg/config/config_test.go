package config

import (
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	c, err := Parse([]byte(`{"cniVersion":"1.0.0","name":"n","type":"cni-shim","chain":"/a/b/","timeouts":{"ADD":"2m"},"logLevel":"debug",
		"runtimeConfig":{"portMappings":[{"HostPort":80}]},"prevResult":{"a":1},"cni.dev/valid-attachments":[{"containerID":"c","ifname":"i"}]}`))
	if err != nil || len(c.Warnings) != 0 {
		t.Fatal(err, c.Warnings)
	}
	if c.Chain.Path != "/a/b" || c.Timeouts["ADD"] != 2*time.Minute || c.Timeouts["STATUS"] != DefaultStatusTimeout || c.LogLevel != "debug" ||
		string(c.RuntimeConfig["portMappings"]) != `[{"HostPort":80}]` || string(c.PrevResult) != `{"a":1}` || !c.AttachmentsGiven || c.Attachments[0].ContainerID != "c" {
		t.Errorf("%+v", c)
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ in, key, cause string }{
		{`{"chain":7}`, "chain", `"chain" is a number`},
		{`{"chain":["/a"]}`, "chain", `"chain" is an array`},
		{`{"chain":"net.d"}`, "chain", `"chain" is "net.d", no absolute path`},
		{`{"stateDir":false}`, "stateDir", `"stateDir" is a boolean`},
		{`{"timeouts":"5s"}`, "timeouts", `"timeouts" is a string`},
		{`{"timeouts":{"ADD":5}}`, "timeouts.ADD", `"timeouts.ADD" is a number`},
		{`{"timeouts":{"ADD":"-1s"}}`, "timeouts.ADD", `"timeouts.ADD" is "-1s", no duration`},
		{`[]`, "", "stdin is not a JSON object"},
	} {
		got, err := Parse([]byte(c.in))
		e, ok := err.(*Error)
		if !ok || e.Key != c.key || !strings.HasPrefix(e.Cause, c.cause) || e.Fix == "" {
			t.Errorf("%s: %v", c.in, err)
		}
		if got == nil || got.StateDir != DefaultStateDir {
			t.Errorf("%s: no usable configuration", c.in)
		}
	}
}

func TestWarnings(t *testing.T) {
	for in, want := range map[string]string{
		`{"chian":"/a"}`:              `"chian" is no key of the shim's entry and is not read; did you mean "chain"?`,
		`{"zebra":1}`:                 `"zebra" is no key of the shim's entry and is not read`,
		`{"logLevel":"loud"}`:         `logLevel "loud" is none of error, warning, info, debug; info holds`,
		`{"timeouts":{"STAUS":"1s"}}`: `"timeouts.STAUS" is no key of the shim's entry and is not read; did you mean "STATUS"?`,
	} {
		c, err := Parse([]byte(in))
		if err != nil || len(c.Warnings) != 1 || c.Warnings[0] != want {
			t.Errorf("%s: %v %q", in, err, c.Warnings)
		}
	}
}

// Null attachments are what an unrelated network gets: handed on, and nothing is pruned for them.
func TestNullAttachments(t *testing.T) {
	c, err := Parse([]byte(`{"cni.dev/valid-attachments":null}`))
	if err != nil || c.AttachmentsGiven || string(c.GC["cni.dev/valid-attachments"]) != "null" {
		t.Errorf("%+v %v", c, err)
	}
}

// The law: whatever stdin holds, there is a usable configuration with absolute paths, and an error is an *Error with a cause.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{}`, `{"chain":{"plugins":[]}}`, `{"timeouts":{"ADD":"1h"},"stateDir":"/x"}`, `{"name":[],"chain":null}`, "{"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(b)
		e, ok := err.(*Error)
		if c == nil || c.StateDir[0] != '/' || c.StatusFile[0] != '/' || err != nil && (!ok || e.Cause == "") {
			t.Fatalf("%+v %v", c, err)
		}
	})
}
