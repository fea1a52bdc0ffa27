package integration

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hungDisk is an ext4 of 64 MiB that can be made to hang. See integration/slowdisk.
type hungDisk struct {
	t        *testing.T
	process  *exec.Cmd
	commands io.WriteCloser
	answers  *bufio.Scanner
}

// newHungDisk mounts an empty one at dir, which it makes, until the test ends; it works until told otherwise. Processes that wait for it
// cannot be killed: whoever waits for them defers Release first. After two minutes it releases by itself.
func newHungDisk(t *testing.T, dir string) *hungDisk {
	t.Helper()
	c := exec.Command(binDir+"/slowdisk", "-dir", dir)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	d := startHungDisk(t, dir, c)
	bound := time.AfterFunc(2*time.Minute, func() { _ = c.Process.Signal(syscall.SIGTERM) })
	t.Cleanup(func() {
		bound.Stop()
		_ = d.commands.Close()
		if err := c.Wait(); err != nil {
			t.Errorf("slowdisk: %v", err)
		}
	})
	d.expect("ready")
	return d
}

// startHungDisk starts slowdisk by a command, and leaves waiting until it is ready and ending it to the caller.
func startHungDisk(t *testing.T, dir string, c *exec.Cmd) *hungDisk {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	commands, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return &hungDisk{t, c, commands, bufio.NewScanner(answers)}
}

// Hang makes whatever needs the disk wait: reads, as nothing is cached any more, looking up names, and fsync.
func (d *hungDisk) Hang() { d.say("hang") }

// Freeze makes whatever would change the file system wait, also what needs no disk yet; reads work.
func (d *hungDisk) Freeze() { d.say("freeze") }

// Release ends both. Who waited goes on.
func (d *hungDisk) Release() { d.say("release") }

func (d *hungDisk) say(command string) {
	d.t.Helper()
	if _, err := fmt.Fprintln(d.commands, command); err != nil {
		d.t.Fatal(err)
	}
	d.expect("ok")
}

func (d *hungDisk) expect(want string) {
	d.t.Helper()
	if !d.answers.Scan() || d.answers.Text() != want {
		d.t.Fatalf("slowdisk says %q, want %q (%v)", d.answers.Text(), want, d.answers.Err())
	}
}

// A process that needs a disk that hangs waits where no signal reaches it, and comes back when the disk does.
func TestHungDisk(t *testing.T) {
	dir := t.TempDir() + "/disk"
	d := newHungDisk(t, dir)
	if err := os.WriteFile(dir+"/file", []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		stop    func()
		command string
		want    string
	}{
		{"read", d.Hang, "cat " + dir + "/file", "content"},
		{"look up", d.Hang, "test -e " + dir + "/none || echo none", "none\n"},
		{"list", d.Hang, "ls " + dir, "file\nlost+found\n"},
		{"sync", d.Hang, "dd if=/dev/zero of=" + dir + "/new bs=1k count=1 conv=fsync status=none", ""},
		{"read while frozen", func() { d.Hang(); d.Release(); d.Freeze() }, "cat " + dir + "/file && echo >" + dir + "/file2", "content"},
		{"write", d.Freeze, "echo more >>" + dir + "/file", ""},
		{"make", d.Freeze, "mkdir " + dir + "/made", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.stop()
			var out strings.Builder
			x := exec.Command("sh", "-c", "exec 2>&1; "+c.command)
			x.Stdout = &out
			if err := x.Start(); err != nil {
				t.Fatal(err)
			}
			waits := waitsForDisk(x.Process.Pid)
			d.Release()
			if err := x.Wait(); err != nil || out.String() != c.want {
				t.Errorf("after the release: %v, %q", err, out.String())
			}
			if !waits {
				t.Error("it did not wait for the disk")
			}
		})
	}
}

// waitsForDisk reports whether a process, or a child of it, comes to wait for a disk, and still does after 200 ms.
func waitsForDisk(pid int) bool {
	state := func() bool {
		out, _ := exec.Command("ps", "-o", "stat=", "--pid", fmt.Sprint(pid), "--ppid", fmt.Sprint(pid)).Output()
		return strings.Contains(string(out), "D")
	}
	if !within(patience, state) {
		return false
	}
	time.Sleep(200 * time.Millisecond)
	return state()
}
