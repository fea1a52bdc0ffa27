package inventory

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

// byteOrderMark in UTF-8, which some editors put before the first line.
const byteOrderMark = "\xef\xbb\xbf"

// scripts is how many interpreters may be scripts themselves; the kernel gives up after four.
const scripts = 4

// unrunnableScript explains why a script whose file begins with header cannot be run: by its interpreter, unless the script itself may
// not be executed.
func unrunnableScript(path string, header []byte, errno syscall.Errno, depth int) *Problem {
	interpreter, _, windows := firstLine(header)
	denied := errno == syscall.EACCES || errno == syscall.EPERM
	switch {
	case denied && (noexec(path) != "" || !executable(path)):
		return unexecutable(path, errno)
	case windows:
		return windowsEnds(path, fmt.Sprintf(`, so that its interpreter is "%s\r"`, shown(interpreter)))
	}
	p := &Problem{Reason: reason.PluginNotExecutable, Fix: "install the interpreter, or correct the script's first line", Certain: true}
	p.Cause = fmt.Sprintf("%s is a script, and its interpreter ", path)
	fi, err := os.Stat(interpreter)
	switch {
	case interpreter == "":
		p.Cause = path + " has a #! line that names no interpreter"
	case err != nil || depth == 0:
		p.Cause += `"` + shown(interpreter) + `" is missing`
	case !fi.Mode().IsRegular():
		p.Cause += shown(interpreter) + " is no program"
	case fi.Mode().Perm()&0o111 == 0:
		p.Cause += fmt.Sprintf("%s has no execute permission (%s)", shown(interpreter), fi.Mode().Perm())
		p.Fix = "chmod 755 " + interpreter
	default:
		inner := unrunnable(interpreter, errno, depth-1)
		p.Cause += inner.Cause
		p.Reason = inner.Reason
	}
	return p
}

// Garbled explains why a script that the system did start did nothing: its lines end as on Windows, or env does not find the interpreter.
// exit and stderr are the run's. Nil where the file shows no such fault, or the run no sign of it.
func Garbled(path string, exit int, stderr []byte) *Problem {
	const notFound = 127 // of env and of shells
	byCR := bytes.ContainsRune(stderr, '\r') || bytes.Contains(stderr, []byte(`\r`)) || bytes.Contains(stderr, []byte("^M"))
	if exit != notFound && !byCR {
		return nil
	}
	header, err := readHeader(path)
	if err != nil || !bytes.HasPrefix(header, []byte("#!")) {
		return nil
	}
	interpreter, argument, windows := firstLine(header)
	switch {
	case windows || byCR && bytes.Contains(header, []byte("\r\n")):
		return windowsEnds(path, "")
	case exit == notFound && filepath.Base(interpreter) == "env" && argument != "" && argument[0] != '-' && !strings.ContainsAny(argument, "=/ ") && !inPATH(argument):
		return &Problem{Reason: reason.PluginNotExecutable, Certain: true, Fix: "install " + argument + ", or write the interpreter's path into the script's first line",
			Cause: fmt.Sprintf("%s is a script, and %s finds no interpreter %q in PATH", path, interpreter, argument)}
	}
	return nil
}

func windowsEnds(path, effect string) *Problem {
	return &Problem{Reason: reason.PluginNotExecutable, Certain: true, Cause: path + " is a script whose lines end as on Windows (CR LF)" + effect,
		Fix: `sed -i 's/\r$//' ` + path}
}

// shown is an interpreter's name as a message has it: of one line, and no longer than the kernel reads (BINPRM_BUF_SIZE).
func shown(interpreter string) string {
	const most = 256
	if len(interpreter) > most {
		interpreter = interpreter[:most] + "…"
	}
	return visible.Line(interpreter)
}

// firstLine splits a script's first line as the kernel does: interpreter and all behind it as one argument. windows: it ends with CR LF.
func firstLine(header []byte) (interpreter, argument string, windows bool) {
	line, _, _ := bytes.Cut(bytes.TrimPrefix(header, []byte("#!")), []byte("\n"))
	text, windows := strings.CutSuffix(string(line), "\r")
	text = strings.Trim(text, " \t")
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		return text[:i], strings.Trim(text[i:], " \t"), windows
	}
	return text, "", windows
}

func executable(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().Perm()&0o111 != 0
}

func inPATH(name string) bool {
	return slices.ContainsFunc(filepath.SplitList(os.Getenv("PATH")), func(dir string) bool { return executable(filepath.Join(dir, name)) })
}
