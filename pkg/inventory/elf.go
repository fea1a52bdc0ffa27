package inventory

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"

	"github.com/cni-shim/cni-shim/pkg/reason"
)

// Unrunnable explains why the system refuses to run a file that is there: for another CPU, an interpreter or loader that is
// missing or cannot be run itself, lines that end as on Windows, a mount that forbids it, or damage.
func Unrunnable(path string, errno syscall.Errno) *Problem { return unrunnable(path, errno, scripts) }

func unrunnable(path string, errno syscall.Errno, depth int) *Problem {
	header, err := readHeader(path)
	if err == nil && bytes.HasPrefix(header, []byte("#!")) {
		return unrunnableScript(path, header, errno, depth)
	}
	if errno == syscall.EACCES || errno == syscall.EPERM {
		return unexecutable(path, errno)
	}
	p := &Problem{Reason: reason.PluginNotExecutable, Fix: reason.PluginNotExecutable.Cure, Certain: true}
	switch {
	case err != nil:
		p.Cause = fmt.Sprintf("%s cannot be run: %v", path, errno)
	case len(header) == 0:
		p.Cause = path + " is empty"
	case bytes.HasPrefix(header, []byte(byteOrderMark+"#!")):
		p.Cause = path + " is a script with a byte order mark before its #! line, which the kernel does not read then"
		p.Fix = `sed -i '1s/^\xef\xbb\xbf//' ` + path
	case !bytes.HasPrefix(header, []byte("\x7fELF")):
		p.Cause = path + " is neither a program nor a script with a #! line"
	case errno == syscall.ENOENT:
		p.Cause = path + " is linked against a loader that this node lacks" + loader(header)
		p.Fix = "install the plugin's static build"
	default:
		p.Cause = fmt.Sprintf("%s is built for %s, this node is %s", path, machine(header), runtime.GOARCH)
		if machine(header) == runtime.GOARCH {
			p.Cause = fmt.Sprintf("%s is damaged: %v", path, errno)
		}
	}
	return p
}

// unexecutable is a file that the system denies running.
func unexecutable(path string, errno syscall.Errno) *Problem {
	return &Problem{Reason: reason.PermissionDenied, Fix: reason.PermissionDenied.Cure, Certain: true,
		Cause: fmt.Sprintf("%s: the system denies running it (%v)%s", path, errno, noexec(path))}
}

// Definite tells errnos that speak of the file itself from those of a node that is short of something, or of a file that is just
// being replaced: these pass, and say nothing about the plugin.
func Definite(errno syscall.Errno) bool {
	switch errno {
	case syscall.ENOEXEC, syscall.ENOENT, syscall.EACCES, syscall.EPERM, syscall.ELIBBAD, syscall.EINVAL, syscall.EISDIR, syscall.ENOTDIR, syscall.ELOOP:
		return true
	}
	return false
}

// readHeader reads what the kernel looks at, and the program headers behind it.
func readHeader(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, 4096)
	n, err := f.Read(b)
	if n == 0 && err != nil && err == io.EOF {
		err = nil
	}
	return b[:n], err
}

// machine names the CPU in an ELF header as Go does.
func machine(h []byte) string {
	if len(h) < 20 {
		return "a CPU that its cut header does not tell"
	}
	m := order(h).Uint16(h[18:])
	little := h[5] == 1
	switch {
	case m == 3:
		return "386"
	case m == 8:
		return "mips"
	case m == 21 && little:
		return "ppc64le"
	case m == 21:
		return "ppc64"
	case m == 22:
		return "s390x"
	case m == 40:
		return "arm"
	case m == 62:
		return "amd64"
	case m == 183:
		return "arm64"
	case m == 243:
		return "riscv64"
	case m == 258:
		return "loong64"
	}
	return fmt.Sprintf("ELF machine %d", m)
}

func order(h []byte) binary.ByteOrder {
	if h[5] == 2 {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// loader names the dynamic loader (PT_INTERP) of a 64-bit program: the path is a string near the header.
func loader(h []byte) string {
	if i := bytes.Index(h, []byte("/lib")); i >= 0 {
		if name, _, ok := bytes.Cut(h[i:], []byte{0}); ok && len(name) < 64 && bytes.IndexFunc(name, unprintable) < 0 {
			return fmt.Sprintf(" (%s)", name)
		}
	}
	return ""
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// noexec tells a mount that forbids running programs.
func noexec(path string) string {
	const stNoexec = 8 // ST_NOEXEC of statfs(2)
	var fs syscall.Statfs_t
	if syscall.Statfs(path, &fs) == nil && fs.Flags&stNoexec != 0 {
		return ": its file system is mounted noexec"
	}
	return ""
}

// CPU names the CPU that a program is built for, as Go does; "script" for a #! script, "" where the file cannot be read.
func CPU(path string) string {
	h, err := readHeader(path)
	switch {
	case err != nil || len(h) == 0:
		return ""
	case bytes.HasPrefix(h, []byte("#!")):
		return "script"
	case bytes.HasPrefix(h, []byte("\x7fELF")):
		return machine(h)
	}
	return "unknown"
}
