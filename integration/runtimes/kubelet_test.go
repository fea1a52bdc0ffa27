package runtimes

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// apiserver is as much of an API server as a kubelet needs to register its node, be given one pod, and tell of both: it keeps what
// it is told, and every other list is empty.
type apiserver struct {
	sync.Mutex
	node   map[string]any
	pod    string
	ready  []string // messages of the node's Ready condition, each once, in order
	events []string // the pod's: REASON: message
}

// ServeHTTP answers in JSON. Watches stay open and silent: nothing changes but by the kubelet itself.
func (s *apiserver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var sent map[string]any
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&sent)
	}
	w.Header().Set("Content-Type", "application/json")
	q := r.URL.Query()
	switch path := r.URL.Path; {
	case q.Get("sendInitialEvents") != "": // an old server: the kubelet lists instead
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Invalid","code":422}`)
	case q.Get("watch") != "":
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case strings.HasPrefix(path, "/api/v1/nodes"):
		s.serveNode(w, r, sent)
	case strings.HasSuffix(path, "/events"):
		s.Lock()
		object, _ := sent["involvedObject"].(map[string]any)
		if object["kind"] == "Pod" {
			s.events = append(s.events, fmt.Sprintf("%v: %v", sent["reason"], sent["message"]))
		}
		s.Unlock()
		_ = json.NewEncoder(w).Encode(sent)
	case r.Method != http.MethodGet:
		_ = json.NewEncoder(w).Encode(sent)
	case path == "/api/v1/pods":
		fmt.Fprintf(w, `{"metadata":{"resourceVersion":"1"},"items":[%s]}`, s.pod)
	case path == "/api/v1/namespaces/default/pods/web":
		fmt.Fprint(w, s.pod)
	case strings.Contains(path, "/leases/"):
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`)
	default:
		fmt.Fprint(w, `{"metadata":{"resourceVersion":"1"},"items":[]}`)
	}
}

// serveNode keeps the node as it was registered, with the status that was patched last.
func (s *apiserver) serveNode(w http.ResponseWriter, r *http.Request, sent map[string]any) {
	s.Lock()
	defer s.Unlock()
	if r.Method == http.MethodPost {
		s.node = sent
	}
	if s.node == nil && r.URL.Path != "/api/v1/nodes" {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`)
		return
	}
	status, _ := sent["status"].(map[string]any)
	conditions, _ := status["conditions"].([]any)
	for _, c := range conditions {
		c, _ := c.(map[string]any)
		if message, ok := c["message"].(string); ok && c["type"] == "Ready" && (len(s.ready) == 0 || s.ready[len(s.ready)-1] != message) {
			s.ready = append(s.ready, message)
		}
	}
	if r.URL.Path == "/api/v1/nodes" && r.Method == http.MethodGet {
		items := []any{}
		if s.node != nil {
			items = append(items, s.node)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"metadata": map[string]any{"resourceVersion": "1"}, "items": items})
		return
	}
	_ = json.NewEncoder(w).Encode(s.node)
}

// said returns the first of the texts that begins as asked, waiting for it.
func (s *apiserver) said(p *play, texts *[]string, start string) string {
	p.Helper()
	var found string
	p.Wait(90*time.Second, func() bool {
		s.Lock()
		defer s.Unlock()
		for _, t := range *texts {
			if strings.HasPrefix(t, start) {
				found = t
				return true
			}
		}
		return false
	})
	if found == "" {
		p.Fatalf("nothing begins with %q: %q %q\n%s", start, s.ready, s.events, p.Tail("/run/kubelet.log", 30))
	}
	return found
}

const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
address: 127.0.0.1
cgroupDriver: cgroupfs
cgroupRoot: /cni-shim-lab
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
contentType: application/json
nodeStatusUpdateFrequency: 1s
`

const pod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"default","uid":"7d2d3a8e-0000-4000-8000-000000000001","resourceVersion":"1"},
"spec":{"nodeName":"node-1","automountServiceAccountToken":false,"enableServiceLinks":false,"restartPolicy":"Always","dnsPolicy":"Default","terminationGracePeriodSeconds":1,
"tolerations":[{"operator":"Exists"}],"containers":[{"name":"main","image":"lab.local/pause:1","imagePullPolicy":"Never","resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}]},
"status":{"phase":"Pending","qosClass":"BestEffort"}}`

// kubelet starts a kubelet and the server that it reports to.
func (p *play) kubelet() *apiserver {
	p.Helper()
	s := &apiserver{pod: pod}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	go func() { _ = http.Serve(l, s) }()
	must(os.WriteFile("/etc/kubelet.yaml", []byte(kubeletConfig), 0o644))
	must(os.WriteFile("/etc/kubelet.conf", []byte(strings.NewReplacer("https://127.0.0.1:6443", "http://"+l.Addr().String(), ", insecure-skip-tls-verify: true", "").Replace(kubeconfig)), 0o600))
	log, err := os.Create("/run/kubelet.log")
	must(err)
	c := p.Command("kubelet", "--config", "/etc/kubelet.yaml", "--kubeconfig", "/etc/kubelet.conf", "--hostname-override", "node-1")
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(c.Start())
	p.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	return s
}

const (
	asksNode  = "node condition `Ready`"
	asksEvent = "pod event"
)

// what a kubelet makes of it: the node's condition and the pod's events.
var kubelets = []situation{
	{
		name: "kubelet-comma", title: "kubelet 1.37: a trailing comma in the only list", tells: []string{"10-calico.conflist:11:31", "comma", "usePodCidr"},
		play: func(p *play) {
			p.network("10-calico.conflist", comma(p.Node))
			p.start()
			s := p.kubelet()
			p.add(asksNode, s.said(p, &s.ready, "container runtime network not ready"), true)
			p.add(asksEvent, s.said(p, &s.events, "NetworkNotReady"), true)
		},
	},
	{
		name: "kubelet-add", title: "kubelet 1.37: ADD fails", tells: []string{"calico (1/2)", "No more free addresses in: [10.60.0.0/24]", "IPAMExhausted"},
		play: func(p *play) {
			p.Plant("calico", exhausted)
			p.network("10-calico.conflist", failing("1.0.0"))
			p.start()
			s := p.kubelet()
			p.add(asksEvent, s.said(p, &s.events, "FailedCreatePodSandBox"), true)
		},
	},
}
