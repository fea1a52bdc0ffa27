package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The fuzzing of all targets finds them by itself, goes on after one that fails and keeps its input, and fails in the end.
func TestFuzzScript(t *testing.T) {
	module := t.TempDir()
	for path, text := range map[string]string{
		"go.mod": "module m\n\ngo 1.26\n",
		"a/a_test.go": "package a\n\nimport \"testing\"\n\nfunc FuzzFine(f *testing.F) {\n\tf.Fuzz(func(*testing.T, []byte) {})\n}\n\n" +
			"func FuzzBad(f *testing.F) {\n\tf.Fuzz(func(t *testing.T, b []byte) {\n\t\tif len(b) > 0 {\n\t\t\tt.Fatal(\"some bytes\")\n\t\t}\n\t})\n}\n",
		"b/c/c_test.go": "package c\n\nimport \"testing\"\n\nfunc FuzzDeep(f *testing.F) {\n\tf.Fuzz(func(*testing.T, string) {})\n}\n",
	} {
		path = filepath.Join(module, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("sh", "fuzz.sh", "18", module).CombinedOutput()
	if _, failed := err.(*exec.ExitError); !failed {
		t.Errorf("a target fails, and all is well: %v", err)
	}
	for _, want := range []string{"a:FuzzFine 3s: ", "a:FuzzBad 3s: ", "b-c:FuzzDeep 3s: ", "some bytes", "Failing input written to testdata/fuzz/FuzzBad/"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if kept, _ := filepath.Glob(filepath.Join(module, "a/testdata/fuzz/FuzzBad/*")); len(kept) != 1 {
		t.Errorf("kept inputs: %q", kept)
	}
}
