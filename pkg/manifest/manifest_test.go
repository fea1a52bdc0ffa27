package manifest

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/cni-shim/cni-shim/pkg/steps/stepstest"
)

const config = "{\n  \"name\": \"lab\",\n  \"cniVersion\": \"1.0.0\",\n\n  \"plugins\": [ { \"type\": \"it's\", \"mtu\": __CNI_MTU__ } ]\n}\n"

// Every style in which YAML can hold the text, and every shape of manifest that tools write.
func TestFind(t *testing.T) {
	quotedText := strings.NewReplacer("\n", `\n`, `"`, `\"`).Replace(config)
	block := strings.ReplaceAll(strings.ReplaceAll("    "+config, "\n", "\n    "), "\n    \n", "\n\n")
	block = strings.TrimRight(block, " ")
	for name, text := range map[string]string{
		"literal":      "kind: ConfigMap\nmetadata: {name: a}\ndata:\n  # a remark\n  net-conf.json: |\n    {\"Network\": \"x\"}\n  cni-conf.json: |\n" + block,
		"stripped":     "kind: ConfigMap\ndata:\n  cni-conf.json: |-  # why\n" + block + "\n\nother: 1\n",
		"indented":     "kind: ConfigMap\ndata:\n  cni-conf.json: |2+\n" + block,
		"crlf":         strings.ReplaceAll("kind: ConfigMap\ndata:\n  cni-conf.json: |\n"+block, "\n", "\r\n"),
		"double":       "kind: ConfigMap\ndata:\n  \"cni-conf.json\": \"" + quotedText + "\"\nx: y\n",
		"double lines": "kind: ConfigMap\ndata:\n  cni-conf.json: \"{\\\n    \\\"plugins\\\": [],\n\n    \\\"type\\\": 1 }\"\n",
		"single":       "kind: NetworkAttachmentDefinition\nspec:\n  config: '" + strings.ReplaceAll(strings.TrimSpace(config), "'", "''") + "'\nmetadata:\n  name: x\n",
		"folded":       "kind: ConfigMap\ndata:\n  cni-conf.json: >-\n" + block,
		"list":         "apiVersion: v1\nkind: List\nitems:\n- kind: ConfigMap\n  data:\n    cni-conf.json: |\n      { \"plugins\": [\n      ] }\n-\n  kind: Secret\n",
		"documents":    "# licence\n---\nkind: ServiceAccount\n---\nkind: ConfigMap\ndata:\n  cni_network_config: |-\n" + block + "---\nkind: DaemonSet\nspec:\n  args: [ \"a: b\", 'c' ]\n  x: {y: z}\n",
		"anchored":     "kind: ConfigMap\ndata: &d\n  cni-conf.json: !!str |\n" + block,
	} {
		t.Run(name, func(t *testing.T) {
			values, ok := Find([]byte(text))
			if !ok || len(values) != 1 {
				t.Fatalf("%v %d values in\n%s", ok, len(values), text)
			}
			v := values[0]
			if want := reference(t, text); string(v.Text) != want {
				t.Errorf("text\n%q, want\n%q", v.Text, want)
			}
			checkPlaces(t, text, v)
		})
	}
	for _, text := range []string{"", "a: b\n", "{", "- x\n", "kind:\n- a\n"} {
		if v, ok := Find([]byte(text)); ok || v != nil {
			t.Errorf("%q is no manifest: %v %v", text, v, ok)
		}
	}
	values, ok := Find([]byte(`{"kind": "List", "items": [{"kind": "ConfigMap", "metadata": {"name": "x", "namespace": "y"}, "data": {"a.conflist": "{\n\"plugins\": [\"\u00e4\"]}"}}]}`))
	if !ok || len(values) != 1 || string(values[0].Text) != "{\n\"plugins\": [\"ä\"]}" || values[0].Object != "ConfigMap y/x" {
		t.Errorf("JSON: %v %+v", ok, values)
	}
}

// reference is what the reference reader finds at the same place.
func reference(t *testing.T, text string) string {
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var doc struct {
			Kind  string
			Data  map[string]string
			Spec  struct{ Config string }
			Items []struct{ Data map[string]string }
		}
		if err := dec.Decode(&doc); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if doc.Spec.Config != "" {
			return doc.Spec.Config
		}
		for _, d := range append(doc.Items, struct{ Data map[string]string }{doc.Data}) {
			for k, v := range d.Data {
				if k != "net-conf.json" && v != "" {
					return v
				}
			}
		}
	}
}

// checkPlaces holds that every byte of the value stands where it is said to stand; white space and escapes may be
// written otherwise.
func checkPlaces(t *testing.T, text string, v Value) {
	t.Helper()
	last := -1
	for i, c := range v.Text {
		at := v.Where(i)
		if at < last || at >= len(text) && c != '\n' {
			t.Fatalf("byte %d at %d, the one before at %d, of %d", i, at, last, len(text))
		}
		last = at
		if c == ' ' || c == '\n' || c >= 0x80 || text[at] == '\\' {
			continue
		}
		if text[at] != c {
			t.Fatalf("byte %d: %q is not %q", i, text[at], c)
		}
	}
	if end := v.Where(len(v.Text)); end < last || end > len(text) {
		t.Fatalf("end %d of %d", end, len(text))
	}
}

// The law: whatever text the reference writer puts into a ConfigMap, in whatever style, comes out as it was.
func FuzzStyles(f *testing.F) {
	for style := range 5 {
		f.Add(config, style)
		f.Add("{ \"plugins\": [\n\t\t\"type\" ]\n\n  }\n\n", style)
	}
	f.Fuzz(func(t *testing.T, config string, style int) {
		styles := []yaml.Style{0, yaml.LiteralStyle, yaml.FoldedStyle, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle}
		scalar := func(s string, style yaml.Style) *yaml.Node {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: style}
		}
		config = strings.ToValidUTF8(config, "?")
		if strings.TrimSpace(config) == "" {
			return
		}
		text, err := yaml.Marshal(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
			scalar("kind", 0), scalar("ConfigMap", 0),
			scalar("data", 0), {Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("a", 0), scalar("b", 0), scalar("cni-config", 0), scalar(config, styles[uint(style)%5])}},
		}})
		if err != nil {
			return
		}
		var back struct{ Data map[string]string }
		if yaml.Unmarshal(text, &back) != nil || back.Data["cni-config"] != config {
			return // the reference does not read what it writes
		}
		values, ok := Find(text)
		if !ok || len(values) != 1 || string(values[0].Text) != config {
			t.Fatalf("%v %+v\nfrom %q\nin\n%s", ok, values, config, text)
		}
		checkPlaces(t, string(text), values[0])
	})
}

// Texts that a reader once did not come to the end of, or not without a panic.
func TestEnds(t *testing.T) {
	deep := ""
	for i := range 2 * maxDepth {
		deep += strings.Repeat(" ", i) + "a:\n"
	}
	for _, text := range []string{
		"&-", "!-", "&a-\n", "kind: ConfigMap\ndata:\n  a: b\n&anchor-", "kind: ConfigMap\nmetadata:\n  name: a\n---\n!-", "- &-", "a: &-\n-",
		deep, deep + "kind: ConfigMap\n", strings.Repeat("- ", 2*maxDepth) + "a", "kind: ConfigMapList\nitems:\n- &a\n- !b\n-\n",
		`"` + strings.Repeat(" ", 1<<16), "'" + strings.Repeat("\t", 1<<16), strings.Repeat("- ", 1<<16), strings.Repeat("a: &-\n", 1<<14), strings.Repeat("\n", 1<<16),
		strings.Repeat("a:\n\n", 1<<14), "a\n" + strings.Repeat("\n b", 1<<14), strings.Repeat("{", 1<<16), strings.Repeat("---\n", 1<<14), "a: |\n" + strings.Repeat(" \n", 1<<14),
	} {
		Find([]byte(text)) // package steps panics where it does not end
	}
}

// Whatever the text, reading it takes steps in proportion to its length, however often its parts are repeated, and places lie inside.
func FuzzFind(f *testing.F) {
	f.Add([]byte("kind: ConfigMap\ndata:\n  cni-conf.json: |\n    {}\n---\n- a:\n  - 'b\n"))
	f.Add([]byte("{\"kind\": \"ConfigMap\", \"data\": {\"cni-config\": \"\\u0041\"}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		values, _ := Find(text)
		for _, v := range values {
			for i := range len(v.Text) + 1 {
				if at := v.Where(i); at < 0 || at > len(text) {
					t.Fatalf("place %d of %d", at, len(text))
				}
			}
		}
		Find(stepstest.Long(text))
	})
}
