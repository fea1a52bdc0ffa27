// Package journal sends entries to journald over its native protocol, and never waits for it longer than it may.
package journal

import (
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/coreos/go-systemd/v22/journal"

	"github.com/cni-shim/cni-shim/pkg/visible"
)

// Identifier is the SYSLOG_IDENTIFIER of every entry: `journalctl -t cni-shim`.
const Identifier = "cni-shim"

// Priority is one of syslog(3)'s.
type Priority = journal.Priority

// Priorities that the shim uses.
const (
	Err     = journal.PriErr
	Warning = journal.PriWarning
	Info    = journal.PriInfo
	Debug   = journal.PriDebug
)

// Entry is one journal entry. Message is one line. Field names are those of docs/contract.md.
type Entry struct {
	Priority Priority
	Message  string
	Fields   map[string]string
}

// ErrBusy is journald not taking an entry in time: its queue is full, most likely because it is stopped.
var ErrBusy = errors.New("journald does not take entries")

// Send sends entries in their order and returns how many did not arrive and why the first of them did not. It takes at most
// budget: the library's own call would wait for ever on a full queue, and is then left behind, to end with the process.
func Send(entries []Entry, budget time.Duration) (lost int, first error) {
	sent := make(chan error, len(entries))
	go func() {
		for _, e := range entries {
			sent <- send(e)
		}
	}()
	timeout := time.NewTimer(budget)
	defer timeout.Stop()
	for i := range entries {
		select {
		case err := <-sent:
			if err != nil {
				lost++
				if first == nil {
					first = err
				}
			}
		case <-timeout.C:
			return lost + len(entries) - i, ErrBusy
		}
	}
	return lost, first
}

func send(e Entry) error {
	vars := make(map[string]string, len(e.Fields)+2)
	for k, v := range e.Fields {
		if v != "" {
			vars[k] = visible.Text(v)
		}
	}
	// journald learns the sender's unit from /proc after the fact; a short-lived sender says itself who it is.
	vars["SYSLOG_IDENTIFIER"] = Identifier
	vars["SYSLOG_PID"] = strconv.Itoa(os.Getpid())
	return journal.Send(visible.Text(e.Message), e.Priority, vars)
}

// Available tells whether journald has a socket that takes entries.
func Available() bool { return journal.Enabled() }
