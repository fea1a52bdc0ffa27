package evidence

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"

	"github.com/vishvananda/netns"
)

// inPod runs f in the network namespace of the pod; not at all where that is gone or cannot be entered. The thread that has been
// there comes back or ends with its goroutine.
func (l *look) inPod(f func()) {
	p := l.in.Netns
	if p == "" || !isNetns(l.path(p)) {
		return
	}
	runtime.LockOSThread()
	own, err := netns.Get()
	if err != nil {
		runtime.UnlockOSThread()
		return
	}
	defer own.Close()
	pod, err := netns.GetFromPath(l.path(p))
	if err != nil {
		runtime.UnlockOSThread()
		return
	}
	defer pod.Close()
	if netns.Set(pod) != nil {
		runtime.UnlockOSThread()
		return
	}
	f()
	if netns.Set(own) == nil {
		runtime.UnlockOSThread()
	}
}

// isNetns tells a namespace's file from whatever else may stand at its path.
func isNetns(p string) bool {
	const nsfs, proc = 0x6e736673, 0x9fa0 // NSFS_MAGIC, PROC_SUPER_MAGIC
	var fs syscall.Statfs_t
	return syscall.Statfs(p, &fs) == nil && (int64(fs.Type) == nsfs || int64(fs.Type) == proc)
}

// links names the interfaces of the network namespace that this thread is in, at most sixteen.
func links() string {
	all, err := net.Interfaces()
	if err != nil {
		return ""
	}
	var names []string
	for _, i := range all[:min(16, len(all))] {
		names = append(names, i.Name)
	}
	if n := len(all) - len(names); n > 0 {
		names = append(names, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(names, ", ")
}

// device tells whether the interface that the configuration names is on this node, and which are.
func device(l *look) {
	var conf struct{ Master, Device, Parent string }
	l.config(&conf)
	for _, name := range []string{conf.Master, conf.Device, conf.Parent} {
		if name == "" || len(name) > 15 || strings.ContainsAny(name, "/ ") { // IFNAMSIZ
			continue
		}
		if i, err := net.InterfaceByName(name); err == nil {
			l.note("device", "%s is there, %s", name, i.Flags)
		} else if has := links(); has != "" {
			l.note("device", "%s is not there; this node has %s", name, has)
		}
	}
}

// mtu tells an MTU that no link takes, or that is more than its parent's.
func mtu(l *look) {
	const most = 65535
	var conf struct {
		MTU            int
		Master, Bridge string
	}
	l.config(&conf)
	if conf.MTU > most {
		l.note("mtu", "the configuration's mtu is %d, a link takes at most %d", conf.MTU, most)
	}
	for _, name := range []string{conf.Master, conf.Bridge} {
		if i, err := net.InterfaceByName(name); name != "" && err == nil && conf.MTU > 0 {
			l.note("mtu", "the configuration's mtu is %d, that of %s is %d", conf.MTU, name, i.MTU)
		}
	}
}

// tools tells which tool is on none of the PATH's directories. Plugins have the PATH of the runtime, which is ours.
func tools(l *look) {
	path := os.Getenv("PATH")
	for _, name := range [...]string{"iptables", "ip6tables", "nft", "ipset", "conntrack", "nsenter", "ethtool", "ovs-vsctl", "modprobe", "sysctl", "tc", "ip"} {
		if !strings.Contains(l.text, `"`+name+`"`) && !strings.Contains(l.text, name+":") {
			continue
		}
		found := ""
		for dir := range strings.SplitSeq(path, ":") {
			if fi, err := os.Stat(l.path(dir + "/" + name)); err == nil && !fi.IsDir() {
				found = dir + "/" + name
				break
			}
		}
		if found == "" {
			l.note("tool", "%s is in none of %s, the PATH of the runtime", name, path)
		} else {
			l.note("tool", "%s is %s on the PATH of the runtime", name, found)
		}
	}
}
