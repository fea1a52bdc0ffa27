package failure

import (
	"strings"
	"syscall"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/steps/stepstest"
)

func TestClassifyFacts(t *testing.T) {
	const refused = `dial unix /run/multus/multus.sock: connect: connection refused`
	for _, tt := range []struct {
		name string
		f    Facts
		want *reason.Reason
	}{
		{"nothing known", Facts{}, reason.Unclassified},
		{"deadline outranks text", Facts{Timeout: true, Signal: syscall.SIGKILL, Stderr: refused}, reason.PluginTimeout},
		{"killed", Facts{Signal: syscall.SIGKILL}, reason.PluginKilled},
		{"fault", Facts{Signal: syscall.SIGSEGV}, reason.PluginCrashed},
		{"no file in CNI_PATH", Facts{Errno: syscall.ENOENT}, reason.PluginNotFound},
		{"interpreter gone", Facts{Errno: syscall.ENOENT, Path: "/opt/cni/bin/x"}, reason.PluginNotExecutable},
		{"other CPU", Facts{Errno: syscall.ENOEXEC, Path: "/opt/cni/bin/x"}, reason.PluginNotExecutable},
		{"busy", Facts{Errno: syscall.ETXTBSY, Path: "/opt/cni/bin/x"}, reason.PluginNotExecutable},
		{"noexec", Facts{Errno: syscall.EACCES, Path: "/opt/cni/bin/x"}, reason.PermissionDenied},
		{"no processes left", Facts{Errno: syscall.EAGAIN, Path: "/opt/cni/bin/x"}, reason.HostResourceExhausted},
		{"code alone: version", Facts{Printed: true, Code: 1, Msg: "no"}, reason.VersionIncompatible},
		{"code alone: environment", Facts{Printed: true, Code: 4, Msg: "no"}, reason.InvalidCallerInput},
		{"code alone: decoding", Facts{Printed: true, Code: 6, Msg: "no"}, reason.ConfigInvalid},
		{"code alone: configuration", Facts{Printed: true, Code: 7, Msg: "no"}, reason.ConfigInvalid},
		{"code alone: namespace", Facts{Printed: true, Code: 8, Msg: "no"}, reason.NetnsGone},
		{"code alone: try again", Facts{Printed: true, Code: 11, Msg: "no"}, reason.Unclassified},
		{"code not printed", Facts{Code: 7, Msg: "no"}, reason.Unclassified},
		{"specific text outranks the code", Facts{Printed: true, Code: 11, Msg: "wait", Details: refused}, reason.AgentUnreachable},
		{"the code outranks a wrapper", Facts{Printed: true, Code: 7, Msg: "RPC failed"}, reason.ConfigInvalid},
		{"what is said outranks stderr", Facts{Printed: true, Code: 100, Msg: refused, Stderr: "no space left on device"}, reason.AgentUnreachable},
		{"stderr outranks a wrapper", Facts{Printed: true, Code: 100, Msg: "CNI request failed with status 500", Stderr: refused}, reason.AgentUnreachable},
		{"what a DEL lacks", Facts{Verb: "DEL", Printed: true, Code: 100, Msg: "resource does not exist: Node(node-1)"}, reason.DeleteTargetMissing},
		{"an ADD lacks something else", Facts{Verb: "ADD", Printed: true, Code: 100, Msg: "resource does not exist: Node(node-1)"}, reason.Unclassified},
		{"unknown container: DEL", Facts{Verb: "DEL", Printed: true, Code: 3, Msg: "no"}, reason.DeleteTargetMissing},
		{"unknown container: ADD", Facts{Verb: "ADD", Printed: true, Code: 3, Msg: "no"}, reason.Unclassified},
		{"panic", Facts{Exited: true, Exit: 2, Msg: "netplugin failed", Stderr: "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n"}, reason.PluginCrashed},
		{"goroutine dump", Facts{Exited: true, Exit: 2, Stderr: "SIGQUIT: quit\n\ngoroutine 7 gp=0x1 m=0 [running]:\n"}, reason.PluginCrashed},
		{"silent", Facts{Exited: true, Exit: 1}, reason.InvalidPluginOutput},
		{"silent success", Facts{Exited: true}, reason.InvalidPluginOutput},
		{"babble", Facts{Exited: true, Stdout: "hello"}, reason.InvalidPluginOutput},
		{"two documents", Facts{Exited: true, Stdout: `{"a":"}"}{"b":1}`}, reason.InvalidPluginOutput},
		{"unknown words", Facts{Exited: true, Exit: 1, Stderr: "gremlins"}, reason.Unclassified},
		{"unknown words behind an exit status", Facts{Exited: true, Exit: 1, Msg: "exit status 1: gremlins", Stderr: "gremlins"}, reason.Unclassified},
		{"an exit status alone", Facts{Exited: true, Exit: 1, Msg: "exit status 1", Stderr: "gremlins"}, reason.InvalidPluginOutput},
		{"unknown error", Facts{Exited: true, Exit: 1, Printed: true, Code: 100, Msg: "gremlins", Stdout: `{"code":100,"msg":"gremlins"}`}, reason.Unclassified},
	} {
		v := Classify(&tt.f)
		if v.Reason != tt.want {
			t.Errorf("%s: got %s by %q, want %s", tt.name, v.Reason.Name, v.Words, tt.want.Name)
		}
		if (v.Words == "") != (v.Reason == reason.Unclassified) {
			t.Errorf("%s: %s by %q", tt.name, v.Reason.Name, v.Words)
		}
	}
}

// TestMisleading: texts whose plain words say another thing than what is wrong.
func TestMisleading(t *testing.T) {
	for text, want := range map[string]*reason.Reason{
		`failed to set bridge addr: could not add IP address to "cni0": permission denied`:                        reason.IPv6Disabled,
		`failed to create fsnotify watcher: no space left on device`:                                              reason.HostResourceExhausted,
		`failed to set MTU on vethabc: invalid argument`:                                                          reason.InterfaceSetupFailed,
		`open /proc/sys/net/ipv4/ip_forward: read-only file system`:                                               reason.KernelSupportMissing,
		`open /proc/sys/net/ipv6/conf/eth0/accept_dad: no such file or directory`:                                 reason.IPv6Disabled,
		`connection is unauthorized: pods is forbidden: User "x" cannot get resource "pods" in the namespace "y"`: reason.APIForbidden,
		`Get "https://10.96.0.1:443/api": proxyconnect tcp: Forbidden`:                                            reason.APIUnreachable,
	} {
		if v := ClassifyText(text); v.Reason != want {
			t.Errorf("%s\n want %s, got %s by %q", text, want.Name, v.Reason.Name, v.Words)
		}
	}
}

// TestNoGuess: what tells of no failure of a network stays unclassified.
func TestNoGuess(t *testing.T) {
	for _, text := range []string{
		"", " ", "everything is fine", "something went wrong", "Back-off restarting failed container",
		"Readiness probe failed: HTTP probe failed with statuscode: 503", "Started container web",
		"Successfully assigned default/web to node-1", "Add eth0 [10.244.4.200/24] from cbr0", "Pulling image \"nginx\"",
	} {
		if v := ClassifyText(text); v.Reason != reason.Unclassified || v.Words != "" {
			t.Errorf("%q: %s by %q", text, v.Reason.Name, v.Words)
		}
	}
}

func TestCleanUpIsAnEcho(t *testing.T) {
	const text = `[failed to set up sandbox container "1" network for pod "p": networkPlugin cni failed to set up pod "p" network: no IP addresses available in range set: 10.1.0.1-10.1.0.254, ` +
		`failed to clean up sandbox container "1" network for pod "p": networkPlugin cni failed to teardown pod "p" network: failed to Statfs "/proc/1/ns/net": no such file or directory]`
	if v := ClassifyText(text); v.Reason != reason.IPAMExhausted {
		t.Errorf("got %s by %q", v.Reason.Name, v.Words)
	}
}

// Package steps panics where the cost grows with the square of the text; how fast it is, benchmarks tell.
func TestHostileTextIsBounded(*testing.T) {
	for _, unit := range []string{"a", "dial tcp ", `\`, `\"`, "no such file or directory ", "iptables -d ", "\n", "\xff", "…"} {
		ClassifyText(strings.Repeat(unit, 4<<20/len(unit)))
	}
}

func FuzzClassify(f *testing.F) {
	for _, c := range registry {
		for _, s := range c.Samples {
			f.Add(s.Text, s.Text, uint(7), true)
		}
	}
	f.Fuzz(func(t *testing.T, msg, stderr string, code uint, printed bool) {
		facts := &Facts{Msg: msg, Stderr: stderr, Code: code, Printed: printed, Exited: true, Stdout: stderr}
		v := Classify(facts)
		if v.Reason == nil || (v.Words == "") != (v.Reason == reason.Unclassified) || strings.Contains(v.Words, "\n") {
			t.Fatalf("verdict %v by %q", v.Reason, v.Words)
		}
		if again := Classify(facts); again != v {
			t.Fatalf("not the same twice: %v, %v", v, again)
		}
		ClassifyText(string(stepstest.Long([]byte(msg)))) // package steps panics where the cost is not in proportion to the length
	})
}

// BenchmarkClassify is what a failed call pays: the mean over every sample, as a plugin's CNI error.
func BenchmarkClassify(b *testing.B) {
	var all []*Facts
	for _, c := range registry {
		for _, s := range c.Samples {
			all = append(all, &Facts{Verb: "ADD", Plugin: "x", Printed: true, Code: 100, Msg: s.Text, Exited: true, Exit: 1})
		}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		Classify(all[i%len(all)])
		i++
	}
}

func BenchmarkClassifyText(b *testing.B) {
	for name, text := range map[string]string{
		"event":   `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "9fa1b2975bf1": plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized`,
		"unknown": strings.Repeat("lorem ipsum dolor sit amet ", 20),
		"16 KiB":  strings.Repeat("dial tcp 10.0.0.1: something odd happened\n", 400),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ClassifyText(text)
			}
		})
	}
}
