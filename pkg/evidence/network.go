package evidence

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// bridge tells the address that the bridge has and the one that the configuration wants.
func bridge(l *look) {
	var conf struct {
		Bridge string
		IPAM   struct {
			Subnet, Gateway string
			Ranges          [][]struct{ Subnet, Gateway string }
		}
	}
	l.config(&conf)
	name := conf.Bridge
	before, after, ok := strings.Cut(l.text, `" already has an IP address`)
	if i := strings.LastIndexByte(before, '"'); ok && i >= 0 {
		name = before[i+1:]
	}
	if name == "" {
		name = "cni0" // what the bridge plugin takes
	}
	if i, err := net.InterfaceByName(name); err == nil {
		var has []string
		if addrs, err := i.Addrs(); err == nil {
			for _, a := range addrs {
				has = append(has, a.String())
			}
			if len(has) == 0 {
				has = []string{"no address"}
			}
			l.note("bridge", "%s has %s", name, strings.Join(has, ", "))
		}
	}
	if _, want, ok := strings.Cut(after, "different from "); ok {
		if f := strings.Fields(want); len(f) > 0 {
			l.note("wanted", "the configuration wants %s", strings.TrimRight(f[0], `",;]`))
		}
		return
	}
	wanted := conf.IPAM.Subnet + " " + conf.IPAM.Gateway
	for _, set := range conf.IPAM.Ranges {
		for _, r := range set {
			wanted += " " + r.Subnet + " " + r.Gateway
		}
	}
	if f := strings.Fields(wanted); len(f) > 0 {
		l.note("wanted", "the configuration wants %s", strings.Join(f, ", "))
	}
}

// namespace tells what stands at the path of the network namespace.
func namespace(l *look) {
	p := l.in.Netns
	if p == "" {
		l.note("netns", "the runtime gave no path of a network namespace: the sandbox is gone")
		return
	}
	var errno syscall.Errno
	_, err := os.Lstat(l.path(p))
	errors.As(err, &errno)
	switch {
	case os.IsNotExist(err):
		l.note("netns", "%s is not there", p)
		return
	case err != nil:
		l.note("netns", "%s cannot be looked at: %v", p, errno)
		return
	case HostNetns(l.path(p)):
		l.note("netns", "%s is the network namespace of the host itself", p)
		return
	case isNetns(l.path(p)):
		if kind := nsKind(l.path(p)); kind != 0 && kind != unix.CLONE_NEWNET {
			l.note("netns", "%s is a namespace of another kind than network", p)
			return
		}
		l.note("netns", "%s is there by now", p)
		return
	}
	l.note("netns", "%s is there, and no namespace is mounted on it: whoever looks does not see the runtime's mounts, or the namespace was unmounted", p)
}

// nsKind is the kind of the namespace at a path, as clone(2) names it; 0 where that cannot be seen.
func nsKind(path string) int {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	kind, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
	if err != nil {
		return 0
	}
	return kind
}

// HostNetns reports whether a path leads to the network namespace that this process is in, which is the host's: no pod's.
func HostNetns(path string) bool {
	own, err := os.Stat("/proc/self/ns/net")
	if err != nil {
		return false
	}
	fi, err := os.Stat(path)
	return err == nil && os.SameFile(own, fi)
}

// ipv6 tells which switch has IPv6 off.
func ipv6(l *look) {
	if fi, gone := l.lstat("/proc/sys/net/ipv6"); gone {
		l.note("ipv6", "the kernel has no IPv6: /proc/sys/net/ipv6 is not there (ipv6.disable=1 on its command line, or built without)")
		return
	} else if fi == nil {
		return
	}
	if l.read("/sys/module/ipv6/parameters/disable", 16) == "1" {
		l.note("ipv6", "the module ipv6 was loaded with disable=1")
	}
	var conf struct{ Bridge, Master string }
	l.config(&conf)
	for _, name := range []string{"all", "default", conf.Bridge, conf.Master, "cni0"} {
		if !plainName(name) {
			continue
		}
		if l.read("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", 16) == "1" {
			l.note("sysctl", "net.ipv6.conf.%s.disable_ipv6 is 1", name)
		}
	}
	l.inPod(func() {
		for _, name := range []string{"all", "default", l.in.IfName} {
			if plainName(name) && l.read("/proc/sys/net/ipv6/conf/"+name+"/disable_ipv6", 16) == "1" {
				l.note("sysctl", "in the pod's namespace net.ipv6.conf.%s.disable_ipv6 is 1", name)
			}
		}
	})
}

// plainName tells the name of an interface from what would lead elsewhere as part of a path.
func plainName(name string) bool {
	return name != "" && !strings.ContainsAny(name, "/\x00") && name != ".."
}
