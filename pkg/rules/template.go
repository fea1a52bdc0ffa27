package rules

import (
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/secret"
)

var templateUnresolved = Rule{
	ID: "template-unresolved", Title: "a placeholder that was never replaced", Severity: diag.Error, Refuses: true,
	Doc:    "An installer or a template engine should have put a value in the place of __X__, {{ X }}, {% X %} or ${X}. In a manifest __X__ is right: the add-on's installer replaces it when it writes the file on the node. A template engine's {{ X }} is wrong in both.",
	Fix:    "let the installer write the file again, or put the value in",
	Bad:    `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "calico", "nodename": "«__KUBERNETES_NODE_NAME__»"}]}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "calico", "nodename": "worker-1"}]}`,
	Source: "the manifests of Calico and flannel; aws/amazon-vpc-cni-k8s:misc/10-aws.conflist",
	Check: func(p *Pass) {
		walk(p.Root, func(n *jsondoc.Node) {
			if n.Kind != jsondoc.String {
				return
			}
			start, end, ok := jsondoc.Placeholder(p.Text[n.Start:n.End])
			if !ok {
				return
			}
			what := p.Text[n.Start+start : n.Start+end]
			if p.Manifest && what[0] != '{' && what[0] != '<' {
				return
			}
			if secret.Key(n.Key) {
				what = []byte("in the value of " + label(n))
			}
			p.at(n.Start+start, n.Start+end, "", "the placeholder %s was never replaced", what)
		})
	},
}

var _ = add(&templateUnresolved)
