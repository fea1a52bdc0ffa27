package node

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Names of the images that a node has.
const (
	PauseImage   = "lab.local/pause:1"
	BusyboxImage = "lab.local/busybox:1"
	HTTPDImage   = "lab.local/httpd:1"                              // busybox, serving one page on port 80
	apacheImage  = "registry.k8s.io/e2e-test-images/httpd:2.4.39-4" // a name that critest has no option for
)

// packImages writes an OCI archive for each image, made of static programs alone.
func packImages(cache string) error {
	pause, err := os.ReadFile(filepath.Join(cache, "bin", "pause"))
	if err != nil {
		return err
	}
	busybox, err := os.ReadFile(filepath.Join(cache, "debian", "bin", "busybox"))
	if err != nil {
		return err
	}
	page := []file{{"www/index.html", 0o644, []byte("a page of the pod's\n")}}
	box := []file{{"bin/busybox", 0o755, busybox}, {"etc/passwd", 0o644, []byte("root:x:0:0::/:/bin/sh\n")}, {"etc/group", 0o644, []byte("root:x:0:\n")}}
	for _, a := range []string{"sh", "cat", "echo", "hostname", "httpd", "ip", "ls", "nc", "sleep", "top", "wget"} {
		box = append(box, file{"bin/" + a, 0, []byte("busybox")})
	}
	serve := []string{"/bin/httpd", "-f", "-p", "80", "-h", "/www"}
	for _, i := range []struct {
		file, name string
		files      []file
		command    []string
	}{
		{"pause", PauseImage, []file{{"pause", 0o755, pause}}, []string{"/pause"}},
		{"busybox", BusyboxImage, box, []string{"/bin/sh"}},
		{"httpd", HTTPDImage, append(box, page...), serve},
		{"apache", apacheImage, append(box, page...), serve},
	} {
		if err := os.WriteFile(filepath.Join(cache, "images", i.file+".tar"), pack(i.name, i.files, i.command), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// file is one of an image; of mode 0, a symbolic link to the text.
type file struct {
	path string
	mode int64
	text []byte
}

// pack writes an image of one layer (OCI image layout specification 1.0).
func pack(name string, files []file, command []string) []byte {
	layer := archive(files)
	blobs := []file{}
	blob := func(mediaType string, b []byte) map[string]any {
		digest := fmt.Sprintf("%x", sha256.Sum256(b))
		blobs = append(blobs, file{"blobs/sha256/" + digest, 0o644, b})
		return map[string]any{"mediaType": mediaType, "digest": "sha256:" + digest, "size": len(b)}
	}
	const oci = "application/vnd.oci.image."
	layers := []any{blob(oci+"layer.v1.tar", layer)}
	config := blob(oci+"config.v1+json", text(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Entrypoint": command, "Env": []string{"PATH=/bin"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []any{layers[0].(map[string]any)["digest"]}},
	}))
	manifest := blob(oci+"manifest.v1+json", text(map[string]any{"schemaVersion": 2, "mediaType": oci + "manifest.v1+json", "config": config, "layers": layers}))
	manifest["annotations"] = map[string]string{"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
	return archive(append(blobs,
		file{"oci-layout", 0o644, text(map[string]string{"imageLayoutVersion": "1.0.0"})},
		file{"index.json", 0o644, text(map[string]any{"schemaVersion": 2, "manifests": []any{manifest}})},
	))
}

func text(v any) []byte { b, _ := json.Marshal(v); return b }

func archive(files []file) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.path, Mode: f.mode, Size: int64(len(f.text)), Typeflag: tar.TypeReg}
		if f.mode == 0 {
			h.Typeflag, h.Linkname, h.Size, h.Mode, f.text = tar.TypeSymlink, string(f.text), 0, 0o777, nil
		}
		_ = w.WriteHeader(h) // to memory
		_, _ = w.Write(f.text)
	}
	_ = w.Close()
	return b.Bytes()
}
