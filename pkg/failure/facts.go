// Package failure tells what a plugin's failure means: from facts (verb, CNI code, errno, exit status, signal, what was
// printed) and from text to one reason of package reason, with the words that decided.
package failure

import (
	"strings"
	"syscall"

	"github.com/cni-shim/cni-shim/pkg/reason"
)

// Facts is what is known of one plugin that failed. The zero value of a field means that it is not known.
type Facts struct {
	Verb    string         // CNI_COMMAND
	Plugin  string         // type of the plugin, "portmap"
	Path    string         // the file that was executed
	Code    uint           // CNI error code, when Printed
	Msg     string         // msg of the CNI error, when Printed; else what the caller of the plugin made of it
	Details string         // details of the CNI error
	Printed bool           // the plugin printed a CNI error of its own
	Stdout  string         // bounded
	Stderr  string         // bounded
	Errno   syscall.Errno  // why the program could not be started or its file not be opened
	Exited  bool           // the process ran and exited by itself, with Exit
	Exit    int            // exit status, when Exited
	Signal  syscall.Signal // the signal that ended the process
	Timeout bool           // ended by a deadline of ours
	// TooMuch: the plugin printed more than is read; the signal may be that of the pipe that was closed then.
	TooMuch bool
	// Unusable: the plugin reported success, and what it printed cannot be used.
	Unusable bool
}

// Verdict is what a failure means.
type Verdict struct {
	Reason *reason.Reason // never nil; reason.Unclassified when nothing matches
	Words  string         // the words or the fact that decided; empty for Unclassified
	Said   bool           // Words stand in what the plugin said, folded; else they are a fact that the shim saw
}

// Within tells whether the words that decided stand, for the better part, in the first n bytes of a text.
func (v Verdict) Within(n int, text string) bool {
	i := strings.LastIndex(fold(text), v.Words)
	return i >= 0 && i+len(v.Words)*2/3 <= n
}
