package watch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/status"
)

// How soon after a change the disk's copy of the attachments follows, and how often it is compared though nothing seems to have changed.
const (
	saveAfter = 500 * time.Millisecond
	saveAgain = 30 * time.Second
)

// saveSilence is how long the disk may take before that is a trouble.
const saveSilence = 5 * time.Second

// saver saves attachments to the disk, in a goroutine of its own: a disk that hangs holds nothing else of the watch. Its methods are
// safe for concurrent use.
type saver struct {
	wake chan struct{} // something has changed
	news chan struct{} // trouble has

	mu      sync.Mutex
	run     string // the directory of the status file
	state   string
	since   time.Time // of the saving that goes on now; zero: none does
	err     error     // of the last one
	refused string    // why the directory that was asked for is not used
}

func newSaver() *saver { return &saver{wake: make(chan struct{}, 1), news: make(chan struct{}, 1)} }

// follow names the directories, from now on.
func (s *saver) follow(run, state string) {
	s.mu.Lock()
	changed := s.run != run || s.state != state
	s.run, s.state = run, state
	s.mu.Unlock()
	if changed {
		s.changed()
	}
}

// changed asks for a saving soon.
func (s *saver) changed() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// loop saves until ctx ends, and once more then.
func (s *saver) loop(ctx context.Context) {
	var c *attachment.Carrier
	var of [2]string
	defer func() {
		if c != nil {
			c.Close()
		}
	}()
	for {
		s.mu.Lock()
		now := [2]string{s.run, s.state}
		s.mu.Unlock()
		if c != nil && (of != now || !c.Current()) { // or somebody has removed the directory in memory
			c.Close()
			c = nil
		}
		if c == nil && now[0] != "" {
			c, of = s.carrier(now[0], now[1]), now
		}
		if c != nil {
			s.watched(c.Carry)
		}
		if ctx.Err() != nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(saveAgain):
		case <-s.wake:
			select {
			case <-ctx.Done():
			case <-time.After(saveAfter):
			}
		}
	}
}

// carrier takes the saving on itself; nil where another process has it, or it cannot be had.
func (s *saver) carrier(run, state string) (c *attachment.Carrier) {
	s.watched(func() error {
		var err error
		if c, err = attachment.NewCarrier(run, state); errors.Is(err, disk.ErrLocked) {
			return nil
		}
		return err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused = ""; c != nil && c.Refused != "" {
		s.refused = c.Refused
		s.tell()
	}
	return c
}

// watched does what may wait for the disk, and asks for a look where its trouble, or the end of it, is news.
func (s *saver) watched(do func() error) {
	before := s.trouble()
	s.mu.Lock()
	s.since = time.Now()
	s.mu.Unlock()
	late := time.AfterFunc(saveSilence, s.tell)
	err := do()
	ended := !late.Stop()
	s.mu.Lock()
	s.since, s.err = time.Time{}, err
	s.mu.Unlock()
	if ended || s.trouble() != before {
		s.tell()
	}
}

func (s *saver) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// trouble says why attachments are not saved; empty where they are. The words are the same as long as the trouble is.
func (s *saver) trouble() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.since.IsZero() && time.Since(s.since) > saveSilence:
		return fmt.Sprintf("attachments are not saved, and would be lost at a reboot: %s has not answered since %s", s.state, s.since.Format("15:04:05 MST"))
	case s.err != nil:
		return fmt.Sprintf("attachments are not saved, and would be lost at a reboot: %v", s.err)
	}
	return s.refused
}

func (w *Watch) store() *attachment.Store {
	return status.Of(w.entry).Attachments(w.entry.StateDir)
}

// saved lists the directories in which attachments come and go.
func (w *Watch) saved() []string {
	dir := w.store().Dir()
	out := []string{dir}
	entries, _ := os.ReadDir(dir) // none before the first pod
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out
}
