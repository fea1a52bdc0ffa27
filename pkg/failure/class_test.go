package failure

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/reason"
)

// TestSamples holds every class to the texts that programs printed.
func TestSamples(t *testing.T) {
	for _, c := range registry {
		if len(c.Samples) == 0 {
			t.Errorf("class %s: no samples", c.Reason)
		}
		for _, s := range c.Samples {
			if v := ClassifyText(s.Text); v.Reason.Name != c.Reason {
				t.Errorf("%s\n want %s, got %s by %q", s.Text, c.Reason, v.Reason.Name, v.Words)
			}
		}
	}
}

// TestSamplesInWrappers wraps every sample as kubelet, containerd and CRI-O do, clean-up failures included.
func TestSamplesInWrappers(t *testing.T) {
	wrappers := []string{
		`Warning  FailedCreatePodSandBox  3s (x5 over 26s)  kubelet  Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "9fa1b2975bf1": %s`,
		`E0917 10:11:12.131415    1234 remote_runtime.go:193] "RunPodSandbox from runtime service failed" err="rpc error: code = Unknown desc = %q"`,
		`time="2024-05-06T07:08:09.1Z" level=error msg="RunPodSandbox for &PodSandboxMetadata{Name:web,Uid:0,Namespace:default,Attempt:0,} failed, error" error=%q`,
	}
	for _, c := range registry {
		for _, s := range c.Samples {
			if strings.Contains(s.Text, "\n") || c == &sandboxNameReserved || c == &pluginKilled {
				continue
			}
			for _, w := range wrappers {
				text := wrap(w, s.Text)
				if v := ClassifyText(text); v.Reason.Name != c.Reason {
					t.Errorf("%s\n want %s, got %s by %q", text, c.Reason, v.Reason.Name, v.Words)
				}
			}
		}
	}
}

// TestWrappersSayNothing: what runtimes put around every failure decides none.
func TestWrappersSayNothing(t *testing.T) {
	for _, w := range []string{
		`Warning FailedCreatePodSandBox 3s (x5 over 26s) kubelet Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "9fa1": plugin type="calico" name="k8s-pod-network" failed (add): %s`,
		`Failed to create pod sandbox: rpc error: code = Unknown desc = failed to set up sandbox container "1" network for pod "web": networkPlugin cni failed to set up pod "web_default" network: %s`,
		`E0917 10:11:12.131415    1234 cni.go:364] Error adding default_web/1 to network bridge/cbr0: %s`,
		`rpc error: code = Unknown desc = failed to create pod network sandbox k8s_web_default_0(1): error adding pod default_web to CNI network "cbr0": plugin type="bridge" name="cbr0" failed (add): %s`,
		`rpc error: code = Unknown desc = failed to destroy network for sandbox "1": plugin type="bridge" failed (delete): %s`,
		`StopPodSandbox "1" from runtime service failed: rpc error: code = Unknown desc = networkPlugin cni failed to teardown pod "web_default" network: %s`,
		`plugin type="multus-shim" name="multus-cni-network" failed (add): CmdAdd (shim): %s`,
		`Multus: [default/web/1]: error adding container to network "net1": delegateAdd: error invoking DelegateAdd - "macvlan": error in getting result from AddNetwork: %s`,
		`ERRO[0000] Error while adding pod to CNI network "podman": %s`,
		`{"level":"error","ts":"2024-05-06T07:08:09Z","caller":"routed-eni-cni-plugin/cni.go:124","msg":"Failed to add: %s"}`,
	} {
		text := wrap(w, "the gremlins did it")
		if v := ClassifyText(text); v.Reason != reason.Unclassified {
			t.Errorf("%s\n got %s by %q", text, v.Reason.Name, v.Words)
		}
	}
}

func wrap(wrapper, text string) string {
	quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
	return strings.NewReplacer("%s", text, "%q", quoted).Replace(wrapper)
}

// TestWordsAreFolded: words in another form than fold's would never be found.
func TestWordsAreFolded(t *testing.T) {
	for _, c := range registry {
		seen := map[string]bool{}
		for _, list := range [][]string{c.Sure, c.Any, c.Weak} {
			for _, words := range list {
				if words == "" || fold(words) != words && fold(words+" ") != words {
					t.Errorf("class %s: %q is not folded: %q", c.Reason, words, fold(words))
				}
				if seen[words] {
					t.Errorf("class %s: %q twice", c.Reason, words)
				}
				seen[words] = true
				for part := range strings.SplitSeq(words, "…") {
					if strings.TrimSpace(part) == "" {
						t.Errorf("class %s: %q has an empty part", c.Reason, words)
					}
				}
			}
		}
	}
}

// TestEveryReasonHasOneClass: one class a reason, one file a class, and every class is listed.
func TestEveryReasonHasOneClass(t *testing.T) {
	classes := map[string]int{}
	for _, c := range registry {
		classes[c.Reason]++
		if reason.Lookup(c.Reason) == nil {
			t.Errorf("class %s: no such reason", c.Reason)
		}
		name := strings.ToLower(c.Reason) + ".go"
		if src, err := os.ReadFile(name); err != nil || !strings.Contains(string(src), "= Class{") {
			t.Errorf("class %s: not in %s", c.Reason, name)
		}
	}
	for _, r := range reason.All() {
		if n := classes[r.Name]; n != 1 && r != reason.Unclassified {
			t.Errorf("reason %s: %d classes", r.Name, n)
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	defined := 0
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(f, "_test.go") {
			defined += strings.Count(string(src), "= Class{\n")
		}
	}
	if defined != len(registry) {
		t.Errorf("%d classes defined, %d listed in registry", defined, len(registry))
	}
}
