package evidence

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	l.ports(localPorts(l.text))
}

// socketsInConfig finds the sockets that the plugin's configuration names, under whatever key, at most four.
func (l *look) socketsInConfig() []string {
	var conf any
	l.config(&conf)
	var found []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if dir, ok := v[key].(string); ok && key == "daemonSocketDir" { // multus-shim names the directory alone
					v[key] = filepath.Join(dir, "multus.sock")
				}
				walk(v[key])
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		case string:
			p := strings.TrimPrefix(v, "unix://")
			if filepath.IsAbs(p) && len(p) < 108 && (strings.HasSuffix(p, ".sock") || strings.HasSuffix(p, ".socket")) && len(found) < 4 {
				found = append(found, filepath.Clean(p))
			}
		}
	}
	walk(conf)
	return found
}

// hostPorts tells which of the ports that the pod wants somebody listens on.
func hostPorts(l *look) {
	var conf struct {
		RuntimeConfig struct {
			PortMappings []struct{ HostPort int }
		}
	}
	l.config(&conf)
	ports := portsBehind(l.text, "hostport ", "host port ", "port ", "tcp4 :", "tcp :", "udp :", "0.0.0.0:", "[::]:")
	for _, m := range conf.RuntimeConfig.PortMappings[:min(16, len(conf.RuntimeConfig.PortMappings))] {
		if !slices.Contains(ports, m.HostPort) && m.HostPort > 0 {
			ports = append(ports, m.HostPort)
		}
	}
	l.ports(ports)
}

// ports tells of each whether anybody on this node listens on it.
func (l *look) ports(ports []int) {
	for _, port := range ports {
		if listening, known := l.tcpListener(port); known && !listening {
			l.note("port", "nobody listens on port %d of this node", port)
		} else if known {
			l.note("port", "somebody listens on port %d of this node", port)
		}
	}
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
	return portsBehind(text, "127.0.0.1:", "localhost:", "[::1]:")
}

// portsBehind finds the numbers of ports that stand behind any of some words, each once.
func portsBehind(text string, words ...string) []int {
	var ports []int
	for _, word := range words {
		i := strings.Index(text, word)
		if i < 0 {
			continue
		}
		digits := text[i+len(word):]
		end := 0
		for end < len(digits) && end < 5 && digits[end] >= '0' && digits[end] <= '9' {
			end++
		}
		if port, err := strconv.Atoi(digits[:end]); err == nil && port > 0 && port < 1<<16 && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	return ports
}
