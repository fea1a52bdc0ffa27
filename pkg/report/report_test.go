package report

import (
	"encoding/json"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	"golang.org/x/sys/unix"

	"github.com/cni-shim/cni-shim/pkg/chain"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/reason"
)

func TestCNIError(t *testing.T) {
	plugin := &Failure{Reason: reason.PluginKilled, Code: 11, Plugin: "portmap", Index: 1, Of: 2, Cause: "xtables lock: not found", Details: "the rest", Given: true}
	file := &Failure{Reason: reason.ConfigMissing, Code: 7, Place: diag.Place{File: "/etc/cni/net.d"}, Cause: "no such file or directory", Fix: "write it"}
	for _, c := range []struct {
		verb, msg, details string
		f                  *Failure
	}{
		{"ADD", "portmap (2/2): xtables lock: not found", "the rest [PluginKilled] " + reason.PluginKilled.Cure, plugin},
		// The plugin's own words are its own, also in DEL; ours are not taken for "already deleted".
		{"DEL", "portmap (2/2): xtables lock: not found", "the rest [PluginKilled] " + reason.PluginKilled.Cure, plugin},
		{"ADD", "net.d: no such file or directory", "/etc/cni/net.d [ConfigMissing] write it", file},
		{"DEL", "net.d: does not exist", "/etc/cni/net.d [ConfigMissing] write it", file},
	} {
		e := (&Record{Verb: c.verb, Failure: c.f}).CNIError()
		if e.Msg != c.msg || e.Details != c.details || e.Code != c.f.Code {
			t.Errorf("%s: %q %q", c.verb, e.Msg, e.Details)
		}
	}
}

// The first 80 bytes name plugin and cause, whatever a plugin wraps it in; its own words stay as they are.
func TestLead(t *testing.T) {
	late := `error getting ClusterInformation: Get "https://10.96.0.1:443/apis/crd.projectcalico.org/v1/x": dial tcp 10.96.0.1:443: i/o timeout`
	full := "failed to allocate for range 0: write /var/lib/cni/networks/cbr0/10.7.0.2: no space left on device"
	for _, c := range []struct {
		r           *reason.Reason
		said        bool
		words       string
		cause, want string
	}{
		{reason.APIUnreachable, true, "dial tcp 10.96.0.1:443: i/o timeout", late, "calico (1/3): " + reason.APIUnreachable.Title + ": " + late},
		{reason.HostResourceExhausted, true, "no space left on device", full, "calico (1/3): " + reason.HostResourceExhausted.Title + " (no space left on device): " + full},
		{reason.APIUnauthorized, true, "unauthorized", "connection is Unauthorized", "calico (1/3): connection is Unauthorized"},
		{reason.VersionIncompatible, false, "CNI code 1", late, "calico (1/3): " + late},
		{reason.Unclassified, false, "", late, "calico (1/3): " + late},
	} {
		f := &Failure{Reason: c.r, Said: c.said, Words: c.words, Plugin: "calico", Of: 3, Cause: c.cause, Given: true}
		if got := f.Line(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		if e := (&Record{Verb: "ADD", Failure: f}).CNIError(); e.Msg != c.want {
			t.Errorf("the CNI error says %s", e.Msg)
		}
		if e := (&Record{Verb: "DEL", Failure: f}).CNIError(); !strings.HasSuffix(e.Msg, c.cause) {
			t.Errorf("a plugin's words are changed: %s", e.Msg)
		}
	}
}

// No reason's cure makes a DEL of ours look done to containerd.
func TestDelWords(t *testing.T) {
	for _, r := range reason.All() {
		e := (&Record{Verb: "DEL", Failure: &Failure{Reason: r, Cause: "x", Words: "y", Said: true}}).CNIError()
		if text := e.Error(); strings.Contains(text, "not found") || strings.Contains(text, "no such file or directory") {
			t.Errorf("%s: %s", r.Name, text)
		}
	}
}

// Every journal field's name is one that journald takes (systemd's journal_field_valid).
func TestFieldNames(t *testing.T) {
	valid := regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)
	r := &Record{Verb: "ADD", Changed: true, Chain: &Chain{}, Pod: &Pod{Name: "p"}, Notes: []Note{{Message: "n"}}, Runs: []Run{{Plugin: "p"}},
		Failure: &Failure{Reason: reason.Unclassified, Plugin: "x", Of: 1, Place: diag.Place{File: "f", Line: 1}}}
	entries := r.Journal("debug")
	if len(entries) != 4 {
		t.Fatalf("%d entries", len(entries))
	}
	ids := map[string]bool{}
	for _, e := range entries {
		ids[e.Fields["MESSAGE_ID"]] = true
		for k := range e.Fields {
			if !valid.MatchString(k) {
				t.Errorf("%q", k)
			}
		}
	}
	if len(ids) != 4 {
		t.Errorf("message ids: %v", ids)
	}
}

// However long a text is, its beginning is shown, and an ellipsis where it ends; no part of a token that the bound cuts is.
func TestCleanLong(t *testing.T) {
	const token = "gh" + "p_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5"
	for name, s := range map[string]string{
		"no blank": "a" + strings.Repeat("b", 5<<20), "words": "a" + strings.Repeat("b ", 3<<20), "blanks": "a" + strings.Repeat(" ", 5<<20),
		"token at the bound": "a" + strings.Repeat(" ", maxMasked-20) + token + "-" + strings.Repeat("b", 5<<20),
		"token, no blank":    "a" + strings.Repeat("\t", maxMasked-20) + token + strings.Repeat("/", 5<<20),
	} {
		got := Clean(s)
		if !strings.HasPrefix(got, "a") || !strings.HasSuffix(got, "…") || strings.Contains(got, token[4:9]) {
			t.Errorf("%s: %d bytes: %.40q", name, len(got), got)
		}
	}
	if got := Clean("a" + strings.Repeat("b", 5<<20)); len(got) < maxText {
		t.Errorf("%d bytes are left", len(got))
	}
}

// What a plugin says in 4 MiB costs the report of its failure, with all that is made of it, no more than what it says in
// 128 KiB. CPU time of the thread is what is compared: other processes may have the CPUs.
func TestLongWordsCostLittle(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, unit := range []string{"word ", "pw={ ", "token: x ", "x", "a=b&pw=/etc/", "\"a \": "} {
		reported(t, unit, 128<<10) // of which the first run costs more
		short, long := reported(t, unit, 128<<10), reported(t, unit, delegate.MaxStdout)
		t.Logf("%q: %s and %s", unit, short, long)
		if long > 3*short+20*time.Millisecond {
			t.Errorf("%q, again and again: %s for 128 KiB, %s for 4 MiB", unit, short, long)
		}
	}
}

// reported is how long it takes to report a failure whose words are half message, half details.
func reported(t *testing.T, unit string, length int) time.Duration {
	t.Helper()
	text := strings.Repeat(unit, length/len(unit)/2)
	a := &delegate.Attempt{Verb: "ADD", Type: "lab", Path: "/bin/lab", Started: true, Exit: 1, Stdin: []byte(`{"ipsecKey":"geheim-7"}`)}
	a.Printed = types.NewError(100, text, text)
	ch := &chain.Chain{NetworkConfigList: &libcni.NetworkConfigList{Plugins: make([]*libcni.PluginConfig, 1)}}
	began := threadTime(t)
	f := Failed(ch, &delegate.Runner{}, &delegate.Error{Attempt: a, CNI: a.Printed})
	r := &Record{Verb: "ADD", Failure: f}
	e, entries := r.CNIError(), r.Journal("debug")
	took := threadTime(t) - began
	if len(f.Cause) > delegate.MaxStderr+256 || len(e.Msg) > 2*maxText || len(entries[0].Message) > 4*maxText {
		t.Errorf("%q: %d bytes of cause, %d for the runtime, %d for the journal", unit, len(f.Cause), len(e.Msg), len(entries[0].Message))
	}
	if e.Code != 100 || !strings.Contains(e.Msg, text[:1000]) {
		t.Errorf("code %d: %.80q", e.Code, e.Msg)
	}
	return took
}

// A text that is made to cost the mask more than its length allows does not take the plugin's code and message with it.
func TestHostileWords(t *testing.T) {
	var b strings.Builder
	for k := 1; k <= 400; k++ {
		b.WriteString(" pw={" + strings.Repeat(`\`, k) + `"`)
	}
	for _, text := range []string{b.String(), strings.Repeat(`curl -u \"a `, 4000)} {
		a := &delegate.Attempt{Verb: "ADD", Type: "lab", Path: "/bin/lab", Started: true, Exit: 1, Printed: types.NewError(100, "no lease;"+text, text)}
		ch := &chain.Chain{NetworkConfigList: &libcni.NetworkConfigList{Plugins: make([]*libcni.PluginConfig, 1)}}
		failed := &delegate.Error{Attempt: a, CNI: a.Printed}
		e := (&Record{Verb: "ADD", Failure: Failed(ch, &delegate.Runner{}, failed)}).CNIError()
		if e.Code != 100 || !strings.HasPrefix(e.Msg, "lab (1/1): no lease;") || !strings.HasPrefix(failed.Error(), "no lease;") {
			t.Errorf("code %d: %.80q", e.Code, e.Msg)
		}
	}
}

// The cause that a plugin gives behind 4 MiB of other words is found: errors are wrapped from the inside.
func TestCauseAtTheEnd(t *testing.T) {
	for _, fill := range []string{"word ", "x"} {
		text := strings.Repeat(fill, delegate.MaxStdout/len(fill)-100) + ": write /var/lib/cni/x: no space left on device"
		a := &delegate.Attempt{Verb: "ADD", Type: "lab", Path: "/bin/lab", Started: true, Exit: 1, Printed: types.NewError(100, text, "")}
		ch := &chain.Chain{NetworkConfigList: &libcni.NetworkConfigList{Plugins: make([]*libcni.PluginConfig, 1)}}
		f := Failed(ch, &delegate.Runner{}, &delegate.Error{Attempt: a, CNI: a.Printed})
		if f.Reason != reason.HostResourceExhausted || !strings.HasSuffix(f.Cause, "no space left on device") {
			t.Errorf("%q: %s", fill, f.Reason.Name)
		}
	}
}

func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// The law: whatever a plugin prints, Clean makes it one valid line with nothing that a terminal or a journal would obey.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"a\nMESSAGE=forged", "\x1b[31mred", "\xff\xfe", `"token":"x"`, "http://a:b@c", "password=", "-----BEGIN X", "\u202eabc"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) || len(got) > 8*maxText {
			t.Fatalf("%q became %q", s, got)
		}
		if _, err := json.Marshal((&Record{Verb: "ADD", Failure: &Failure{Reason: reason.Unclassified, Cause: s}}).CNIError()); err != nil {
			t.Fatal(err)
		}
	})
}

// The law: whatever a runtime's environment holds, a trace id is 32 digits, and a pod is what its three arguments say.
func FuzzCaller(f *testing.F) {
	f.Add("IgnoreUnknown=1;K8S_POD_NAMESPACE=a;K8S_POD_NAME=b;K8S_POD_UID=c", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	f.Add("K8S_POD_NAME==;;K8S_POD_NAME", "00-0af7651916cd43dd8448eb211c80319\n-b-01")
	f.Fuzz(func(t *testing.T, args, trace string) {
		if id := ParseTraceID(trace); id != "" && (len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" || !strings.Contains(trace, "-"+id+"-")) {
			t.Fatalf("%q of %q", id, trace)
		}
		p := ParsePod(args)
		if p == nil {
			return
		}
		again := ParsePod("K8S_POD_NAMESPACE=" + p.Namespace + ";K8S_POD_NAME=" + p.Name + ";K8S_POD_UID=" + p.UID)
		if again == nil || *again != *p || !strings.Contains(args, p.Name) || !strings.Contains(args, p.Namespace) {
			t.Fatalf("%+v of %q", p, args)
		}
	})
}
