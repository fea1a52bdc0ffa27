package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Whichever process of a hungDisk is killed, or the first of the namespace with all who use it: nobody waits for the
// disk any more, and its loop device goes.
func TestKilledDisk(t *testing.T) {
	const read = "dd if=file of=/dev/null iflag=direct status=none"
	const write = "dd if=/dev/zero of=new bs=1k count=1 conv=fsync status=none"
	for _, state := range []struct {
		name  string
		enter func(d *killedDisk)
		users []string // are waiting for the disk when it is killed
	}{
		{"idle", (*killedDisk).fill, nil},
		{"slow", func(d *killedDisk) { d.say("limit 10 0") },
			[]string{"while " + read + "; do :; done", "while " + write + "; do :; done"}},
		{"hang", func(d *killedDisk) { d.Hang() }, []string{read, write, "ls lost+found"}},
		{"freeze", func(d *killedDisk) { d.Freeze() }, []string{"echo >>file", "mkdir made"}},
		{"unmounting", (*killedDisk).unmount, nil},
	} {
		for _, victim := range []string{"mounter", "server", "namespace"} {
			t.Run(state.name+" "+victim, func(t *testing.T) {
				d := newKilledDisk(t)
				state.enter(d)
				all := []int{d.pids["mounter"], d.pids["server"]}
				for _, command := range state.users {
					user := d.use(command)
					if !within(patience, func() bool { return slices.ContainsFunc(descendants(user), waits) }) {
						t.Fatalf("%q does not wait for the disk", command)
					}
					all = append(append(all, user), descendants(user)...)
				}
				if err := syscall.Kill(d.pids[victim], syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				for _, pid := range all {
					if !within(patience, func() bool { return states(pid) == "" }) {
						t.Errorf("process %d of %v, mounter and server first, is in states %q", pid, all, states(pid))
					}
				}
				if victim == "mounter" && state.name != "unmounting" {
					if err := d.inside("umount", d.dir).Run(); err != nil {
						t.Errorf("umount: %v", err)
					}
				}
				if !within(patience, d.gone) {
					t.Errorf("%s is still in use", d.device)
				}
			})
		}
	}
}

// killedDisk is a disk in namespaces of its own, the first process of which is a shell that does nothing.
type killedDisk struct {
	*hungDisk
	dir, device, sequence string
	pids                  map[string]int // the first process ("namespace"), which mounts, and which serves
}

func newKilledDisk(t *testing.T) *killedDisk {
	t.Helper()
	dir := t.TempDir() + "/disk"
	c := exec.Command("sh", "-c", binDir+"/slowdisk -dir "+dir+"; sleep 1000")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
	d := &killedDisk{hungDisk: startHungDisk(t, dir, c), dir: dir}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	d.expect("ready")
	mounter := descendants(c.Process.Pid)[0]
	d.pids = map[string]int{"namespace": c.Process.Pid, "mounter": mounter, "server": descendants(mounter)[0]}
	found := regexp.MustCompile(dir + ` .* /dev/(loop\d+) `).FindStringSubmatch(d.mounts())
	if found == nil {
		t.Fatalf("no loop device in %s", d.mounts())
	}
	d.device = "/sys/block/" + found[1]
	d.sequence = d.diskseq()
	if err := d.inside("dd", "if=/dev/zero", "of="+dir+"/file", "bs=4k", "count=4", "conv=fsync").Run(); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *killedDisk) inside(command ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"-t", fmt.Sprint(d.pids["namespace"]), "-m", "-p", "--"}, command...)...)
}

// use starts a shell in the disk.
func (d *killedDisk) use(command string) (pid int) {
	c := d.inside("sh", "-c", "cd "+d.dir+" && exec 2>/dev/null && "+command)
	if err := c.Start(); err != nil {
		d.t.Fatal(err)
	}
	go func() { _ = c.Wait() }()
	return c.Process.Pid
}

// fill leaves much to write.
func (d *killedDisk) fill() {
	if err := d.inside("dd", "if=/dev/zero", "of="+d.dir+"/big", "bs=1M", "count=40", "status=none").Run(); err != nil {
		d.t.Fatal(err)
	}
}

// unmount returns while slowdisk unmounts: it has much to write and the server is stopped.
func (d *killedDisk) unmount() {
	d.fill()
	_ = d.commands.Close()
	end := time.Now().Add(patience)
	for strings.Contains(d.mounts(), d.dir) && time.Now().Before(end) {
	}
	_ = syscall.Kill(d.pids["server"], syscall.SIGSTOP)
	time.Sleep(100 * time.Millisecond)
	if !waits(d.pids["mounter"]) {
		d.t.Fatal("it has unmounted already")
	}
}

func (d *killedDisk) mounts() string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", d.pids["namespace"]))
	return string(b)
}

// gone reports whether the loop device has nothing of this disk.
func (d *killedDisk) gone() bool {
	return !exists(d.device+"/loop/backing_file") || d.diskseq() != d.sequence
}

// diskseq is another one for whoever takes the loop device next.
func (d *killedDisk) diskseq() string {
	b, _ := os.ReadFile(d.device + "/diskseq")
	return string(b)
}

// states are those of a process's threads that have not ended.
func states(pid int) (all string) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, f := range files {
		b, _ := os.ReadFile(f)
		_, after, _ := strings.Cut(string(b), ") ")
		if after != "" && !strings.Contains("ZX", after[:1]) {
			all += after[:1]
		}
	}
	return all
}

// waits reports whether a thread of the process waits where no signal reaches it.
func waits(pid int) bool { return strings.Contains(states(pid), "D") }

// descendants are the processes below one, the eldest child first.
func descendants(pid int) (all []int) {
	out, _ := exec.Command("pgrep", "-P", fmt.Sprint(pid)).Output()
	for _, line := range strings.Fields(string(out)) {
		child, _ := strconv.Atoi(line)
		all = append(append(all, child), descendants(child)...)
	}
	return all
}
