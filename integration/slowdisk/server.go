package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// server is the process that answers for the image. It alone holds /dev/fuse, and it holds no mount, so it never waits
// for the disk and SIGKILL ends it at once; the kernel then fails what waits for the disk. It ends with the thread
// that starts it, if not before.
type server struct {
	root     int // of the FUSE
	commands io.WriteCloser
	answers  *bufio.Scanner
	ended    chan struct{} // closed when the process is gone
}

// startServer makes an ext4 of so many bytes in memory and starts its server. The calling thread must be one that never
// waits for the disk and lives as long as the process.
func startServer(size int64) (*server, error) {
	content, err := unix.MemfdCreate("slowdisk", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memory for the content: %w", err)
	}
	memory := os.NewFile(uintptr(content), "slowdisk")
	defer memory.Close()
	if err := memory.Truncate(size); err != nil {
		return nil, err
	}
	mkfs := exec.Command("/sbin/mkfs.ext4", "-q", "-F",
		"-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", "/proc/self/fd/3")
	mkfs.ExtraFiles = []*os.File{memory}
	if text, err := mkfs.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %w: %s", mkfs.Args, err, text)
	}
	fuse, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/fuse: %w", err)
	}
	dev := os.NewFile(uintptr(fuse), "/dev/fuse")
	defer dev.Close()
	root, err := newFUSE(fuse)
	if err != nil {
		return nil, err
	}
	c := exec.Command("/proc/self/exe", "-serve", fmt.Sprint(size))
	c.ExtraFiles, c.Stderr = []*os.File{dev, memory}, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Unshareflags: syscall.CLONE_NEWNS}
	commands, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	s := &server{root, commands, bufio.NewScanner(answers), make(chan struct{})}
	go func() {
		_, _ = c.Process.Wait()
		close(s.ended)
	}()
	return s, nil
}

// image returns the image, open, once.
func (s *server) image() (int, error) {
	defer unix.Close(s.root)
	return unix.Open(fmt.Sprintf("/proc/self/fd/%d", s.root), unix.O_RDWR|unix.O_CLOEXEC, 0)
}

// say hands a command to the server's pace.
func (s *server) say(command string) error {
	if _, err := fmt.Fprintln(s.commands, command); err != nil {
		return err
	}
	if !s.answers.Scan() {
		return errors.New("the server is gone")
	}
	return nil
}

// close ends the server.
func (s *server) close() {
	s.commands.Close()
	<-s.ended
}

// serve is the server's process. It gets /dev/fuse and the content as descriptors 3 and 4 and ends at the end of stdin.
func serve(size int64) error {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT) // of the process group: whoever unmounts needs the disk
	// The last process of a mount namespace unmounts. This process must be none that has to unmount its own disk.
	if err := unix.Unmount("/", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the mounts: %w", err)
	}
	p := &pace{}
	go (&image{3, 4, size, p}).serve()
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); fmt.Println() {
		var iops, bytes float64
		switch lines.Text() {
		case "hang":
			p.stop(false)
		case "freeze":
			p.stop(true)
		case "release":
			p.release()
		default:
			_, _ = fmt.Sscanf(lines.Text(), "limit %g %g", &iops, &bytes)
			p.limit(iops, bytes)
		}
	}
	return nil
}
