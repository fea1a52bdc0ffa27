// Package inflight marks calls that run now: one small file a process, locked by it, gone when the call ends. A mark that nobody
// locks is a call that somebody killed; a mark of an ancestor with the same call is a chain that runs in a circle.
package inflight

import (
	"bytes"
	"cmp"
	"encoding/json"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cni-shim/cni-shim/pkg/disk"
)

// maxMark bounds a mark, in bytes.
const maxMark = 16 << 10

// Call is what a mark says.
type Call struct {
	PID   int    `json:"pid"`
	Start string `json:"start"` // of the process, in clock ticks since boot: a number may be used again; "" where /proc does not say
	// Parent is the process that made the call, in the same PID namespace.
	Parent int `json:"-"`
	// Namespace is the PID namespace that PID counts in.
	Namespace   string `json:"pidNamespace,omitempty"`
	Verb        string `json:"verb"`
	Network     string `json:"network"`
	ContainerID string `json:"containerId"`
	IfName      string `json:"ifName"`
	Pod         string `json:"pod,omitempty"` // its namespace and name, "default/web"; empty where the caller named none
	Plugin      string `json:"plugin"`        // that runs now, "portmap (2/3)"; empty before the first
	// Waits is what the shim's own work waits for, a path; empty where it waits for nothing.
	Waits string    `json:"waits,omitempty"`
	Began time.Time `json:"began"`
	Since time.Time `json:"since"` // when that plugin was started
	// Seen is when the mark last showed life: at most a second before its process ended.
	Seen time.Time `json:"seen"`

	file   string // that it was read from
	locked bool   // its process locks the mark: one of an older version does not
}

// Mark is the mark of this process. A nil Mark does nothing.
type Mark struct {
	// First: there were no marks since the node started.
	First bool
	// Like is how many marks of the same container and interface were found; of STATUS and GC, which have none, of all of these.
	Like int

	dir  string
	call Call
	file *disk.LockedFile
}

// Begin marks a call in dir and returns the marks it found beside its own: of calls of the same container and interface that run now,
// and of all that were killed. The latter stay until somebody who tells them claims them: this call may be killed before it can.
// Marks of others that run are not opened, nor, where no container tells calls apart, those of processes that this one does not descend
// from: of 64 calls at once each would read 63.
func Begin(dir string, c Call) (m *Mark, running, dead []Call, err error) {
	if err := disk.EnsureDir(filepath.Dir(dir), 0o755); err != nil {
		return nil, nil, nil, err
	}
	first, err := disk.MakeDir(dir, 0o700)
	if err != nil {
		return nil, nil, nil, err
	}
	c.PID, c.Parent, c.Namespace, c.Began = os.Getpid(), os.Getppid(), namespace(), time.Now().UTC()
	c.Start = started()
	c.Since = c.Began
	m = &Mark{First: first, dir: dir, call: c}
	suffix, ancestors := c.suffix(), sync.OnceValue(Ancestors)
	for _, beside := range marks(dir) {
		like := strings.HasSuffix(beside.file, suffix)
		if like {
			m.Like++
		}
		if (!like || c.ContainerID == "" && !slices.Contains(ancestors(), beside.PID)) && beside.fresh(dir) {
			continue
		}
		if beside.load(dir); beside.alive(dir) {
			running = append(running, beside)
		} else {
			dead = append(dead, beside)
		}
	}
	if m.file, err = disk.OpenLocked(filepath.Join(dir, c.name()), 0o600); err == nil {
		err = m.file.Write(c.encode())
	}
	return m, running, dead, err
}

// Call is what the mark says; the zero value of a nil Mark.
func (m *Mark) Call() Call {
	if m == nil {
		return Call{}
	}
	return m.call
}

// Claim removes the mark of a call that was killed. It is true for one process only, which is to tell it.
func Claim(dir string, c Call) bool { return disk.Remove(filepath.Join(dir, c.name())) == nil }

// name of the mark's file: a process id may be used again, and by others in other PID namespaces.
func (c Call) name() string {
	return cmp.Or(c.file, strconv.Itoa(c.PID)+"-"+c.Start+c.suffix())
}

// suffix is the same for calls of the same container and interface.
func (c Call) suffix() string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(c.ContainerID + "@" + c.IfName))
	return "-" + strconv.FormatUint(uint64(h.Sum32()), 16)
}

// Running reads the marks in dir but this process's own: of calls that run now, and of those whose process is gone.
func Running(dir string) (running, dead []Call) {
	for _, c := range marks(dir) {
		if c.load(dir); c.alive(dir) {
			running = append(running, c)
		} else {
			dead = append(dead, c)
		}
	}
	return running, dead
}

// Beside reads the marks of other calls of own's container and interface that run now.
func Beside(dir string, own Call) (running []Call) {
	suffix := own.suffix()
	for _, c := range marks(dir) {
		if !strings.HasSuffix(c.file, suffix) {
			continue
		}
		if c.load(dir); c.alive(dir) && c.ContainerID == own.ContainerID && c.IfName == own.IfName {
			running = append(running, c)
		}
	}
	return running
}

// Lasting reads the marks of calls whose processes have run for some time, at most so many. The others are not opened.
func Lasting(dir string, age time.Duration, most int) (running []Call) {
	for _, c := range marks(dir) {
		if len(running) == most {
			break
		}
		if c.age() < age {
			continue
		}
		if c.load(dir); c.alive(dir) {
			running = append(running, c)
		}
	}
	return running
}

// marks are the names of the marks in dir but this process's own: calls of which no more is known than that.
func marks(dir string) (out []Call) {
	names, _ := disk.Names(dir, maxMarks)
	own := strconv.Itoa(os.Getpid()) + "-" + started() + "-"
	for _, name := range names {
		parts := strings.SplitN(name, "-", 3)
		pid, err := strconv.Atoi(parts[0])
		if err != nil || len(parts) < 2 {
			continue
		}
		if !strings.HasPrefix(name, own) {
			out = append(out, Call{PID: pid, Start: parts[1], file: name})
		}
	}
	return out
}

// maxMarks bounds what a directory of marks can cost.
const maxMarks = 1 << 16

// load takes what the mark says. One that is damaged still has its name; one that is just being written is looked at again.
func (c *Call) load(dir string) {
	c.see(dir)
	for range 3 {
		b, err := disk.Read(filepath.Join(dir, c.file), maxMark)
		if err != nil || c.decode(b) == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// see takes when the mark last showed life.
func (c *Call) see(dir string) {
	if fi, err := os.Lstat(filepath.Join(dir, c.file)); err == nil {
		c.Seen = fi.ModTime().UTC()
	}
}

// fresh is alive, at the price of two system calls where the mark showed life just now: then its process's number has no other process
// yet, and one that was killed will be found by the next call.
func (c *Call) fresh(dir string) bool {
	if syscall.Kill(c.PID, 0) == syscall.ESRCH {
		return false
	}
	c.see(dir)
	return time.Since(c.Seen) < young || c.alive(dir)
}

// age is how long ago the process was started; 0 where it cannot be told.
func (c *Call) age() time.Duration {
	const tick = time.Second / 100 // of proc(5), on every architecture that Go knows
	var now unix.Timespec
	ticks, err := strconv.ParseInt(c.Start, 10, 64)
	if err != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return 0
	}
	return time.Duration(now.Nano()) - time.Duration(ticks)*tick
}

// encode and decode go by a map: a mark is written at every call, and json learns a struct's type at the price of writing two files.
func (c *Call) encode() []byte {
	b, _ := json.Marshal(map[string]string{ // strings
		"pidNamespace": c.Namespace, "verb": c.Verb, "network": c.Network, "containerId": c.ContainerID, "ifName": c.IfName, "pod": c.Pod, "plugin": c.Plugin,
		"began": c.Began.Format(time.RFC3339Nano), "since": c.Since.Format(time.RFC3339Nano), "parent": strconv.Itoa(c.Parent), "waits": c.Waits, "locked": "yes",
	})
	return b
}

func (c *Call) decode(b []byte) error {
	var said map[string]string
	// Decoder, for a longer mark may have been there and its writer killed.
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&said); err != nil {
		return err
	}
	c.Namespace, c.Verb, c.Network, c.Plugin = said["pidNamespace"], said["verb"], said["network"], said["plugin"]
	c.ContainerID, c.IfName, c.Pod = said["containerId"], said["ifName"], said["pod"]
	c.Parent, _ = strconv.Atoi(said["parent"])
	c.Waits, c.locked = said["waits"], said["locked"] != ""
	c.Began, _ = time.Parse(time.RFC3339Nano, said["began"])
	c.Since, _ = time.Parse(time.RFC3339Nano, said["since"])
	return nil
}

// alive reports whether the call's process lives: it locks its mark before it writes it, and until its end, whoever looks and from
// wherever. A mark that does not say so is of an older version, or just being made: its process decides, where it can be seen.
func (c Call) alive(dir string) bool {
	if disk.Locked(filepath.Join(dir, c.name())) {
		return true
	}
	if c.locked || (c.Verb == "" || c.Foreign()) && time.Since(c.Seen) >= young || !c.Foreign() && syscall.Kill(c.PID, 0) == syscall.ESRCH {
		return false
	}
	if c.Foreign() {
		return true
	}
	parent, start := stat(c.PID)
	return start == "" || parent >= 0 && (c.Start == "" || c.Start == start) // "": /proc does not show it
}

// young is how old a mark may be that its process is about to lock.
const young = 2 * time.Second

// Foreign reports a call in another PID namespace, whose process cannot be seen from here.
func (c Call) Foreign() bool { return c.Namespace != "" && c.Namespace != namespace() }

// started is when this process was started, as stat has it.
var started = sync.OnceValue(func() string {
	_, start := stat(os.Getpid())
	return start
})

// namespace names this process's PID namespace, "pid:[4026531836]"; "" where /proc does not tell.
var namespace = sync.OnceValue(func() string {
	name, _ := os.Readlink("/proc/self/ns/pid")
	return name
})

// Starting notes which plugin runs from now on.
func (m *Mark) Starting(plugin string) {
	if m != nil {
		m.call.Plugin, m.call.Since = plugin, time.Now().UTC()
		m.write()
	}
}

// Waiting notes what the shim's own work waits for from now on, a path; "" for nothing.
func (m *Mark) Waiting(path string) {
	if m != nil {
		m.call.Waits, m.call.Since = path, time.Now().UTC()
		m.write()
	}
}

func (m *Mark) write() {
	if m.file != nil {
		_ = m.file.Overwrite(m.call.encode())
	}
}

// Beat shows that the call is alive.
func (m *Mark) Beat() {
	if m != nil {
		now := time.Now()
		_ = os.Chtimes(filepath.Join(m.dir, m.call.name()), now, now)
	}
}

// End removes the mark.
func (m *Mark) End() {
	if m != nil {
		_ = disk.Remove(filepath.Join(m.dir, m.call.name()))
		if m.file != nil {
			_ = m.file.Close()
		}
	}
}

// Same reports whether two marks are of the same call: verb, network, container and interface.
func (c Call) Same(o Call) bool {
	return c.Verb == o.Verb && c.Network == o.Network && c.ContainerID == o.ContainerID && c.IfName == o.IfName
}

// Siblings reports whether two calls were made by the same process.
func (c Call) Siblings(o Call) bool { return c.Namespace == o.Namespace && c.Parent == o.Parent }
