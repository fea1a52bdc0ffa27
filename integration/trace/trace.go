// Package trace counts what a program asks of the kernel, by strace: figures that do not depend on the clock.
package trace

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Figure is what was asked.
type Figure struct {
	Processes int // programs that were started
	Calls     int // system calls, but for those of the Go runtime's scheduler and for waiting
	Created   int // files opened to be made
	Written   int // bytes, to files, pipes and sockets
	Synced    int // fsync and its like
}

// Run runs a command under strace and counts for all processes, by their names, whose name counts. Processes are counted for all, the
// command itself left out.
func Run(c *exec.Cmd, counts func(comm string) bool) (Figure, error) {
	dir, err := os.MkdirTemp("", "trace")
	if err != nil {
		return Figure{}, err
	}
	defer os.RemoveAll(dir)
	log := filepath.Join(dir, "log")
	strace, err := exec.LookPath("strace")
	if err != nil {
		return Figure{}, fmt.Errorf("%w: integration/setup.sh installs it", err)
	}
	c.Args = append([]string{"strace", "-f", "-qq", "--decode-pids=comm", "-s", "0", "-o", log, c.Path}, c.Args[1:]...)
	c.Path = strace
	if out, err := c.CombinedOutput(); err != nil {
		return Figure{}, fmt.Errorf("%v: %w: %s", c.Args, err, out)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		return Figure{}, err
	}
	return count(string(text), counts), nil
}

// 123<comm> name(arguments) = result; a call that was interrupted by another's line is told in two.
var line = regexp.MustCompile(`^(\d+)<(.*?)> +(?:<\.\.\. )?([a-z_0-9]+)(?:\(| resumed)(.*)$`)

// schedules are the Go runtime's own dealings with its threads and memory, and waiting, which no two runs have alike.
var schedules = regexp.MustCompile(`^(futex|nanosleep|rt_sig.*|sigaltstack|sched_.*|epoll_.*|eventfd2|tgkill|getpid|gettid|madvise|mmap|munmap|clone3?|prctl|restart_syscall|poll|ppoll|wait4)$`)

func count(text string, counts func(comm string) bool) (f Figure) {
	f.Processes = -1             // the command itself
	begun := map[string]string{} // by thread
	for l := range strings.Lines(text) {
		m := line.FindStringSubmatch(strings.TrimSpace(l))
		if m == nil {
			continue
		}
		thread, comm, name, rest := m[1], m[2], m[3], m[4]
		if arguments, ok := strings.CutSuffix(rest, "<unfinished ...>"); ok {
			begun[thread] = arguments
			continue
		}
		rest = begun[thread] + rest
		delete(begun, thread)
		result, _ := strconv.Atoi(strings.Fields(rest[strings.LastIndex(rest, "= ")+1:] + " 0")[0])
		if name == "execve" && result == 0 {
			f.Processes++
		}
		if !counts(comm) || schedules.MatchString(name) {
			continue
		}
		f.Calls++
		switch name {
		case "write", "pwrite64", "writev", "sendto", "sendmsg":
			f.Written += max(result, 0)
		case "fsync", "fdatasync", "syncfs", "sync":
			f.Synced++
		case "openat":
			if strings.Contains(rest, "O_CREAT") && result >= 0 {
				f.Created++
			}
		}
	}
	return f
}
