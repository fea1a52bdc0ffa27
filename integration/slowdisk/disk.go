package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// diskFS is an ext4 on a loop device on a FUSE file whose content is in memory.
type diskFS struct {
	dir    string
	pace   *pace
	device string
	loop   int // the device, open
}

func open(dir string, size int64) (*diskFS, error) {
	content, err := unix.MemfdCreate("slowdisk", unix.MFD_CLOEXEC)
	if err == nil {
		err = unix.Ftruncate(content, size)
	}
	if err != nil {
		return nil, fmt.Errorf("memory for the content: %w", err)
	}
	path := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), content)
	mkfs := exec.Command("/sbin/mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", path)
	if text, err := mkfs.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %w: %s", mkfs.Args, err, text)
	}
	d := &diskFS{dir: dir, pace: &pace{}}
	image, err := mountImage(content, size, d.pace)
	if err != nil {
		return nil, err
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
	err := d.drop()
	d.pace.hang()
	return err
}

// drop writes what is dirty and forgets what was read: content of files, names (which a remount forgets), and blocks of the device.
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

func (d *diskFS) freeze() error {
	return d.onDir(func(fd int) error { return unix.IoctlSetInt(fd, fiFreeze, 0) })
}

func (d *diskFS) release() error {
	d.pace.release()
	err := d.onDir(func(fd int) error { return unix.IoctlSetInt(fd, fiThaw, 0) })
	if errors.Is(err, unix.EINVAL) { // not frozen
		return nil
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

func (d *diskFS) close() {
	d.pace.limit(0, 0)
	if err := d.release(); err != nil {
		fmt.Fprintln(os.Stderr, "slowdisk:", err)
	}
	if err := unix.Unmount(d.dir, unix.MNT_DETACH); err != nil {
		fmt.Fprintln(os.Stderr, "slowdisk:", err)
	}
	unix.Close(d.loop)
}
