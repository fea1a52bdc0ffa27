package runtimes

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/cni-shim/cni-shim/integration/runtimes/node"
)

// focus are critest's specifications that have to do with sandboxes and networks.
const focus = `Networking|PodSandbox|Idempotence|should support network`

// The specifications of the Container Runtime Interface pass through the shim as they do without it: as many, and none fails.
func TestCritest(t *testing.T) {
	needs(t, "critest")
	for _, leg := range []string{"without", "with"} {
		t.Run(leg, func(t *testing.T) {
			if !onNode(t) {
				return
			}
			p := &play{T: t, Node: here, shim: leg == "with"}
			p.network(main, p.Sample(main))
			p.start()
			for _, image := range []string{"busybox", "httpd", "apache"} {
				if err := p.Import(image); err != nil {
					t.Fatal(err)
				}
			}
			images := "/mnt/images.yaml"
			must(os.WriteFile(images, []byte("defaultTestContainerImage: "+node.BusyboxImage+"\nwebServerTestImage: "+node.HTTPDImage+"\n"), 0o644))
			out, err := p.Output("critest", "--ginkgo.focus", focus, "--ginkgo.no-color", "--test-images-file", images, "--runtime-endpoint", "unix:///run/containerd/containerd.sock")
			ran := regexp.MustCompile(`Ran \d+ of \d+ Specs|\d+ Passed \| \d+ Failed`).FindAllString(out, -1)
			t.Log(strings.Join(ran, ", "))
			if err != nil || len(ran) != 2 || strings.HasPrefix(ran[0], "Ran 0 ") {
				t.Fatalf("%v\n%s", err, out)
			}
			p.left()
			if r := p.rows[len(p.rows)-1]; !r.Works {
				t.Error(r)
			}
		})
	}
}
