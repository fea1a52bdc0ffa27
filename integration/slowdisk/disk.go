package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// diskFS is an ext4 on a loop device on a FUSE file whose content is in memory. Whoever calls its methods may wait for
// the server.
type diskFS struct {
	dir    string
	server *server
	device string
	loop   int        // the device, open
	frozen chan error // not nil while frozen; says how that ended
}

// open mounts the server's image.
func open(dir string, s *server) (*diskFS, error) {
	d := &diskFS{dir: dir, server: s}
	image, err := s.image()
	if err != nil {
		return nil, fmt.Errorf("image: %w", err)
	}
	defer unix.Close(image)
	if err := d.attach(image); err != nil {
		return nil, fmt.Errorf("loop device: %w", err)
	}
	if err := unix.Mount(d.device, dir, "ext4", 0, ""); err != nil {
		return nil, fmt.Errorf("mount of %s on %s: %w", d.device, dir, err)
	}
	return d, nil
}

// attach makes a loop device of the image. It goes away by itself with its last user.
func (d *diskFS) attach(image int) error {
	control, err := unix.Open("/dev/loop-control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(control)
	for {
		n, err := unix.IoctlRetInt(control, unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return err
		}
		d.device = fmt.Sprintf("/dev/loop%d", n)
		if d.loop, err = unix.Open(d.device, unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
			return err
		}
		err = unix.IoctlLoopConfigure(d.loop, &unix.LoopConfig{Fd: uint32(image), Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_DIRECT_IO | unix.LO_FLAGS_AUTOCLEAR}})
		if !errors.Is(err, unix.EBUSY) { // taken by somebody meanwhile
			return err
		}
		unix.Close(d.loop)
	}
}

// hang drops what is cached of the file system, so that readers need the disk, and stops answering.
func (d *diskFS) hang() error {
	return errors.Join(d.drop(), d.server.say("hang"))
}

// drop writes what is dirty and forgets what was read: content of files, names (which a remount forgets), and blocks of
// the device.
func (d *diskFS) drop() error {
	err := d.onDir(unix.Syncfs)
	err = errors.Join(err, filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil // removed meanwhile
		}
		f, err := os.Open(path)
		if err != nil {
			return nil
		}
		defer f.Close()
		return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	}))
	err = errors.Join(err, unix.Mount("", d.dir, "", unix.MS_REMOUNT, ""))
	return errors.Join(err, unix.IoctlSetInt(d.loop, unix.BLKFLSBUF, 0))
}

// The file system's freezer (linux/fs.h).
const fiFreeze, fiThaw = 0xC0045877, 0xC0045878

// freeze begins a freeze that cannot complete before release: its last step writes the superblock, and the server holds
// writes. Who wants to write waits already. A complete freeze would outlive this process and hold writers for ever;
// this one is undone by the kernel when the server is killed and the write fails. The thaw begins here too and waits
// for the freeze, in the kernel, so that killing this process during release cannot separate them.
func (d *diskFS) freeze() error {
	if d.frozen != nil {
		return unix.EBUSY
	}
	if err := errors.Join(d.onDir(unix.Syncfs), d.server.say("freeze")); err != nil {
		return err
	}
	freezes, thaws := make(chan error, 1), make(chan error, 1)
	var tries atomic.Int64
	go func() { freezes <- d.onDir(func(fd int) error { return unix.IoctlSetInt(fd, fiFreeze, 0) }) }()
	go func() {
		for {
			tries.Add(1)
			err := d.onDir(func(fd int) error { return unix.IoctlSetInt(fd, fiThaw, 0) })
			if !errors.Is(err, unix.EINVAL) { // the freeze was complete
				thaws <- err
				return
			}
			select {
			case err := <-freezes:
				freezes <- err
				if err != nil {
					thaws <- fmt.Errorf("freeze: %w", err)
					return
				}
			case <-time.After(time.Millisecond):
			}
		}
	}()
	d.frozen = thaws
	for before := int64(-1); tries.Load() != before; time.Sleep(50 * time.Millisecond) { // until the thaw waits
		before = tries.Load()
	}
	if len(thaws) > 0 {
		return d.release()
	}
	return nil
}

// release ends hang and freeze.
func (d *diskFS) release() error {
	err := d.server.say("release")
	if d.frozen != nil {
		err = errors.Join(err, <-d.frozen)
		d.frozen = nil
	}
	return err
}

func (d *diskFS) onDir(do func(fd int) error) error {
	f, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return do(int(f.Fd()))
}

func (d *diskFS) close() error {
	err := errors.Join(d.server.say("limit 0 0"), d.release(), unix.Unmount(d.dir, unix.MNT_DETACH))
	unix.Close(d.loop)
	return err
}
