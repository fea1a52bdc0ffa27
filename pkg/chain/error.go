package chain

import (
	"cmp"
	"errors"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/failure"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/rules"
)

var (
	configInvalid = reason.ConfigInvalid
	configMissing = reason.ConfigMissing
)

// Error is a chain that cannot be read.
type Error struct {
	Reason *reason.Reason // ConfigMissing, ConfigInvalid, or what the system's error shows (see failure.Errno)
	Source Source
	Place  diag.Place // the full path; line 0 where no line is to blame
	Rule   string     // of the check's vocabulary, when the cause is one of syntax
	Cause  string     // one line, without the place
	Fix    string     // one line

	text []byte // of the file, to see whose it is
	err  error
}

// Error is place and cause on one line, the file by its base name.
func (e *Error) Error() string {
	place := e.Place
	place.File = filepath.Base(place.File)
	if e.Place.File == "" {
		return e.Cause
	}
	return place.String() + ": " + e.Cause
}

func (e *Error) Unwrap() error { return e.err }

func missing(path, cause string) *Error {
	return &Error{Reason: configMissing, Source: Source{Path: path}, Place: diag.Place{File: path}, Cause: cause, Fix: configMissing.Cure}
}

// unreadable is a file or directory that cannot be read. Where the system said why, the configuration is not to blame.
func unreadable(path string, err error) *Error {
	var errno syscall.Errno
	errors.As(err, &errno)
	r, fix := failure.Errno(errno)
	if r == nil {
		r = configInvalid
	}
	return &Error{Reason: r, Source: Source{Path: path}, Place: diag.Place{File: path}, Cause: plain(err), Fix: cmp.Or(fix, r.Cure), err: err}
}

// invalid explains what libcni refused, by the rule that check tells of the file, so that both say the same.
func invalid(path string, text []byte, err error) *Error {
	return explain(path, kindOf(path, text), text, err)
}

// fragment is invalid of a file of the sub-directory.
func fragment(path string, text []byte, err error) *Error {
	return explain(path, rules.Fragment, text, err)
}

func explain(path string, kind rules.Kind, text []byte, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e // about a file of the sub-directory
	}
	e = &Error{Reason: configInvalid, Source: Source{Path: path}, Place: diag.Place{File: path}, Cause: plain(err), Fix: configInvalid.Cure, text: text, err: err}
	c := rules.New(filepath.Base(path), kind, text, false)
	c.ReadSub(filepath.Dir(path))
	for _, f := range rules.Check(c) {
		if !f.Refused {
			continue
		}
		e.Rule, e.Cause, e.Fix = f.Rule.ID, f.Message, f.Fix
		if !f.Whole {
			e.Place.Line, e.Place.Column = diag.LineColumn(text, f.Start)
			e.Place.EndLine, e.Place.EndColumn = diag.LineColumn(text, f.End)
		}
	}
	return e
}

// plain shortens libcni's and the system's words to what an admin needs: no wrappers, no path that the place names already.
func plain(err error) string {
	text := err.Error()
	for _, p := range []string{"error parsing configuration list: ", "error parsing configuration: "} {
		text = strings.ReplaceAll(text, p, "")
	}
	if rest, ok := strings.CutPrefix(text, "failed to parse plugin config "); ok {
		text = "plugin index " + rest
	}
	op, _, _ := strings.Cut(text, " ")
	if i := strings.LastIndex(text, ": "); i > 0 {
		switch op {
		case "open":
			return "cannot be opened: " + text[i+2:]
		case "read", "readdirent", "stat", "lstat", "fstatat":
			return "cannot be read: " + text[i+2:]
		}
	}
	return text
}
