package failure

import (
	"syscall"

	"github.com/cni-shim/cni-shim/pkg/reason"
)

// Errno names the reason of a system call that failed on a file or directory, and the fix where the error itself shows one ("" else):
// what the host is short of, what it denies, what its disk cannot read. ConfigMissing: the path leads nowhere. Nil where the error says
// nothing of the kind, and for 0.
func Errno(errno syscall.Errno) (r *reason.Reason, fix string) {
	if fix := short(errno); fix != "" {
		return reason.HostResourceExhausted, fix
	}
	switch errno {
	case syscall.EACCES, syscall.EPERM, syscall.EROFS:
		return reason.PermissionDenied, ""
	case syscall.ENOENT, syscall.ENOTDIR, syscall.ENAMETOOLONG:
		return reason.ConfigMissing, ""
	case syscall.ELOOP:
		return reason.ConfigMissing, "replace the symbolic links that lead to each other by the file or directory that is meant"
	case syscall.EIO, syscall.ESTALE, syscall.ENXIO, syscall.ENODEV, syscall.EUCLEAN, syscall.EBADMSG, syscall.ENOTCONN, syscall.ETIMEDOUT,
		syscall.EREMOTEIO, syscall.ENODATA, syscall.EOVERFLOW:
		return reason.StateCorrupt, "the file system cannot read it: look into dmesg, then repair or mount the file system again"
	}
	return nil, ""
}

// short is what to do where a resource of the host is used up; "" for other errors.
func short(errno syscall.Errno) string {
	switch errno {
	case syscall.EMFILE:
		return "raise the limit of open files of the runtime that runs the plugins: LimitNOFILE= of its unit"
	case syscall.ENFILE:
		return "the node's limit of open files is reached: find who holds them, or raise fs.file-max"
	case syscall.ENOMEM:
		return "free memory on the node, or raise the memory limit of the runtime's unit"
	case syscall.EAGAIN:
		return "no further process can be made: raise TasksMax= of the runtime's unit or kernel.pid_max, or find who makes so many"
	case syscall.ENOSPC:
		return "free space or inodes on the file system named"
	case syscall.EDQUOT:
		return "free space or inodes, or raise the quota of the file system named"
	case syscall.ENOBUFS:
		return "the kernel lacks memory for sockets: free memory, or raise net.core limits"
	}
	return ""
}
