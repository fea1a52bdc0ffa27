// image packs a program into an OCI image, as a tar archive in the OCI image layout (image-spec 1.1), without a daemon. Two runs
// with the same programs give the same bytes.
//
//	image OUT.tar ARCH=PROGRAM…
package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

func main() {
	if len(os.Args) < 3 {
		fail("usage: image OUT.tar ARCH=PROGRAM…")
	}
	programs := map[string][]byte{}
	var arches []string
	for _, arg := range os.Args[2:] {
		arch, path, _ := strings.Cut(arg, "=")
		text, err := os.ReadFile(path)
		if err != nil {
			fail(err)
		}
		programs[arch] = text
		arches = append(arches, arch)
	}
	text, err := pack(arches, programs)
	if err == nil {
		err = os.WriteFile(os.Args[1], text, 0o644)
	}
	if err != nil {
		fail(err)
	}
}

func fail(why any) {
	fmt.Fprintln(os.Stderr, "image:", why)
	os.Exit(1)
}

// descriptor is OCI's, of a blob.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    map[string]string `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

const (
	mediaConfig   = "application/vnd.oci.image.config.v1+json"
	mediaLayer    = "application/vnd.oci.image.layer.v1.tar"
	mediaManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaIndex    = "application/vnd.oci.image.index.v1+json"
)

// layout is an OCI image layout under construction. The first error stays.
type layout struct {
	out  bytes.Buffer
	tar  *tar.Writer
	err  error
	have map[string]bool
}

// file writes one file; no time of the machine's enters.
func (l *layout) file(name string, mode int64, text []byte) {
	if l.err == nil {
		l.err = l.tar.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(text)), Format: tar.FormatUSTAR})
	}
	if l.err == nil {
		_, l.err = l.tar.Write(text)
	}
}

func (l *layout) blob(media string, text []byte) descriptor {
	sum := fmt.Sprintf("%x", sha256.Sum256(text))
	if !l.have[sum] {
		l.have[sum] = true
		l.file("blobs/sha256/"+sum, 0o644, text)
	}
	return descriptor{MediaType: media, Digest: "sha256:" + sum, Size: len(text)}
}

func (l *layout) json(media string, v any) descriptor {
	text, err := json.Marshal(v)
	if l.err == nil {
		l.err = err
	}
	return l.blob(media, text)
}

// pack makes the archive: an index of one image for each architecture, whose only layer is the program.
func pack(arches []string, programs map[string][]byte) ([]byte, error) {
	l := &layout{have: map[string]bool{}}
	l.tar = tar.NewWriter(&l.out)
	l.file("oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`))
	var images []descriptor
	for _, arch := range arches {
		layer := &layout{}
		layer.tar = tar.NewWriter(&layer.out)
		layer.file("cni-shim", 0o755, programs[arch])
		if layer.err == nil {
			layer.err = layer.tar.Close()
		}
		if layer.err != nil {
			return nil, layer.err
		}
		blob := l.blob(mediaLayer, layer.out.Bytes())
		platform := map[string]string{"os": "linux", "architecture": arch}
		config := map[string]any{
			"os": "linux", "architecture": arch,
			"config": map[string]any{"Entrypoint": []string{"/cni-shim"}, "User": "0:0"},
			"rootfs": map[string]any{"type": "layers", "diff_ids": []string{blob.Digest}},
		}
		if arch == "arm" {
			platform["variant"], config["variant"] = "v7", "v7"
		}
		image := l.json(mediaManifest, map[string]any{
			"schemaVersion": 2, "mediaType": mediaManifest, "config": l.json(mediaConfig, config), "layers": []descriptor{blob},
		})
		image.Platform = platform
		images = append(images, image)
	}
	index := l.json(mediaIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": images})
	index.Annotations = map[string]string{"org.opencontainers.image.ref.name": "ghcr.io/cni-shim/cni-shim:latest"}
	top, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": []descriptor{index}})
	if err != nil {
		return nil, err
	}
	l.file("index.json", 0o644, top)
	if l.err == nil {
		l.err = l.tar.Close()
	}
	return l.out.Bytes(), l.err
}
