package attachment

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/pkg/chain"
)

// An attachment lives the same life whatever the length of its names, and beside others of names as long.
func TestLongNames(t *testing.T) {
	for _, n := range []int{1, 64, 234, 235, 236, 237, 250, 251, 255, 256, 4096, 100_000} {
		s := Open(filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "lib"))
		long := strings.Repeat("x", n)
		keys := []Key{{long, long + "1", "eth0"}, {long, long + "2", "eth0"}, {long, long + "2", "a@b"}, {"n" + long, long + "1", "eth0"}}
		for _, k := range keys {
			if err := errors.Join(s.Put(&Entry{Key: k, Chain: chain.Raw{Config: []byte(`{}`)}, Created: time.Now()}), s.Complete(k, Done{})); err != nil {
				t.Fatalf("%d: %v", n, err)
			}
		}
		for _, k := range keys {
			if e, err := s.Get(k); err != nil || e.Key != k || e.Done == nil {
				t.Fatalf("%d: %v", n, err)
			}
		}
		for network, want := range map[string]int{long: 3, "n" + long: 1} {
			got, err := s.List(network)
			if err != nil || len(got) != want || slices.ContainsFunc(got, func(k Key) bool { return !slices.Contains(keys, k) }) {
				t.Errorf("%d: %d listed of %d, %v", n, len(got), want, err)
			}
		}
		if got, err := s.Networks(); err != nil || len(got) != 2 || !slices.Contains(got, long) || !slices.Contains(got, "n"+long) {
			t.Errorf("%d: %d networks, %v", n, len(got), err)
		}
		if e, err := s.Elsewhere(Key{"other", long + "2", "a@b"}); err != nil || e.Key != keys[2] {
			t.Errorf("%d: elsewhere: %v", n, err)
		}
		for _, k := range keys {
			if err := s.Remove(k); err != nil || s.Known(k) {
				t.Errorf("%d: still there, %v", n, err)
			}
			if _, err := s.RuntimeList(k); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%d: the runtime's: %v", n, err)
			}
		}
	}
}
