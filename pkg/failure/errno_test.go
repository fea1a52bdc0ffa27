package failure

import (
	"syscall"
	"testing"

	"github.com/cni-shim/cni-shim/pkg/reason"
)

// Every error number is one reason's whoever asks, what a host is short of has a fix, and none is the configuration's fault.
func TestErrno(t *testing.T) {
	lacks := 0
	for n := range syscall.Errno(134) {
		r, fix := Errno(n)
		if r == reason.ConfigInvalid {
			t.Errorf("%v is the configuration's fault", n)
		}
		if r == reason.HostResourceExhausted {
			if lacks++; fix == "" || Classify(&Facts{Errno: n, Path: "/p"}).Reason != r {
				t.Errorf("%v: fix %q, and a plugin that cannot be run for it is %s", n, fix, Classify(&Facts{Errno: n, Path: "/p"}).Reason.Name)
			}
		}
	}
	for n, want := range map[syscall.Errno]*reason.Reason{
		0: nil, syscall.EINVAL: nil, syscall.EMFILE: reason.HostResourceExhausted, syscall.ENOSPC: reason.HostResourceExhausted, syscall.EACCES: reason.PermissionDenied,
		syscall.EIO: reason.StateCorrupt, syscall.ESTALE: reason.StateCorrupt, syscall.ELOOP: reason.ConfigMissing, syscall.ENAMETOOLONG: reason.ConfigMissing,
	} {
		if r, _ := Errno(n); r != want {
			t.Errorf("%v: %v", n, r)
		}
	}
	if lacks < 7 {
		t.Errorf("%d error numbers tell what the host lacks", lacks)
	}
}
