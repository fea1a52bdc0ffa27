package node

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Pod is a sandbox as crictl is asked for it.
type Pod struct {
	Name  string
	Ports [][2]int // host port, container port
	ID    string   // once it runs
	file  string
}

// NetworkReady is the runtime's condition of that name, as `crictl info` prints it: true and no message, or a message.
func (n *Node) NetworkReady() (bool, string) {
	out, err := n.Output("crictl", "info")
	var info struct {
		Status struct {
			Conditions []struct {
				Type, Reason, Message string
				Status                bool
			}
		}
	}
	if err != nil || json.Unmarshal([]byte(out), &info) != nil {
		return false, "crictl info: " + said(out)
	}
	for _, c := range info.Status.Conditions {
		if c.Type == "NetworkReady" {
			return c.Status, c.Message
		}
	}
	return false, "no condition NetworkReady"
}

// RunPod runs a sandbox. The error is what crictl prints, without its prefix.
func (n *Node) RunPod(p *Pod, flags ...string) error {
	p.write()
	out, err := n.Output("crictl", append(flags, "runp", p.file)...)
	if err != nil {
		return fmt.Errorf("%s", said(out))
	}
	p.ID = strings.TrimSpace(out)
	return nil
}

// write writes what crictl is given.
func (p *Pod) write() {
	type port struct {
		HostPort      int `json:"host_port"`
		ContainerPort int `json:"container_port"`
	}
	var ports []port
	for _, m := range p.Ports {
		ports = append(ports, port{m[0], m[1]})
	}
	p.file = filepath.Join("/mnt", p.Name+".json")
	must(os.WriteFile(p.file, text(map[string]any{
		"metadata":      map[string]any{"name": p.Name, "namespace": "default", "uid": "uid-" + p.Name, "attempt": 1},
		"port_mappings": ports,
		"linux":         map[string]any{"cgroup_parent": group},
	}), 0o644))
}

// SamplePod is a file for crictl runp.
func SamplePod() string {
	p := Pod{Name: "sample"}
	p.write()
	return p.file
}

// StopPod and RemovePod end a sandbox, as kubelet does one after the other.
func (n *Node) StopPod(p *Pod, flags ...string) error {
	return n.Crictl(append(flags, "stopp", p.ID)...)
}

// RemovePod removes a stopped sandbox.
func (n *Node) RemovePod(p *Pod, flags ...string) error {
	return n.Crictl(append(flags, "rmp", p.ID)...)
}

// Crictl runs crictl; the error is what it prints.
func (n *Node) Crictl(args ...string) error {
	if out, err := n.Output("crictl", args...); err != nil {
		return fmt.Errorf("%s", said(out))
	}
	return nil
}

// Address is a running pod's.
func (n *Node) Address(p *Pod) string {
	out, _ := n.Output("crictl", "inspectp", "-o", "go-template", "--template", "{{.status.network.ip}}", p.ID)
	return strings.TrimSpace(out)
}

// StartContainer runs a container of an image in a pod.
func (n *Node) StartContainer(p *Pod, image string) error {
	file := filepath.Join("/mnt", p.Name+".container.json")
	must(os.WriteFile(file, text(map[string]any{"metadata": map[string]any{"name": "main"}, "image": map[string]any{"image": image}, "linux": map[string]any{}}), 0o644))
	out, err := n.Output("crictl", "create", p.ID, file, p.file)
	if err != nil {
		return fmt.Errorf("%s", said(out))
	}
	return n.Crictl("start", strings.TrimSpace(out))
}

// said is the message of an error that crictl logged.
func said(out string) string {
	out = strings.TrimSpace(out)
	_, msg, ok := strings.Cut(out, "level=fatal msg=")
	if !ok {
		return strings.TrimSpace(out[strings.LastIndexByte(out, '\n')+1:])
	}
	if s, err := strconv.QuotedPrefix(msg); err == nil {
		msg, _ = strconv.Unquote(s)
	}
	return msg
}

// Settle gives the runtime time to read net.d again after a change: nothing tells when it has.
func (n *Node) Settle() { time.Sleep(time.Second) }
