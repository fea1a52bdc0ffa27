package evidence

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// sockets tells of each of the agent's sockets whether it is there, since when, and whether anybody listens.
func sockets(l *look) {
	paths := l.pathsIn(func(p string) bool { return strings.HasSuffix(p, ".sock") || strings.HasSuffix(p, ".socket") })
	if len(paths) == 0 {
		paths = l.socketsInConfig()
	}
	for _, p := range paths {
		fi, gone := l.lstat(p)
		switch {
		case gone:
			dir := filepath.Dir(p)
			if d, none := l.lstat(dir); none {
				l.note("socket", "%s is not there, nor is its directory", p)
			} else if d != nil {
				l.note("socket", "%s is not there; its directory changed last %s", p, since(d.ModTime()))
			} else {
				l.note("socket", "%s is not there", p)
			}
		case fi == nil:
		case fi.Mode()&os.ModeSocket == 0 && fi.Mode()&os.ModeSymlink == 0:
			l.note("socket", "%s is there and no socket (%s)", p, fi.Mode())
		default:
			state := ""
			if listening, known := l.unixListener(p); listening {
				state = "; somebody listens on it"
			} else if known {
				state = "; nobody in this network namespace listens on it: the agent that made it has ended"
			}
			l.note("socket", "%s is there since %s%s", p, since(fi.ModTime()), state)
		}
	}
	for _, port := range localPorts(l.text) {
		if listening, known := l.tcpListener(port); known && !listening {
			l.note("port", "nobody listens on port %d of this node", port)
		} else if known {
			l.note("port", "somebody listens on port %d of this node", port)
		}
	}
}

// socketsInConfig finds a socket that the plugin's configuration names.
func (l *look) socketsInConfig() []string {
	var conf struct {
		DaemonSocketDir string // multus-shim
		ServerSocket    string `json:"server_socket"` // kube-ovn
		IPAM            struct{ DaemonSocketPath string }
	}
	l.config(&conf)
	switch {
	case conf.DaemonSocketDir != "":
		return []string{filepath.Join(conf.DaemonSocketDir, "multus.sock")}
	case strings.HasPrefix(conf.ServerSocket, "/"):
		return []string{conf.ServerSocket}
	case strings.HasPrefix(conf.IPAM.DaemonSocketPath, "/"):
		return []string{conf.IPAM.DaemonSocketPath}
	}
	return nil
}

// unixListener looks a socket up among the listening ones of this network namespace.
func (l *look) unixListener(path string) (listening, known bool) {
	const acceptsConnections = "00010000" // __SO_ACCEPTCON, the column Flags
	err := l.lines("/proc/net/unix", func(fields []string) bool {
		listening = len(fields) == 8 && fields[3] == acceptsConnections && sameRun(fields[7], path)
		return !listening
	})
	return listening, err == nil
}

// sameRun compares paths; /var/run is a link to /run on every system of today.
func sameRun(a, b string) bool {
	return strings.TrimPrefix(a, "/var") == strings.TrimPrefix(b, "/var") && strings.Contains(a, "/run/") || a == b
}

// tcpListener looks a port up among the listening ones of this network namespace.
func (l *look) tcpListener(port int) (listening, known bool) {
	suffix := fmt.Sprintf(":%04X", port)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		err := l.lines(table, func(fields []string) bool {
			listening = len(fields) > 3 && fields[3] == "0A" && strings.HasSuffix(fields[1], suffix)
			return !listening
		})
		known = known || err == nil
		if listening {
			return true, true
		}
	}
	return false, known
}

// lines gives the fields of each line of a file of the kernel, until each says no or time is over.
func (l *look) lines(p string, each func(fields []string) bool) error {
	f, err := os.Open(l.path(p))
	if err != nil {
		return err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() && !l.over() {
		if !each(strings.Fields(s.Text())) {
			return nil
		}
	}
	if l.over() {
		return l.ctx.Err()
	}
	return s.Err()
}

// localPorts finds the ports of this node that a text names.
func localPorts(text string) []int {
	var ports []int
	for _, host := range []string{"127.0.0.1:", "localhost:", "[::1]:"} {
		i := strings.Index(text, host)
		if i < 0 {
			continue
		}
		digits := text[i+len(host):]
		end := 0
		for end < len(digits) && end < 5 && digits[end] >= '0' && digits[end] <= '9' {
			end++
		}
		if port, err := strconv.Atoi(digits[:end]); err == nil && port > 0 && port < 1<<16 {
			ports = append(ports, port)
		}
	}
	return ports
}
