package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// disks are what cloud providers sell, operations and bytes a second, and first one without limit and without the writer: what the others
// add to is the disk's.
var disks = []struct {
	name        string
	iops, bytes int
}{
	{"idle, no limit", 0, 0},
	{"3000 IOPS, 125 MB/s", 3000, 125e6},
	{"150 IOPS, 40 MB/s", 150, 40e6},
}

// onDisks measures ADD and DEL with /var/lib on a disk that somebody else keeps busy: 1 and 16 calls at once, the ways taken in turn.
// Everything else that calls write to is in memory, as on a node. The budget is 1.3 times the wrapper's p99.
func onDisks(w io.Writer, calls int) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\n/var/lib on a busy disk\tverb\tat once\tway\tcalls\tp50 ms\tp90\tp99\tslowest\tp50 to the wrapper's\tp99\t")
	c := chainOf("noop1")
	c.install()
	for _, disk := range disks {
		stop, err := slowDisk("/var/lib", disk.iops, disk.bytes)
		if err != nil {
			fmt.Fprintf(w, "\n/var/lib on a busy disk is not measured: %v\n", err)
			return
		}
		for _, at := range []int{1, 16} {
			m := inTurn(c, at, calls)
			for _, p := range m.sorted() {
				took, base := m.all(p), m.all(point{p.chain, p.verb, wrapper, p.at})
				fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", disk.name, p.verb, at, p.leg, len(took),
					ms(quantile(took, 0.5)), ms(quantile(took, 0.9)), ms(quantile(took, 0.99)), ms(slices.Max(took)), ratio(took, base, 0.5), ratio(took, base, 0.99))
			}
			fmt.Fprintf(os.Stderr, "%s, %d at once: done\n", disk.name, at)
		}
		stop()
	}
	t.Flush()
}

// inTurn makes so many calls of each way and verb, so many at once, the next way after each such batch.
func inTurn(c chain, at, calls int) *measured {
	m := &measured{samples: map[point][]sample{}}
	ways := []string{direct, wrapper, shim}
	for round := range (calls + at - 1) / at {
		for _, leg := range rotate(ways, round) {
			list := c.list(leg)
			for _, verb := range []string{"ADD", "DEL"} {
				m.add(point{c.name, verb, leg, at}, together(at, 1, func(w, _ int) error { return call(verb, list, attachment(w, round)) }))
			}
		}
	}
	return m
}

func ratio(took, base []time.Duration, q float64) string {
	return fmt.Sprintf("%.2f", float64(quantile(took, q))/float64(quantile(base, q)))
}

// slowDisk mounts a disk of that speed over dir and keeps it busy until stop; 0 for no limit and no writer. See integration/slowdisk.
func slowDisk(dir string, iops, bytes int) (stop func(), err error) {
	const size = 2048 // MiB, of which the writer uses less than half
	x := exec.Command(filepath.Join(binDir, "slowdisk"), "-dir", dir, "-size", fmt.Sprint(size))
	x.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	x.Stderr = os.Stderr
	commands, err := x.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := x.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := x.Start(); err != nil {
		return nil, err
	}
	answers := bufio.NewScanner(out)
	for _, say := range []struct{ command, answer string }{{"", "ready"}, {fmt.Sprintf("limit %d %d\n", iops, bytes), "ok"}} {
		_, err := io.WriteString(commands, say.command)
		if err != nil || !answers.Scan() || answers.Text() != say.answer {
			_ = commands.Close()
			return nil, fmt.Errorf("slowdisk, which needs /dev/fuse, loop devices and Linux 5.8: %q (%v)", answers.Text(), x.Wait())
		}
	}
	quiet := func() {}
	if bytes > 0 {
		quiet = busy(dir, 4*bytes)
	}
	return func() {
		quiet()
		check(commands.Close())
		check(x.Wait())
	}, nil
}

// busy writes new files, buffered and without a pause, and stays about so many bytes ahead of the disk, as a log or an image that is
// unpacked does; it returns when it is. Files that are on the disk are removed.
func busy(dir string, ahead int) (stop func()) {
	const each = 32 << 20
	check(os.MkdirAll(dir+"/busy", 0o755))
	written, over, gone := make(chan *os.File, ahead/each), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		zero := make([]byte, 1<<20)
		for n := 0; ; n++ {
			f, err := os.Create(fmt.Sprintf("%s/busy/%d", dir, n))
			check(err)
			for range each / len(zero) {
				_, err := f.Write(zero)
				check(err)
			}
			select {
			case written <- f:
			case <-over:
				f.Close()
				return
			}
		}
	}()
	go func() {
		defer close(gone)
		for f := range written {
			check(unix.SyncFileRange(int(f.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE|unix.SYNC_FILE_RANGE_WAIT_AFTER))
			check(os.Remove(f.Name()))
			f.Close()
		}
	}()
	for len(written) < cap(written) {
		time.Sleep(10 * time.Millisecond)
	}
	return func() { close(over); <-gone }
}
