package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// What is used of the FUSE protocol, version 7.31 (include/uapi/linux/fuse.h).
const (
	opGetattr = 3
	opOpen    = 14
	opRead    = 15
	opWrite   = 16
	opRelease = 18
	opFsync   = 20
	opFlush   = 25
	opInit    = 26
	opForget  = 2
	opIntr    = 36
	opDestroy = 38
	opBatch   = 42

	headerIn, headerOut = 40, 16
	maxWrite            = 256 << 10

	asyncRead, bigWrites, asyncDIO, maxPages = 1 << 0, 1 << 5, 1 << 15, 1 << 22
	directIO                                 = 1 << 0 // of an open file: the kernel caches nothing
)

var le = binary.LittleEndian

// image is a FUSE file system that is one file: its root. Each operation on the file's content waits for the pace.
type image struct {
	dev, file int // /dev/fuse, and what holds the content
	size      int64
	pace      *pace
}

// newFUSE makes a file system that is answered for through dev, an open /dev/fuse. It is mounted nowhere: root is its
// only mount.
func newFUSE(dev int) (root int, err error) {
	fs, err := unix.Fsopen("fuse", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("fsopen fuse: %w", err)
	}
	defer unix.Close(fs)
	for _, o := range [][2]string{{"fd", fmt.Sprint(dev)}, {"rootmode", "100600"}, {"user_id", "0"}, {"group_id", "0"}} {
		if err := unix.FsconfigSetString(fs, o[0], o[1]); err != nil {
			return -1, fmt.Errorf("fuse option %s: %w", o[0], err)
		}
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, fmt.Errorf("fuse: %w", err)
	}
	if root, err = unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0); err != nil {
		return -1, fmt.Errorf("fsmount: %w", err)
	}
	return root, nil
}

// serve answers until the kernel no longer asks.
func (i *image) serve() {
	buffers := sync.Pool{New: func() any { b := make([]byte, maxWrite+8192); return &b }}
	for {
		b := buffers.Get().(*[]byte)
		n, err := unix.Read(i.dev, *b)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EPERM) {
			continue // not mounted yet, or the request is gone
		}
		if err != nil {
			return
		}
		go func() {
			i.answer((*b)[:n])
			buffers.Put(b)
		}()
	}
}

func (i *image) answer(request []byte) {
	op, id, body := le.Uint32(request[4:]), le.Uint64(request[8:]), request[headerIn:]
	switch op {
	case opForget, opBatch, opIntr: // have no answer
		return
	}
	var out []byte
	errno := unix.Errno(0)
	switch op {
	case opInit:
		out = make([]byte, 64)
		le.PutUint32(out[0:], 7)
		le.PutUint32(out[4:], 31)
		le.PutUint32(out[8:], maxWrite) // read-ahead
		le.PutUint32(out[12:], asyncRead|bigWrites|asyncDIO|maxPages)
		le.PutUint16(out[16:], 256) // in the background
		le.PutUint16(out[18:], 256)
		le.PutUint32(out[20:], maxWrite)
		le.PutUint16(out[28:], maxWrite/4096)
	case opGetattr:
		out = make([]byte, 104)
		attr := out[16:]
		le.PutUint64(attr[0:], 1)
		le.PutUint64(attr[8:], uint64(i.size))
		le.PutUint64(attr[16:], uint64(i.size/512))
		le.PutUint32(attr[60:], unix.S_IFREG|0o600)
		le.PutUint32(attr[64:], 1)
		le.PutUint32(attr[80:], 4096)
	case opOpen:
		out = make([]byte, 16)
		le.PutUint32(out[8:], directIO)
	case opRead:
		offset, size := int64(le.Uint64(body[8:])), le.Uint32(body[16:])
		i.pace.wait(int(size), false)
		out = make([]byte, size)
		n, err := unix.Pread(i.file, out, offset)
		errno, out = errnoOf(err), out[:max(n, 0)]
	case opWrite:
		offset, size := int64(le.Uint64(body[8:])), le.Uint32(body[16:])
		i.pace.wait(int(size), true)
		n, err := unix.Pwrite(i.file, body[40:40+size], offset)
		out = make([]byte, 8)
		le.PutUint32(out, uint32(max(n, 0)))
		errno = errnoOf(err)
	case opFsync:
		i.pace.wait(0, false)
	case opFlush, opRelease, opDestroy:
	default:
		errno = unix.ENOSYS
	}
	if errno != 0 {
		out = nil
	}
	reply := make([]byte, headerOut, headerOut+len(out))
	le.PutUint32(reply[0:], uint32(headerOut+len(out)))
	le.PutUint32(reply[4:], uint32(-int32(errno)))
	le.PutUint64(reply[8:], id)
	_, _ = unix.Write(i.dev, append(reply, out...)) // fails where the request was interrupted
}

func errnoOf(err error) unix.Errno {
	var e unix.Errno
	if err != nil && !errors.As(err, &e) {
		return unix.EIO
	}
	return e
}
