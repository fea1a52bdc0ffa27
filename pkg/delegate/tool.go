package delegate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// ErrNoTool marks a program that this node does not have.
var ErrNoTool = errors.New("not installed")

// toolDirs are searched behind PATH: an admin's may lack them.
var toolDirs = []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// Tool runs a program of the node's, such as nft or journalctl, and returns at most limit bytes of what it prints. It dies with
// the shim and gets no stdin. What a program prints beyond the limit is refused, and cut tells so.
func Tool(ctx context.Context, limit int, name string, args ...string) (out []byte, cut bool, err error) {
	path, err := FindTool(name)
	if err != nil {
		return nil, false, err
	}
	runtime.LockOSThread() // the parent-death signal is that of the thread that forks
	defer runtime.UnlockOSThread()
	stdout, stderr := &head{limit: limit}, &ends{limit: MaxStderr / 2}
	c := exec.CommandContext(ctx, path, args...)
	c.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC", "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0")
	c.Stdout, c.Stderr = stdout, stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = grace
	err = c.Run()
	switch {
	case stdout.dropped:
		return stdout.data, true, nil
	case err != nil && ctx.Err() != nil:
		return stdout.data, false, fmt.Errorf("%s: %w", name, ctx.Err())
	case err != nil:
		return stdout.data, false, fmt.Errorf("%s: %w: %s", name, err, lastLine(stderr.bytes()))
	}
	return stdout.data, false, nil
}

// FindTool returns the path of a program of the node's, as Tool finds it; ErrNoTool where there is none.
func FindTool(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range toolDirs {
		path := filepath.Join(dir, name)
		if fi, err := os.Stat(path); err == nil && fi.Mode().IsRegular() && fi.Mode().Perm()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w in %s", name, ErrNoTool, strings.Join(toolDirs, ":"))
}
