// Slowdisk mounts an ext4 that is as slow as its caller wants, or hangs. Needs root, /dev/fuse and loop devices (Linux
// 5.8).
//
//	slowdisk -dir /var/lib -size 64
//
// It prints "ready" when the file system is mounted in the mount namespace that it was started in. Then it takes
// commands on stdin, one a line, and answers each with "ok" or "error: …":
//
//	limit IOPS BYTES  so many operations and bytes a second, for all readers and writers together; 0 for no limit
//	hang              what is cached is dropped, and from then on the disk answers nothing: reads and fsyncs wait
//	freeze            the file system is being frozen: reads work, whatever would write waits
//	release           both are over, and who waited goes on
//
// At the end of stdin or on SIGTERM it releases, unmounts and ends. It is a process of its own because a caller that
// waits for the disk itself, and is killed then, could neither die nor release. A second process, its child, is the
// disk. Where either is killed, whatever they are doing, or both with all who use the disk, the kernel fails all of the
// disk's operations: nobody waits any more, and a freeze is undone. The loop device goes with the mount: slowdisk
// unmounts when its child is killed; when slowdisk is killed, the mount stays until somebody unmounts it or its mount
// namespace ends.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

func main() {
	dir := flag.String("dir", "", "where the file system is mounted")
	size := flag.Int64("size", 64, "its size in MiB, held in memory as far as it is written to")
	serves := flag.Int64("serve", 0, "for slowdisk itself: be the disk, of so many bytes")
	flag.Parse()
	var err error
	if *serves > 0 {
		err = serve(*serves)
	} else {
		err = run(*dir, *size<<20)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "slowdisk:", err)
		os.Exit(1)
	}
}

// run starts the server and leaves whatever may wait for it to other threads: this one has to die at once, as the
// server dies with it.
func run(dir string, size int64) error {
	runtime.LockOSThread()
	s, err := startServer(size)
	if err != nil {
		return err
	}
	over := make(chan error)
	go func() {
		d, err := open(dir, s)
		if err == nil {
			fmt.Println("ready")
			err = errors.Join(d.follow(), d.close())
		}
		s.close()
		over <- err
	}()
	return <-over
}

// follow takes commands until there are no more, SIGTERM, or the server's end.
func (d *diskFS) follow() error {
	lines, ends := make(chan string), make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		for s := bufio.NewScanner(os.Stdin); s.Scan(); {
			lines <- s.Text()
		}
		close(lines)
	}()
	for {
		select {
		case <-ends:
			return nil
		case <-d.server.ended:
			return errors.New("the server was killed")
		case line, more := <-lines:
			if !more {
				return nil
			}
			if err := d.do(line); err != nil {
				fmt.Println("error:", err)
			} else {
				fmt.Println("ok")
			}
		}
	}
}

// do follows one command.
func (d *diskFS) do(line string) error {
	var iops, bytes float64
	switch {
	case line == "hang":
		return d.hang()
	case line == "freeze":
		return d.freeze()
	case line == "release":
		return d.release()
	}
	if n, _ := fmt.Sscanf(line, "limit %g %g", &iops, &bytes); n != 2 {
		return fmt.Errorf("unknown command %q", line)
	}
	return d.server.say(line)
}
