package watch

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/status"
)

// A finding is told when it appears and when it appears again, not while it stands, nor by the next process.
func TestFresh(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run", "status.json")
	newWatch := func() *Watch { return &Watch{entry: &config.Config{StatusFile: file, StatusFileGiven: true}} }
	w := newWatch()
	told := func(want int, messages ...string) {
		t.Helper()
		var stands []report.Note
		for _, m := range messages {
			stands = append(stands, report.Note{Message: m, Always: true})
		}
		fresh := w.fresh(stands)
		if len(fresh) != want {
			t.Errorf("told %v of %v", fresh, messages)
		}
		if err := status.Open(file).Add(status.EventOf(&report.Record{Time: time.Now(), Verb: report.Watch, Notes: fresh}, 0, nil)); err != nil {
			t.Fatal(err)
		}
	}
	told(2, "a", "b", "a")
	told(1, "a", "b\nc")
	told(0, "a", "b c")
	told(0, "a")
	told(1, "b", "a")
	w = newWatch()
	told(1, "a", "b", "d")
}
