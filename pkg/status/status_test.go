package status

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
)

func event(verb string, f *report.Failure) *Event {
	return EventOf(&report.Record{Time: time.Now().UTC(), Duration: time.Millisecond, Verb: verb, Failure: f}, 0, nil)
}

// 64 writers at once lose no call and no failure, and a reader never sees a part of the file.
func TestConcurrent(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "run", "status.json"))
	const writers, each = 64, 20
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range writers {
		wg.Go(func() {
			w := Open(s.path)
			for i := range each {
				var f *report.Failure
				if i%4 == 0 {
					f = &report.Failure{Reason: reason.PluginKilled, Plugin: "p", Of: 1, Given: true, Cause: "x"}
				}
				if err := w.Add(event("ADD", f)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { wg.Wait(); close(stop) }()
	for done := false; !done; {
		select {
		case <-stop:
			done = true
		default:
			if b, err := os.ReadFile(s.path); err == nil {
				if _, err := parse(b); err != nil {
					t.Fatalf("a part of the file: %v", err)
				}
			}
		}
	}
	f, err := s.Read()
	if err != nil {
		t.Fatal(err)
	}
	v := f.Calls["ADD"]
	if v.Total != writers*each || v.Failed != writers*each/4 || f.Failures[0].Count != writers*each/4 || len(f.Failures) != 1 {
		t.Errorf("%+v, %d failures folded to %d", v, f.Failures[0].Count, len(f.Failures))
	}
}

// A fold that was killed between its rename and its clean-up counts nothing twice.
func TestFoldTwice(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "run", "status.json"))
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.drop(event("ADD", nil)); err != nil {
		t.Fatal(err)
	}
	if alone, err := s.foldLoose(); !alone || err != nil {
		t.Fatal(alone, err)
	}
	f, _ := s.Read()
	name := filepath.Join(s.records, f.Folded[0])
	if err := os.WriteFile(name, []byte(`{"verb":"ADD"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Add(event("DEL", nil)); err != nil {
		t.Fatal(err)
	}
	if f, _ = s.Read(); f.Calls["ADD"].Total != 1 || f.Calls["DEL"].Total != 1 {
		t.Errorf("%+v %+v", f.Calls["ADD"], f.Calls["DEL"])
	}
}

// A file that cannot be believed is set aside with a note and never followed.
func TestSetAside(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"corrupt": func(p string) error { return os.WriteFile(p, []byte("{"), 0o644) },
		"link": func(p string) error {
			_ = os.Remove(p)
			return os.Symlink("/etc/passwd", p)
		},
		"directory": func(p string) error { return os.Mkdir(p, 0o755) },
		"foreign owner": func(p string) error {
			return errors.Join(os.WriteFile(p, []byte(`{"version":1}`), 0o644), os.Chown(p, 4242, 4242))
		},
		"writable": func(p string) error { return errors.Join(os.WriteFile(p, []byte("{}"), 0o666), os.Chmod(p, 0o666)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			_ = os.Mkdir(dir, 0o755)
			s := Open(filepath.Join(dir, "status.json"))
			if err := spoil(s.path); err != nil {
				t.Fatal(err)
			}
			if err := s.Add(event("ADD", nil)); err != nil {
				t.Fatal(err)
			}
			f, err := s.Read()
			if err != nil || f.Calls["ADD"].Total != 1 || len(f.Notes) != 1 || !strings.Contains(f.Notes[0].Message, "set aside") {
				t.Errorf("%+v %v", f, err)
			}
		})
	}
}

// The file's size is bounded whatever happens.
func TestBounded(t *testing.T) {
	f := Empty()
	for i := range 400 {
		e := event("ADD", &report.Failure{Reason: reason.Unclassified, Plugin: strings.Repeat("p", i%97), Index: i, Of: 1, Cause: strings.Repeat("x", 100<<10), Stderr: strings.Repeat("y", 100<<10)})
		e.Notes = []report.Note{{Message: strings.Repeat("n", i%1000), Always: true}}
		f.fold(e)
	}
	if len(f.Failures) != maxFailures || len(f.Notes) != maxNotes || f.Calls["ADD"].Failed != 400 {
		t.Errorf("%d failures, %d notes", len(f.Failures), len(f.Notes))
	}
}

// What a verdict says already is told once, however long it is; a fault that moved is another, a plugin's message with another number
// in it is not.
func TestSays(t *testing.T) {
	plugin := func(cause string) *report.Failure {
		return &report.Failure{Reason: reason.AgentUnreachable, Plugin: "p", Of: 1, Given: true, Cause: cause}
	}
	chain := func(line int) *report.Failure {
		return &report.Failure{Reason: reason.ConfigInvalid, Place: diag.Place{File: "10-a.conflist", Line: line, Column: 1}, Cause: "trailing comma", ChainLevel: true}
	}
	long := strings.Repeat("no answer ", 1000)
	for name, c := range map[string]struct {
		before, now *report.Failure
		want        bool
	}{
		"the same":      {plugin("down for 5s"), plugin("down for 5s"), true},
		"an age":        {plugin("down for 5s"), plugin("down for 10s"), true},
		"other words":   {plugin("down for 5s"), plugin("refused for 5s"), false},
		"long":          {plugin(long), plugin(long), true},
		"another place": {chain(5), chain(7), false},
		"the place":     {chain(5), chain(5), true},
		"healed":        {nil, plugin("down"), false},
	} {
		f := Empty()
		f.fold(event("STATUS", c.before))
		if got := f.Verdict.Says(c.now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A record is never larger than what is read again, whatever a plugin says and an admin writes.
func TestRecordIsReadAgain(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "run", "status.json"))
	worst := strings.Repeat("\x01", 100<<10)
	r := &report.Record{Time: time.Now(), Verb: worst, Network: worst, ContainerID: worst, IfName: worst, Pod: &report.Pod{Namespace: worst, Name: worst, UID: worst},
		Failure: &report.Failure{Reason: reason.Unclassified, Plugin: worst, Of: 1, Cause: worst, Details: worst, Stderr: worst}}
	for range 1000 {
		r.Notes = append(r.Notes, report.Note{Message: worst, Always: true})
	}
	for range 3 {
		if err := s.Add(EventOf(r, 0, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if f, err := s.Read(); err != nil || f.Calls["other"].Failed != 3 || f.Failures[0].Count != 3 || len(f.Calls) != 1 {
		t.Errorf("%v %+v", err, f)
	}
}

// The verdict follows STATUS and the chain, not one pod's misfortune.
func TestVerdict(t *testing.T) {
	f := Empty()
	pod := &report.Failure{Reason: reason.Unclassified, Plugin: "p", Of: 1, Given: true, Cause: "x"}
	chain := &report.Failure{Reason: reason.ConfigInvalid, Cause: "x", ChainLevel: true}
	for i, c := range []struct {
		verb  string
		fail  *report.Failure
		ready bool
		later time.Duration
	}{
		{"STATUS", nil, true, 0}, {"ADD", pod, true, 0}, {"ADD", chain, false, 0}, {"DEL", nil, false, 0}, {"ADD", nil, true, 0},
		{"STATUS", pod, false, 0}, {"ADD", nil, false, 30 * time.Second}, {"STATUS", nil, true, 0},
		{"STATUS", pod, false, 0}, {"ADD", nil, true, 2 * time.Minute}, // nobody asks for STATUS any more
		{"STATUS", &report.Failure{Reason: reason.PluginTimeout, Plugin: "p", Of: 1, Cause: "killed"}, true, 0},
		{"STATUS", &report.Failure{Reason: reason.InvalidCallerInput, Cause: "no stdin"}, true, 0},
		{"watch", chain, false, 0}, {"watch", nil, true, 0}, {"STATUS", chain, false, 0}, {"watch", nil, true, 0},
		{"STATUS", pod, false, 0}, {"watch", nil, false, 2 * time.Minute}, {"STATUS", nil, true, 0}, // a look asks no plugin
	} {
		e := event(c.verb, c.fail)
		e.Time = e.Time.Add(c.later)
		if f.fold(e); f.Verdict.Ready != c.ready {
			t.Errorf("step %d: %+v", i, f.Verdict)
		}
	}
	if f.Calls["watch"] != nil || f.Calls["STATUS"].Total != 9 {
		t.Errorf("%+v", f.Calls)
	}
}

// The law: a file that parses can be folded into and written again, and is bounded.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"version":1}`, `{"version":1,"calls":{"ADD":null}}`, `{"version":1,"chains":[null],"failures":[{}]}`, `{"version":2}`, `{"version":1,"calls":{"ADD":{"durationUsec":{"buckets":[1]}}}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := parse(b)
		if err != nil {
			return
		}
		e := event("ADD", &report.Failure{Reason: reason.Unclassified, Cause: "x"})
		e.Chain, e.Notes = &report.Chain{Network: "lab"}, []report.Note{{Message: "n"}}
		file.fold(e)
		if _, err := json.Marshal(file); err != nil || len(file.Failures) > maxFailures || len(file.Chains) > maxChains {
			t.Fatalf("%v: %d failures, %d chains", err, len(file.Failures), len(file.Chains))
		}
	})
}

// The law: where a usual call takes a file as it is and adds itself, readers take what it writes, and it counts one call more.
func FuzzOutline(f *testing.F) {
	for _, s := range []string{`{"version":1,"calls":{}}`, `{"version":1,"calls":{"ADD":{"total":1}},"chains":[{}],"failures":null,"notes":[]}`, `{"version":1,"calls":{"ADD":null},"inFlight":[1]}`} {
		f.Add([]byte(s))
	}
	s := Open(filepath.Join(f.TempDir(), "status.json"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(s.path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		before, err := parse(b)
		o := s.outline()
		if o == nil || err != nil {
			return // no file of ours, which is begun anew
		}
		text, err := o.with([]*Event{event("ADD", nil)}, nil, nil, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		after, err := parse(text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		total := int64(0)
		if v := before.Calls["ADD"]; v != nil {
			total = v.Total
		}
		if after.Calls["ADD"] == nil || after.Calls["ADD"].Total != total+1 || len(after.Failures) != len(before.Failures) {
			t.Fatalf("%+v became %+v", before, after)
		}
	})
}

// A lock that somebody holds for ever delays no call; readers count what is loose.
func TestLocked(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "run", "status.json"))
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	unlock, err := disk.TryLock(s.records, "fold")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Add(event("ADD", nil)); err != nil {
			t.Fatal(err)
		}
	}
	if f, err := s.Read(); err != nil || f.Calls["ADD"].Total != 3 {
		t.Errorf("%+v %v", f, err)
	}
	unlock()
	if err := s.Add(event("ADD", nil)); err != nil || len(s.loose(1)) != 0 {
		t.Errorf("%v, still loose: %v", err, s.loose(9))
	}
}

// What is said of durations never exceeds the longest seen, and grows with the share asked for.
func TestDurations(t *testing.T) {
	f := Empty()
	for i := range 100 {
		e := event("ADD", nil)
		e.DurationUsec, e.Runs = int64(1000+i), []Run{{"bridge", int64(700 + i)}, {"portmap", 40_000}}
		f.fold(e)
	}
	v := f.Calls["ADD"]
	if p50, p99 := v.Duration.Quantile(.5), v.Duration.Quantile(.99); p50 > p99 || p99 > v.Duration.Max || p50 < 512 {
		t.Errorf("p50 %d, p99 %d, max %d", p50, p99, v.Duration.Max)
	}
	if p := v.Plugins["portmap"]; len(v.Plugins) != 2 || p.Count() != 100 || p.Quantile(.99) != 40_000 || v.LastOK.IsZero() {
		t.Errorf("%+v, last ok %s", v.Plugins, v.LastOK)
	}
	if (&Durations{}).Quantile(.5) != 0 {
		t.Error("a duration of no calls")
	}
	for i := range 2 * maxPlugins {
		e := event("DEL", nil)
		e.Runs = []Run{{strings.Repeat("p", i+1), 1}}
		f.fold(e)
	}
	if n := len(f.Calls["DEL"].Plugins); n != maxPlugins {
		t.Errorf("%d plugins kept", n)
	}
}

// The outline has what the file has, in its order, and a call is folded into either alike.
func TestOutline(t *testing.T) {
	file, short := reflect.TypeFor[File](), reflect.TypeFor[outline]()
	if file.NumField() != short.NumField() {
		t.Fatalf("%d fields, and %d", file.NumField(), short.NumField())
	}
	for i := range file.NumField() {
		if a, b := file.Field(i), short.Field(i); a.Name != b.Name || a.Tag != b.Tag {
			t.Errorf("%s %s, and %s %s", a.Name, a.Tag, b.Name, b.Tag)
		}
	}
	s := Open(filepath.Join(t.TempDir(), "run", "status.json"))
	failed := event("ADD", &report.Failure{Reason: reason.Unclassified, Plugin: "p", Of: 1, Cause: "x"})
	failed.Chain, failed.Notes = &report.Chain{Network: "lab"}, []report.Note{{Message: "n"}}
	if err := s.Add(failed); err != nil {
		t.Fatal(err)
	}
	want, _ := s.read()
	for _, verb := range []string{"STATUS", "ADD", "DEL"} {
		e := event(verb, nil)
		if s.outline() == nil || e.unusual() {
			t.Fatal("no outline")
		}
		if err := s.Add(e); err != nil {
			t.Fatal(err)
		}
		want.fold(e)
	}
	got, _ := s.read()
	want.Updated = got.Updated
	if a, b := text(t, got), text(t, want); a != b {
		t.Errorf("%s\nwant %s", a, b)
	}
}

func text(t *testing.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Records are folded as if each call had been at the file alone, whatever they say.
func TestDropped(t *testing.T) {
	failed := event("ADD", &report.Failure{Reason: reason.Unclassified, Plugin: "p", Of: 1, Cause: "x"})
	noted, lost, changed := event("STATUS", nil), event("DEL", nil), event("ADD", nil)
	noted.Notes, lost.JournalLost, lost.JournalWhy, changed.Chain = []report.Note{{Message: "n"}}, 2, "refused", &report.Chain{Network: "lab"}
	ran := event("CHECK", nil)
	ran.Runs = []Run{{"bridge", 5}}
	for _, events := range [][]*Event{{event("ADD", nil), ran}, {event("ADD", nil), failed, noted, ran, lost, changed}} {
		s := Open(filepath.Join(t.TempDir(), "run", "status.json"))
		if err := s.Add(event("STATUS", nil)); err != nil {
			t.Fatal(err)
		}
		want, _ := s.read()
		for _, e := range events {
			if _, err := s.drop(e); err != nil {
				t.Fatal(err)
			}
			kept, _ := e.encode()
			again, err := decode(kept)
			if err != nil {
				t.Fatal(err)
			}
			want.fold(again)
			time.Sleep(time.Microsecond) // records are named by the time
		}
		if seen, err := s.Read(); err != nil || text(t, seen.Calls) != text(t, want.Calls) {
			t.Errorf("%v %s", err, text(t, seen.Calls))
		}
		if alone, err := s.foldLoose(); !alone || err != nil {
			t.Fatal(alone, err)
		}
		got, _ := s.read()
		want.Updated, want.Folded = got.Updated, got.Folded
		if a, b := text(t, got), text(t, want); a != b || len(got.Folded) != len(events) {
			t.Errorf("%s\nwant %s", a, b)
		}
	}
}

// A record that cannot be read is told as such and counts nothing, wherever it is damaged.
func TestDamagedRecord(t *testing.T) {
	for _, text := range []string{"", "{", `{"verb": 5}`, `{"verb": "ADD", "failure": {"code": "x"}}`, `[]`} {
		s := Open(filepath.Join(t.TempDir(), "run", "status.json"))
		if err := s.Add(event("ADD", nil)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.records, "1-1.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Add(event("DEL", nil)); err != nil {
			t.Fatal(err)
		}
		f, err := s.Read()
		if err != nil || len(f.Notes) != 1 || f.Notes[0].Count != 1 || f.Calls["ADD"].Total != 1 || f.Calls["DEL"].Total != 1 || len(s.loose(9)) != 0 {
			t.Errorf("%q: %+v %v", text, f, err)
		}
	}
}
