package inventory

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode"
)

// The law: whatever a program's file begins with, what is said of it is one short line.
func FuzzHeader(f *testing.F) {
	elf := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 11) + "\x3e\x00"
	for _, s := range []string{"", "#!/bin/nothing -x\n", "#!/bin/sh\r\n", "\x7fELF", elf, elf + strings.Repeat("\x00", 40) + "/lib64/ld-linux.so.2\x00", elf + "/lib\x1b\n\x00", "hello"} {
		f.Add([]byte(s), uint(syscall.ENOENT))
		f.Add([]byte(s), uint(syscall.ENOEXEC))
	}
	path := filepath.Join(f.TempDir(), "plugin")
	f.Fuzz(func(t *testing.T, header []byte, errno uint) {
		if err := os.WriteFile(path, header, 0o755); err != nil {
			t.Fatal(err)
		}
		p := Unrunnable(path, syscall.Errno(errno%200))
		if p.Fix == "" || p.Reason == nil || len(p.Cause) > len(path)+4*4096 || strings.ContainsFunc(p.Cause+p.Fix, unicode.IsControl) {
			t.Fatalf("%q %q", p.Cause, p.Fix)
		}
		if cpu := CPU(path); strings.ContainsFunc(cpu, unicode.IsControl) || len(cpu) > 64 {
			t.Fatalf("%q", cpu)
		}
	})
}
