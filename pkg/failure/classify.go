package failure

import (
	"strings"
	"syscall"

	"github.com/cni-shim/cni-shim/pkg/reason"
)

// Classify names the reason of a failure. Facts outrank text.
func Classify(f *Facts) Verdict {
	switch {
	case f.Timeout:
		return Verdict{reason.PluginTimeout, "deadline passed"}
	case f.Errno == syscall.ENOEXEC || f.Errno == syscall.EISDIR || f.Errno == syscall.ELIBBAD:
		return Verdict{reason.PluginNotExecutable, f.Errno.Error()}
	case f.Errno == syscall.EACCES || f.Errno == syscall.EPERM:
		return Verdict{reason.PermissionDenied, f.Errno.Error()}
	}
	return ClassifyText(strings.Join([]string{f.Msg, f.Details, f.Stderr}, "\n"))
}

// ClassifyText names the reason of a failure from text alone.
func ClassifyText(text string) Verdict {
	if strings.Contains(text, "incompatible CNI versions") {
		return Verdict{reason.VersionIncompatible, "incompatible CNI versions"}
	}
	return Verdict{Reason: reason.Unclassified}
}
