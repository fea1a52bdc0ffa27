package rules

import (
	"bytes"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
)

// refused is the last resort: libcni refuses a configuration and no rule tells why.
var refused = Rule{
	ID: "libcni-refuses", Title: "libcni refuses the configuration", Severity: diag.Error, Refuses: true,
	Doc: "No other rule explains the refusal, so the words are libcni's own.", Fix: "correct what libcni names",
	Source: "containernetworking/cni:libcni/conf.go",
}

var _ = add(&refused)

var jsonTopLevelType = Rule{
	ID: "json-top-level-type", Title: "the top-level value is no object", Severity: diag.Error, Refuses: true,
	Doc:    "A network configuration is one JSON object. An array of them, a string that holds JSON, or null is refused.",
	Fix:    "write one object, { … }",
	Bad:    `«[»{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "bridge"}]}]`,
	Good:   `{"cniVersion": "1.0.0", "name": "lab", "plugins": [{"type": "loopback"}]}`,
	Source: "containernetworking/cni:libcni/conf.go",
	Check: func(p *Pass) {
		switch n := p.Root; {
		case n.Kind == jsondoc.Object:
		case n.Kind == jsondoc.String && strings.HasPrefix(strings.TrimSpace(n.Str()), "{"):
			p.at(n.Start, n.End, "write the text of the string itself, without its quotes and backslashes", "the whole file is one string that holds JSON")
		default:
			p.value(n, "", "the file holds %s where a network configuration, an object, must stand", n.Kind)
		}
	},
}

var _ = add(&jsonTopLevelType)

// isList and isPlugin tell an object that was meant as a list or as one plugin.
func (c *Conf) isList() bool { return c.Root.Get("plugins") != nil }

func (c *Conf) isPlugin() bool { return c.Root.Fold("type") != nil }

var notCNI = Rule{
	ID: "not-a-cni-config", Title: "another program's file under a name that runtimes read", Severity: diag.Error, Refuses: true,
	Doc:    "Runtimes read every .conf, .conflist and .json of the directory as a network configuration; a kubeconfig or a daemon's settings among them make containerd refuse the directory.",
	Fix:    "move the file elsewhere, or give it a name without .conf, .conflist and .json",
	File:   "20-daemon.json",
	Bad:    `«{»"storage-driver": "overlay2", "log-level": "warn"}`,
	Good:   `{"cniVersion": "1.0.0", "name": "lo", "type": "loopback"}`,
	Source: "containernetworking/cni:libcni/conf.go; containerd/go-cni:opts.go",
	Check: func(p *Pass) {
		if p.foreign() {
			p.value(p.Root, "", "no network configuration: it has none of name, cniVersion, type and plugins")
		}
	},
}

var _ = add(&notCNI)

// foreign tells an object that has nothing of a network configuration.
func (c *Conf) foreign() bool {
	if c.Root.Kind != jsondoc.Object || len(c.Root.Kids) == 0 || c.Kind == Fragment {
		return false
	}
	for _, k := range c.Root.Kids {
		switch strings.ToLower(k.Key) {
		case "name", "cniversion", "cniversions", "type", "plugins", "ipam", "loadonlyinlinedplugins", "disablecheck", "disablegc", "capabilities", "type:", "plugin", "delegates":
			return false
		}
	}
	return true
}

// notOurs turns the finding of a file in another format into the graver one of a file that does not belong here,
// where its text says whose it is.
func notOurs(c *Conf, out *[]Finding) {
	f := &(*out)[0]
	if linkText(c.Raw) && !c.Manifest {
		*f = Finding{Rule: &danglingLink, Severity: diag.Error, Whole: true, Message: "the file is a link that was written as text: it holds " + strings.TrimSpace(string(c.Raw)), Fix: "delete it, or make it the link that it was"}
		*out = (*out)[:1]
		return
	}
	if f.Rule.ID != "json-not-json" || c.Manifest {
		return
	}
	if bytes.Contains(c.Raw, []byte("apiVersion:")) && bytes.Contains(c.Raw, []byte("kind:")) {
		what := "a Kubernetes manifest in YAML"
		if bytes.Contains(c.Raw, []byte("clusters:")) {
			what = "a kubeconfig"
		}
		f.Rule, f.Message, f.Fix = &notCNI, "the file is "+what+", and runtimes read it as a network configuration", notCNI.Fix
	}
}

// words shortens libcni's error to what it says.
func words(err error) string {
	s := strings.NewReplacer("error parsing configuration list: ", "", "error parsing configuration: ", "").Replace(err.Error())
	return "libcni: " + s
}
