package failure

import (
	"strings"
	"syscall"

	"github.com/containernetworking/cni/pkg/types"

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
	if v := panicked(f.Stderr + "\n" + f.Stdout); v.Reason != nil && !f.Printed {
		return v
	}
	switch {
	case f.Signal != 0:
		return Verdict{reason.PluginKilled, f.Signal.String()}
	case f.Unusable:
		return Verdict{reason.InvalidPluginOutput, f.Msg}
	}
	if v := ClassifyText(strings.Join([]string{f.Msg, f.Details, f.Stderr}, "\n")); v.Reason != reason.Unclassified {
		return v
	}
	switch {
	case f.Printed && f.Code == types.ErrIncompatibleCNIVersion:
		return Verdict{reason.VersionIncompatible, "code 1"}
	case f.Printed && f.Code == types.ErrInvalidEnvironmentVariables:
		return Verdict{reason.InvalidCallerInput, "code 4"}
	case f.Printed && (f.Code == types.ErrDecodingFailure || f.Code == types.ErrInvalidNetworkConfig || f.Code == types.ErrUnsupportedField):
		return Verdict{reason.ConfigInvalid, "code of an invalid configuration"}
	case f.Exited && !f.Printed && (f.Stdout != "" || f.Stderr == ""):
		return Verdict{reason.InvalidPluginOutput, "no CNI error printed"}
	}
	return Verdict{Reason: reason.Unclassified}
}

// panicked finds the trace of a Go program's end, or a shell's word for a fault.
func panicked(text string) Verdict {
	for _, words := range []string{"panic: ", "fatal error: ", "goroutine 1 [running]", "SIGSEGV: segmentation violation", "Traceback (most recent call last)"} {
		if strings.Contains(text, words) {
			return Verdict{reason.PluginCrashed, strings.TrimSpace(words)}
		}
	}
	return Verdict{}
}

// ClassifyText names the reason of a failure from text alone.
func ClassifyText(text string) Verdict {
	for _, words := range []string{"incompatible CNI versions", "unsupported CNI result version", "could not parse prevResult"} {
		if strings.Contains(text, words) {
			return Verdict{reason.VersionIncompatible, words}
		}
	}
	return Verdict{Reason: reason.Unclassified}
}
