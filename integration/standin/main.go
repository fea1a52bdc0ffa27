// Standin is the plugins that need a cluster, played for tests: each does what makes such a plugin fail (dials, asks, allocates,
// panics) and tells it as they do. By its name it is one of them; with no CNI_COMMAND it lists the names.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

// standins by name.
var standins = map[string]func(*skel.CmdArgs) error{
	"flannel":     flannel,
	"agentclient": agentClient,
	"apiclient":   apiClient,
	"hostport":    hostPort,
	"rules":       addRule,
	"hog":         hog,
	"hang":        func(*skel.CmdArgs) error { time.Sleep(time.Hour); return nil },
	"suicide":     func(*skel.CmdArgs) error { return syscall.Kill(os.Getpid(), syscall.SIGKILL) },
	"panics":      func(args *skel.CmdArgs) error { var m map[string]int; m[args.IfName]++; return nil },
	"silent":      func(*skel.CmdArgs) error { return nil },
	"babbler":     says("2024/05/06 07:08:09 starting, watching the node\n"),
	"twice":       says(`{"cniVersion":"1.0.0","ips":[{"address":"10.7.0.2/24"}]}{"code":999,"msg":"cannot save the state"}`),
	"nullface":    says(`{"cniVersion":"1.0.0","interfaces":[null]}`),
	"ancient":     func(*skel.CmdArgs) error { return nil },
}

func main() {
	if os.Getenv("CNI_COMMAND") == "" {
		for name := range standins {
			fmt.Println(name)
		}
		return
	}
	name := filepath.Base(os.Args[0])
	speaks := version.PluginSupports("0.3.1", "0.4.0", "1.0.0")
	if name == "ancient" {
		speaks = version.PluginSupports("0.1.0", "0.2.0")
	}
	nothing := func(*skel.CmdArgs) error { return nil }
	f := skel.CNIFuncs{Add: standins[name], Check: nothing, Del: nothing}
	if name == "agentclient" {
		f.Del = agentClient
	}
	skel.PluginMainFuncs(f, speaks, "")
}

func says(text string) func(*skel.CmdArgs) error {
	return func(*skel.CmdArgs) error { fmt.Print(text); return nil }
}

// flannel does what the meta-plugin of flannel does first: it reads what flanneld wrote, and hands on the error as it is.
func flannel(*skel.CmdArgs) error {
	f, err := os.Open("/run/flannel/subnet.env")
	if err != nil {
		return fmt.Errorf("loadFlannelSubnetEnv failed: %w", err)
	}
	return f.Close()
}

// agentClient asks an agent on the configuration's socket, as multus-shim and ovn-k8s-cni-overlay do.
func agentClient(args *skel.CmdArgs) error {
	var conf struct{ Socket string }
	if err := json.Unmarshal(args.StdinData, &conf); err != nil {
		return err
	}
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", conf.Socket)
	}}}
	_, err := client.Post("http://dummy/cni", "application/json", bytes.NewReader(args.StdinData))
	if err != nil {
		return fmt.Errorf("%s (shim): failed to send CNI request: %w", map[string]string{"ADD": "CmdAdd", "DEL": "CmdDel"}[os.Getenv("CNI_COMMAND")], err)
	}
	return nil
}

// apiClient asks the API server for the pod with the configuration's kubeconfig, and tells a refusal as client-go does: the
// message of the Status object that came back.
func apiClient(args *skel.CmdArgs) error {
	var conf struct{ Kubeconfig string }
	var k kubeconfig
	_ = json.Unmarshal(args.StdinData, &conf)
	b, err := os.ReadFile(conf.Kubeconfig)
	if err == nil {
		err = json.Unmarshal(b, &k)
	}
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	ca, _ := base64.StdEncoding.DecodeString(k.Clusters[0].Cluster.CA)
	roots.AppendCertsFromPEM(ca)
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	request, err := http.NewRequest(http.MethodGet, k.Clusters[0].Cluster.Server+"/api/v1/namespaces/default/pods/web", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+k.Users[0].User.Token)
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("error getting pod: %w", err)
	}
	defer answer.Body.Close()
	var status struct{ Message string }
	if err := json.NewDecoder(answer.Body).Decode(&status); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return fmt.Errorf("error getting pod: %s", status.Message)
}

// kubeconfig is as much of one as the stand-in needs.
type kubeconfig struct {
	Clusters []struct {
		Cluster struct {
			Server string `json:"server"`
			CA     string `json:"certificate-authority-data"`
		} `json:"cluster"`
	} `json:"clusters"`
	Users []struct {
		User struct {
			Token string `json:"token"`
		} `json:"user"`
	} `json:"users"`
}

// hostPort opens the host's port, as the host port manager of CRI-O and dockershim does to keep it from others.
func hostPort(*skel.CmdArgs) error {
	l, err := net.Listen("tcp4", ":18080")
	if err != nil {
		return fmt.Errorf("cannot open hostport 18080 for pod k8s_web_default_0_: %w", err)
	}
	return l.Close()
}

// addRule adds a rule through iptables and waits one second for its lock, as kube-router and older Calico do. go-iptables, which
// the reference plugins use, waits without end.
func addRule(*skel.CmdArgs) error {
	c := exec.Command("iptables-legacy", "-w", "1", "-t", "nat", "-A", "POSTROUTING", "-s", "10.7.0.0/24", "-j", "MASQUERADE")
	out, err := c.CombinedOutput()
	if err != nil {
		return types.NewError(999, fmt.Sprintf("failed to add masquerade rule: running [%s]: %v: %s", strings.Join(c.Args, " "), err, out), "")
	}
	return nil
}

// hog takes memory until the kernel ends it; before anybody else, should its control group have others.
func hog(*skel.CmdArgs) error {
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0o644)
	var kept [][]byte
	for range 1 << 10 {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		kept = append(kept, b)
	}
	return fmt.Errorf("%d MiB were not too much", len(kept))
}
