package runtimes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/client-go/kubernetes/scheme"
)

// apiserver is as much of an API server as a kubelet needs to register its node, be given one pod, and tell of both, and as an IPAM
// plugin needs to keep its pools: it keeps what is created, by path, and what it is told.
type apiserver struct {
	net.Listener
	sync.Mutex
	objects map[string]json.RawMessage
	version int      // of what was written last
	ready   []string // messages of the node's Ready condition
	events  []string // of pods, REASON: message
}

// ServeHTTP answers in JSON. A patch other than a JSON patch changes nothing but what was told.
func (s *apiserver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var sent object
	b, _ := io.ReadAll(r.Body)
	if o, _, err := scheme.Codecs.UniversalDeserializer().Decode(b, nil, nil); err == nil {
		b, _ = json.Marshal(o) // what was sent as protobuf
	}
	_ = json.Unmarshal(b, &sent) // a list of patches is none
	s.hear(&sent)
	w.Header().Set("Content-Type", "application/json")
	path := strings.TrimSuffix(r.URL.Path, "/status")
	resource, named := resourceOf(path)
	switch q := r.URL.Query(); {
	case q.Get("sendInitialEvents") != "": // an old server: clients list instead
		refuse(w, http.StatusUnprocessableEntity, "Invalid")
	case q.Get("watch") != "":
		s.watch(w, r, resource)
	case r.Method == http.MethodPost:
		_, _ = w.Write(s.put(path+"/"+sent.Metadata.Name, b))
	case r.Method == http.MethodPut:
		_, _ = w.Write(s.put(path, b))
	case r.Method == http.MethodDelete:
		s.Lock()
		delete(s.objects, path)
		s.Unlock()
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Success"}`))
	case r.Header.Get("Content-Type") == "application/json-patch+json":
		changed, err := patched(s.get(path), b)
		if err != nil {
			refuse(w, http.StatusUnprocessableEntity, "Invalid")
			return
		}
		_, _ = w.Write(s.put(path, changed))
	case named:
		o := s.get(path)
		if o == nil {
			refuse(w, http.StatusNotFound, "NotFound")
			return
		}
		_, _ = w.Write(o)
	default:
		version := strings.Join(strings.Split(path, "/")[2:4], "/") // GROUP/VERSION
		if strings.HasPrefix(path, "/api/") {
			version = "v1"
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"kind": kinds[resource] + "List", "apiVersion": version, "metadata": map[string]any{"resourceVersion": "1"}, "items": s.all(resource),
		})
	}
}

func (s *apiserver) get(path string) json.RawMessage {
	s.Lock()
	defer s.Unlock()
	return s.objects[path]
}

// patched is an object after a JSON patch.
func patched(object, patch []byte) ([]byte, error) {
	if object == nil {
		return nil, errors.New("no such object")
	}
	p, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return nil, err
	}
	return p.Apply(object)
}

// put stores an object with a version of its own, and the namespace of its path, and returns it as it is stored.
func (s *apiserver) put(path string, text []byte) []byte {
	var o map[string]any
	if json.Unmarshal(text, &o) != nil {
		return text
	}
	s.Lock()
	defer s.Unlock()
	s.version++
	if metadata, ok := o["metadata"].(map[string]any); ok {
		metadata["resourceVersion"] = strconv.Itoa(s.version)
		if _, rest, ok := strings.Cut(path, "/namespaces/"); ok {
			metadata["namespace"], _, _ = strings.Cut(rest, "/")
		}
	}
	text, _ = json.Marshal(o)
	s.objects[path] = text
	return text
}

// kinds are those of the resources that clients list.
var kinds = map[string]string{"ippools": "IPPool", "pods": "Pod", "nodes": "Node", "services": "Service", "runtimeclasses": "RuntimeClass", "csidrivers": "CSIDriver"}

// object is what is looked at of an object.
type object struct {
	Kind, Reason, Message string
	Metadata              struct{ Name string }
	InvolvedObject        struct{ Kind string }
	Status                struct {
		Conditions []struct{ Type, Message string }
	}
}

// hear keeps what the kubelet tells of its node and pods.
func (s *apiserver) hear(o *object) {
	s.Lock()
	defer s.Unlock()
	if o.InvolvedObject.Kind == "Pod" {
		s.events = append(s.events, o.Reason+": "+o.Message)
	}
	for _, c := range o.Status.Conditions {
		if c.Type == "Ready" && strings.Contains(c.Message, "container runtime") { // not the pod's
			s.ready = append(s.ready, c.Message)
		}
	}
}

// all are the objects of a resource, in every namespace.
func (s *apiserver) all(resource string) []json.RawMessage {
	s.Lock()
	defer s.Unlock()
	items := []json.RawMessage{}
	for path, o := range s.objects {
		if r, _ := resourceOf(path); r == resource {
			items = append(items, o)
		}
	}
	return items
}

// watch tells of the node once it is registered, and of nothing else: all others are there from the beginning.
func (s *apiserver) watch(w http.ResponseWriter, r *http.Request, resource string) {
	w.(http.Flusher).Flush()
	for told := false; r.Context().Err() == nil; time.Sleep(100 * time.Millisecond) {
		if nodes := s.all("nodes"); resource == "nodes" && !told && len(nodes) != 0 {
			_ = json.NewEncoder(w).Encode(map[string]any{"type": "ADDED", "object": nodes[0]})
			w.(http.Flusher).Flush()
			told = true
		}
	}
}

func refuse(w http.ResponseWriter, code int, reason string) {
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d}`, reason, code)
}

// resourceOf takes a path apart: /api/v1 or /apis/GROUP/VERSION, perhaps namespaces/NAMESPACE, RESOURCE, perhaps a name.
func resourceOf(path string) (resource string, named bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	parts = parts[min(len(parts), map[bool]int{true: 2, false: 3}[parts[0] == "api"]):]
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	if len(parts) == 0 {
		return "", false
	}
	return parts[0], len(parts) > 1
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

// kubeconfig is the file that leads to the server.
const kubeconfig = "/etc/kubelet.conf"

// apiserver starts the server on this node and writes the kubeconfig. Close stops it for new connections.
func (p *play) apiserver() *apiserver {
	l, err := net.Listen("tcp", "127.0.0.1:6443")
	must(err)
	s := &apiserver{Listener: l, objects: map[string]json.RawMessage{"/api/v1/namespaces/default/pods/web": json.RawMessage(podObject)}}
	go func() { _ = http.Serve(l, s) }()
	must(os.WriteFile(kubeconfig, fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: "http://%s"}}]
users: [{name: lab, user: {token: secret-token}}]
contexts: [{name: lab, context: {cluster: lab, user: lab}}]
current-context: lab
`, l.Addr()), 0o600))
	return s
}

// podUID and podObject are the one pod's that there is.
const podUID = "7d2d3a8e-0000-4000-8000-000000000001"

const podObject = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"default","uid":"` + podUID + `","resourceVersion":"1"},
"spec":{"nodeName":"node-1","automountServiceAccountToken":false,"enableServiceLinks":false,"restartPolicy":"Always","dnsPolicy":"Default","terminationGracePeriodSeconds":1,
"tolerations":[{"operator":"Exists"}],"containers":[{"name":"main","image":"lab.local/pause:1","imagePullPolicy":"Never","resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}]},
"status":{"phase":"Pending","qosClass":"BestEffort"}}`
