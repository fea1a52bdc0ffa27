package stale

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/node"
)

// crictls are where crictl is looked for: PATH and the system's directories, then those of Kubernetes distributions.
var crictls = [...]string{
	"crictl", "/usr/local/bin/crictl", "/opt/bin/crictl",
	"/var/lib/rancher/rke2/bin/crictl", "/var/lib/rancher/k3s/data/current/bin/crictl",
}

// Bounds of asking one runtime.
const (
	answerTime = 5 * time.Second
	answerSize = 64 << 20 // a pod takes about a kilobyte
)

// answer is what one runtime said.
type answer struct {
	runtime string
	pods    map[string]bool // by the id that it gives plugins as CNI_CONTAINERID
	err     error           // it gave no answer
}

// known judges an attachment of which the rest is proven by what the runtimes of the node know. Without crictl the
// cache that their libcni keeps says what they know.
func (j *Judge) known(ctx context.Context, k attachment.Key) (State, string) {
	if !j.asked {
		j.answers, j.noTool = ask(ctx, node.Find(""))
		j.asked = true
	}
	var says []string
	for _, a := range j.answers {
		switch {
		case a.pods[k.ContainerID]:
			return InUse, a.runtime + " knows the container, and will ask for its DEL"
		case a.err != nil:
			return Unknown, fmt.Sprintf("whether %s knows the container is not known: %v", a.runtime, a.err)
		}
		says = append(says, a.runtime+" does not know the container")
	}
	if len(j.answers) > 0 {
		return Stale, "its network namespace is gone, and " + strings.Join(says, ", ")
	}
	if attachment.InRuntime(k) {
		return InUse, "no runtime was asked, and the runtimes' CNI cache has it"
	}
	return Stale, "its network namespace is gone, and the runtimes' CNI cache does not have it"
}

// ask asks each runtime of the node for its pods, once. An error says why none was asked.
func ask(ctx context.Context, runtimes []node.Runtime) (answers []answer, noTool error) {
	if len(runtimes) == 0 {
		return nil, errors.New("no runtime was asked: none is installed that crictl could ask")
	}
	tool, err := crictl()
	if err != nil {
		return nil, errors.New("no runtime was asked: crictl is not installed")
	}
	sockets := map[string]bool{}
	for _, r := range runtimes {
		if sockets[r.Socket] { // k3s and rke2 share theirs
			continue
		}
		sockets[r.Socket] = true
		a := answer{runtime: r.Name()}
		if r.Running {
			a.pods, a.err = pods(ctx, tool, r.Socket)
		} else {
			a.err = errors.New("it is installed and does not run (no " + r.Socket + ")")
		}
		if a.err != nil && r.NoCRI {
			continue // it has no pods
		}
		answers = append(answers, a)
	}
	return answers, nil
}

// pods asks the runtime at a socket for the ids of its pods, those that have stopped too.
func pods(ctx context.Context, tool, socket string) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	out, cut, err := delegate.Tool(ctx, answerSize, tool,
		"--runtime-endpoint", "unix://"+socket, "--timeout", answerTime.String(), "pods", "-o", "json")
	if err == nil && cut {
		err = errors.New("crictl: too long an answer")
	}
	if err != nil {
		return nil, err
	}
	var list struct {
		Items *[]struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	if err := json.Unmarshal(out, &list); err != nil || list.Items == nil {
		return nil, fmt.Errorf("crictl: an answer that is no list of pods")
	}
	ids := map[string]bool{}
	for _, p := range *list.Items {
		ids[p.ID] = true
	}
	return ids, nil
}

func crictl() (path string, err error) {
	for _, name := range crictls {
		if path, err = delegate.FindTool(name); err == nil {
			break
		}
	}
	return path, err
}
