// Package kubernetes holds what is shipped for clusters to Kubernetes' and kustomize's own types. It is a module of its own: they are
// heavy.
package kubernetes

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const conf = "../../conf/kubernetes"

// build is `kustomize build`; objects by their kind.
func build(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(conf, dir))
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string][]byte{}
	for _, r := range m.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		objects[r.GetKind()] = text
	}
	return objects
}

func decode[T any](t *testing.T, text []byte) *T {
	t.Helper()
	v := new(T)
	if err := yaml.UnmarshalStrict(text, v); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return v
}

// bounds holds a pod to what it may have on a node.
func bounds(t *testing.T, p *corev1.PodSpec) {
	t.Helper()
	if p.PriorityClassName != "system-node-critical" || !p.HostNetwork || !p.HostPID || *p.AutomountServiceAccountToken {
		t.Errorf("%+v", p)
	}
	if !slices.ContainsFunc(p.Tolerations, func(x corev1.Toleration) bool {
		return x.Operator == corev1.TolerationOpExists && x.Key == "" && x.Effect == ""
	}) {
		t.Error("it does not tolerate a node that is not ready")
	}
	if p.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Error("no seccomp profile")
	}
	volumes := map[string]corev1.Volume{}
	for _, v := range p.Volumes {
		volumes[v.Name] = v
	}
	for _, c := range append(slices.Clone(p.InitContainers), p.Containers...) {
		s := c.SecurityContext
		if *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || s.Privileged != nil || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) ||
			!slices.Equal(s.Capabilities.Add, []corev1.Capability{"DAC_READ_SEARCH"}) || c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
			t.Errorf("%s: %+v", c.Name, s)
		}
		if !strings.HasPrefix(c.Image, "ghcr.io/cni-shim/cni-shim:") {
			t.Errorf("%s: image %s", c.Name, c.Image)
		}
		for _, m := range c.VolumeMounts {
			v, ok := volumes[m.Name]
			if !ok {
				t.Errorf("%s mounts %s, which is no volume", c.Name, m.Name)
			}
			if v.HostPath != nil && v.HostPath.Path != m.MountPath {
				t.Errorf("%s: %s is at %s, and on the node at %s: what is written there would name the wrong place", c.Name, m.Name, m.MountPath, v.HostPath.Path)
			}
		}
	}
}

// The DaemonSet is what the API takes, strictly, with the directories where they have to be, and its commands are the program's.
func TestDaemonSet(t *testing.T) {
	for dir, want := range map[string][2]string{
		"base": {"/etc/cni/net.d", "/opt/cni/bin"},
		"k3s":  {"/var/lib/rancher/k3s/agent/etc/cni/net.d", "/var/lib/rancher/k3s/data/cni"},
	} {
		t.Run(dir, func(t *testing.T) {
			objects := build(t, dir)
			d := decode[appsv1.DaemonSet](t, objects["DaemonSet"])
			p := &d.Spec.Template.Spec
			bounds(t, p)
			if d.Namespace != "kube-system" || d.Spec.Selector.MatchLabels["app.kubernetes.io/name"] != d.Spec.Template.Labels["app.kubernetes.io/name"] {
				t.Errorf("%+v", d.ObjectMeta)
			}
			for _, c := range append(slices.Clone(p.InitContainers), p.Containers...) {
				env := map[string]string{}
				for _, e := range c.Env {
					env[e.Name] = e.Value
				}
				if env["CONF_DIR"] != want[0] || env["BIN_DIR"] != want[1] || c.VolumeMounts[0].MountPath != want[0] || c.VolumeMounts[1].MountPath != want[1] {
					t.Errorf("%s: %v %v", c.Name, c.Env, c.VolumeMounts)
				}
				run(t, c.Command, env)
			}
			run(t, p.Containers[0].ReadinessProbe.Exec.Command, nil)
			if dir == "k3s" {
				decode[corev1.ConfigMap](t, objects["ConfigMap"])
			}
		})
	}
}

func TestUninstallJob(t *testing.T) {
	text, err := os.ReadFile(conf + "/uninstall.yaml")
	if err != nil {
		t.Fatal(err)
	}
	j := decode[batchv1.Job](t, bytes.ReplaceAll(text, []byte("NODE"), []byte("web-1")))
	if j.Name != "cni-shim-uninstall-web-1" || j.Spec.Template.Spec.NodeName != "web-1" || j.Spec.Template.Spec.RestartPolicy != corev1.RestartPolicyNever {
		t.Errorf("%+v", j)
	}
	bounds(t, &j.Spec.Template.Spec)
	run(t, j.Spec.Template.Spec.Containers[0].Command, nil)
}

// run holds a command line to the program: it knows the command and each flag. Nothing runs, since --help is added.
func run(t *testing.T, command []string, env map[string]string) {
	t.Helper()
	args := slices.Clone(command[1:])
	for i := range args {
		for k, v := range env {
			args[i] = strings.ReplaceAll(args[i], "$("+k+")", v)
		}
		if strings.Contains(args[i], "$(") {
			t.Errorf("%s stands for nothing", args[i])
		}
	}
	c := exec.Command("go", append([]string{"run", "./plugin"}, append(args, "--help")...)...)
	c.Dir = "../.."
	if out, err := c.CombinedOutput(); command[0] != "/cni-shim" || err != nil || !bytes.Contains(out, []byte("cni-shim "+command[1])) {
		t.Errorf("%q: %v\n%s", command, err, out)
	}
}

// The image is an OCI layout whose digests and sizes are right, with the program alone in it, and two are equal.
func TestImage(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("program"), 0o600); err != nil {
		t.Fatal(err)
	}
	var made [2][]byte
	for i := range made {
		out := filepath.Join(dir, fmt.Sprint(i))
		c := exec.Command("go", "run", "./image", out, "amd64="+program, "arm="+program)
		c.Dir = ".."
		if text, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		made[i], _ = os.ReadFile(out)
	}
	if !bytes.Equal(made[0], made[1]) {
		t.Error("two images differ")
	}
	files := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(made[0])); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name], _ = io.ReadAll(r)
	}
	if string(files["oci-layout"]) != `{"imageLayoutVersion":"1.0.0"}` {
		t.Errorf("%s", files["oci-layout"])
	}
	type node struct {
		Digest    string
		Size      int
		Platform  map[string]string
		Manifests []node
		Config    *node
		Layers    []node
	}
	blob := func(n node) []byte {
		text := files["blobs/sha256/"+strings.TrimPrefix(n.Digest, "sha256:")]
		if len(text) != n.Size || n.Digest != digest(text) {
			t.Errorf("blob %s of %d bytes", n.Digest, n.Size)
		}
		return text
	}
	parse := func(text []byte) (n node) {
		if err := json.Unmarshal(text, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	images := parse(blob(parse(files["index.json"]).Manifests[0])).Manifests
	if len(images) != 2 || images[1].Platform["variant"] != "v7" {
		t.Fatalf("%+v", images)
	}
	for _, i := range images {
		m := parse(blob(i))
		var config struct {
			Config struct{ Entrypoint []string }
			RootFS struct {
				DiffIDs []string `json:"diff_ids"`
			}
		}
		if err := json.Unmarshal(blob(*m.Config), &config); err != nil || config.Config.Entrypoint[0] != "/cni-shim" || config.RootFS.DiffIDs[0] != m.Layers[0].Digest {
			t.Errorf("%+v %v", config, err)
		}
		r := tar.NewReader(bytes.NewReader(blob(m.Layers[0])))
		h, err := r.Next()
		if err != nil || h.Name != "cni-shim" || h.Mode != 0o755 {
			t.Errorf("%+v %v", h, err)
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("more than the program: %v", err)
		}
	}
}

func digest(text []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(text)) }
