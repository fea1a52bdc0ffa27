// Package delegate runs one chain through invoke.DelegateAdd and its kin, with an executor of its own that captures what
// each plugin was given, what it answered and how it ended. It is the only user of os/exec.
package delegate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"

	"github.com/cni-shim/cni-shim/pkg/secret"
)

// Bounds of what is kept of a plugin's output, in bytes.
const (
	MaxStdout = 4 << 20
	MaxStderr = 64 << 10
)

// grace is how long a plugin's pipes may stay open after its end: a grandchild that holds them must not hold the call.
const grace = time.Second

// busyTries and busyPause: a plugin that is just being replaced (ETXTBSY) is tried again, each time with a new process.
const (
	busyTries = 5
	busyPause = 200 * time.Millisecond
)

// Attempt is one run of one plugin, told as facts.
type Attempt struct {
	Verb     string
	Type     string // of the plugin
	Index    int    // in the chain, from 0
	Path     string // the file executed; empty when none was found
	Stdin    []byte
	Stdout   []byte // at most MaxStdout
	Stderr   []byte // at most MaxStderr: the beginning and the end
	Started  bool   // a process was made
	Exit     int    // exit status; -1 when ended by a signal
	Signal   syscall.Signal
	Errno    syscall.Errno // why no process could be made
	Timeout  bool          // ended because the context was
	TooMuch  bool          // it printed more than MaxStdout, and may have been ended by a pipe that the shim closed
	Printed  *types.Error  // the CNI error that the plugin printed
	Duration time.Duration
	// Underived: it was not run, because what it was to be given could not be made.
	Underived bool

	resultless bool   // what it prints when it succeeds is nobody's to read
	name       string // by which the program is called; Path where empty
	limit      int    // of stdout, in bytes; MaxStdout where 0
	pid        int
	known      *secret.Known
}

// maxShown bounds a text of a plugin's that is shown, in bytes: its stderr, with the note about what was left out, is kept whole.
const maxShown = MaxStderr + 256

// Mask makes what the plugin said fit to be shown: it hides secrets, also the values of the configuration that the plugin was
// given, wherever it repeats them. Of a text above 64 KiB it keeps the beginning and the end. The configuration is read once.
// Mask is not safe for concurrent use.
func (a *Attempt) Mask(text string) string {
	if a.known == nil {
		a.known = &secret.Known{}
		a.known.Learn(a.Stdin)
	}
	return a.known.Ends(text, maxShown)
}

// Exec implements invoke.Exec. It is not safe for concurrent use: one chain runs one plugin after the other.
type Exec struct {
	version.PluginDecoder
	// Env replaces variables of the environment that invoke builds; nil leaves it as it is.
	Env map[string]string
	// Quiet keeps the plugin's stderr from being handed on: for questions of the shim's own.
	Quiet bool
	// Beat is called about every second while the plugin runs, with how long it has; may be nil.
	Beat func(ran time.Duration)
	// Resultless is for verbs without a result: libcni does not look at what a plugin prints that succeeds, however much it is.
	Resultless bool
	// Last is the run just made.
	Last *Attempt
}

var _ invoke.Exec = (*Exec)(nil)

// FindInPath implements invoke.Exec (see the function of that name).
func (e *Exec) FindInPath(plugin string, paths []string) (string, error) {
	e.Last = &Attempt{Type: plugin}
	return FindInPath(plugin, paths)
}

// ExecPlugin runs a plugin: in a process group of its own, dying with the shim, with bounded output and nothing of the
// shim's stdout or stderr in its hands. Its stderr is handed on after its end (SPEC 1.1, section 4).
//
// The parent-death signal is that of the thread that forks (prctl(2)). Threads of a Go program last as long as the program, but for one
// that a goroutine locked and then ended on: no such goroutine may end while a plugin runs. To lock this one would cost a call a thread.
func (e *Exec) ExecPlugin(ctx context.Context, path string, stdin []byte, environ []string) ([]byte, error) {
	a := &Attempt{Type: filepath.Base(path), Path: path, Stdin: stdin, resultless: e.Resultless}
	e.Last = a
	start := time.Now()
	var err error
	for try := 1; ; try++ {
		err = a.run(ctx, e.environ(environ), func() {
			if e.Beat != nil {
				e.Beat(time.Since(start))
			}
		})
		if !errors.Is(err, syscall.ETXTBSY) || try == busyTries || !sleep(ctx, busyPause) {
			break
		}
	}
	a.Duration = time.Since(start)
	if len(a.Stderr) > 0 && !e.Quiet {
		_, _ = Stderr.Write(a.Stderr)
	}
	if err == nil {
		return a.Stdout, nil
	}
	a.Timeout = ctx.Err() != nil
	return nil, a.failure(err)
}

func (e *Exec) environ(environ []string) []string {
	if e.Env == nil {
		return environ
	}
	out := make([]string, 0, len(environ)+len(e.Env))
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		if _, replaced := e.Env[name]; !replaced {
			out = append(out, v)
		}
	}
	for name, value := range e.Env {
		out = append(out, name+"="+value)
	}
	return out
}

var errTooLong = fmt.Errorf("more than %d MiB on stdout", MaxStdout>>20)

// failure makes the error that invoke hands on: the plugin's own, or one that says how it ended.
func (a *Attempt) failure(err error) error {
	if a.Started {
		a.Printed = lastError(a.Stdout)
	}
	if a.Printed != nil {
		return a.Printed
	}
	return types.NewError(types.ErrInternal, a.ending(err), "")
}

// lastError returns the CNI error that a plugin printed, alone or last: package skel prints one behind the result where it finds after
// an ADD that the namespace is the host's own. Nil where there is none, or anything that is no JSON.
func lastError(stdout []byte) *types.Error {
	var last *types.Error
	for d := json.NewDecoder(bytes.NewReader(stdout)); ; {
		e := &types.Error{}
		switch err := d.Decode(e); {
		case errors.Is(err, io.EOF):
			return last
		case err != nil:
			return nil
		}
		if last = nil; e.Msg != "" || e.Code != 0 {
			last = e
		}
	}
}

// ending says in words how a plugin ended that printed no CNI error.
func (a *Attempt) ending(err error) string {
	said := ""
	if line := lastLine(a.Stderr); line != "" {
		said = ": " + line
	}
	switch {
	case !a.Started && a.Errno != 0:
		return "cannot be run: " + a.Errno.Error()
	case !a.Started:
		return "cannot be run: " + err.Error()
	case a.Timeout:
		return fmt.Sprintf("no answer after %s; killed%s", a.Duration.Round(time.Millisecond), said)
	case a.TooMuch:
		return "printed " + errTooLong.Error()
	case a.Signal != 0:
		return fmt.Sprintf("killed by signal %d (%s)%s", a.Signal, a.Signal, said)
	case len(a.Stdout) > 0:
		return fmt.Sprintf("exit status %d, and what it printed is no CNI error: %s%s", a.Exit, excerpt(a.Stdout), said)
	case said == "":
		return fmt.Sprintf("exit status %d without a word", a.Exit)
	}
	return fmt.Sprintf("exit status %d%s", a.Exit, said)
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
