// Package check looks for faults in configurations and tells them as diagnostics: a directory, a file, a text. The
// command line and the plugin both ask here, so they say the same.
package check

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/manifest"
	"github.com/cni-shim/cni-shim/pkg/rules"
	"github.com/cni-shim/cni-shim/pkg/secret"
	"github.com/cni-shim/cni-shim/pkg/source"
)

// Options of a check. The zero value is that of a node with containerd.
type Options struct {
	Runtime string // "containerd" or "crio"; they differ in what a broken first file costs
	OnNode  bool   // the directory is the one that a runtime of this node reads, and no copy of another's
	Root    string // of the node's files; "" for /
	All     bool   // the runtime attaches pods to every network of the directory
}

// Result is what was read and what was found.
type Result struct {
	List  diag.List
	Files []File     // that were read, in order
	Dir   *rules.Dir // the directory that was read, nil where it was none
}

// File is one configuration that was read.
type File struct {
	Path    string
	Text    []byte // of the whole file
	Refused bool   // libcni refuses the configuration, or one of those in it
	Parts   []Part // what is in it
}

// Part is one configuration in a file: the file itself, or a value in a manifest.
type Part struct {
	Name     string // of a value in a manifest: its object and key
	Text     []byte
	Findings []rules.Finding
	Where    func(offset int) int // from an offset in Text to one in the file; nil when they are the same
}

// Path checks what the path names: a directory as a runtime reads it, else one file.
func Path(path string, o Options) (*Result, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return dir(path, o)
	}
	text, err := source.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &Result{}
	r.file(path, text, filepath.Dir(path))
	r.mask()
	return r, nil
}

// Text checks a text that is no file of its own, by the name it is shown under.
func Text(name string, text []byte) *Result {
	r := &Result{}
	r.file(name, text, "")
	r.mask()
	return r
}

// mask hides the secrets of what was read in what was found: a message may quote a value that is one by a key further out.
func (r *Result) mask() {
	if len(r.List) == 0 {
		return
	}
	var known secret.Known
	for _, f := range r.Files {
		known.Learn(f.Text)
	}
	for i := range r.List {
		d := &r.List[i]
		d.Message, d.Fix = known.Mask(d.Message), known.Mask(d.Fix)
	}
}

func dir(path string, o Options) (*Result, error) {
	d, err := source.ReadDir(path)
	if err != nil {
		return nil, err
	}
	r := &Result{}
	if r.manifests(d) {
		r.mask()
		return r, nil
	}
	rd := &rules.Dir{Dir: d, Runtime: o.Runtime, Confs: map[string]*rules.Conf{}, OnNode: o.OnNode, Root: o.Root, All: o.All}
	r.Dir = rd
	for _, e := range d.Entries {
		if e.Candidate && e.Err == nil {
			rd.Confs[e.Name] = r.conf(e.Path, rules.KindOf(e.Name), e.Text, path)
		}
	}
	lines := map[string]*diag.Lines{path: diag.NewLines(nil)}
	for _, f := range rules.CheckDir(rd) {
		if lines[f.Path] == nil {
			lines[f.Path] = diag.NewLines(d.Text(f.Path))
		}
		r.List = append(r.List, diagnostic(f.Path, lines[f.Path], f.Finding, nil))
	}
	sortByFile(r.List, path)
	r.mask()
	return r, nil
}

// conf checks one configuration file. dir is where libcni looks for the network's own directory, "" for nowhere.
func (r *Result) conf(path string, kind rules.Kind, text []byte, dir string) *rules.Conf {
	c := rules.New(filepath.Base(path), kind, text, false)
	var fragments []string
	if dir != "" {
		fragments = c.ReadSub(dir)
	}
	r.add(path, text, []Part{{Text: text, Findings: rules.Check(c)}})
	for _, f := range fragments {
		if text, err := source.ReadFile(f); err != nil {
			r.List = append(r.List, diagnostic(f, nil, rules.Unreadable(f, err), nil))
		} else {
			fc := rules.New(filepath.Base(f), rules.Fragment, text, false)
			r.add(f, text, []Part{{Text: text, Findings: rules.Check(fc)}})
		}
	}
	return c
}

// maxTold bounds the findings of one file: a manifest may hold thousands of configurations.
const maxTold = 1000

// add notes a file that was read and tells its findings.
func (r *Result) add(path string, text []byte, parts []Part) {
	f := File{Path: path, Text: text, Parts: parts}
	lines, told, before := diag.NewLines(text), 0, len(r.List)
	for _, p := range parts {
		for _, x := range p.Findings {
			f.Refused = f.Refused || x.Refused
			if told++; told <= maxTold {
				r.List = append(r.List, diagnostic(path, lines, x, p.Where))
			}
		}
	}
	slices.SortStableFunc(r.List[before:], byPlace)
	r.Files = append(r.Files, f)
}

func byPlace(a, b diag.Diagnostic) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) }

// diagnostic gives a finding its place in the file.
func diagnostic(path string, lines *diag.Lines, f rules.Finding, where func(int) int) diag.Diagnostic {
	d := diag.Diagnostic{Rule: f.Rule.ID, Severity: f.Severity, Message: f.Message, Fix: f.Fix, Refused: f.Refused}
	d.File = path
	if f.Whole && where == nil {
		return d
	}
	start, end := f.Start, f.End
	if where != nil {
		start, end = where(start), where(end)
	}
	d.Line, d.Column = lines.Place(start)
	d.EndLine, d.EndColumn = lines.Place(max(start, end))
	return d
}

// sortByFile orders findings by file and place, those of the directory itself last.
func sortByFile(l diag.List, dir string) {
	slices.SortStableFunc(l, func(a, b diag.Diagnostic) int {
		if (a.File == dir) != (b.File == dir) {
			if a.File == dir {
				return 1
			}
			return -1
		}
		return cmp.Or(strings.Compare(a.File, b.File), byPlace(a, b))
	})
}

// file checks one file for what it is: a manifest, else a configuration. dir is where it lies, "" for nowhere.
func (r *Result) file(path string, text []byte, dir string) {
	if r.manifest(path, text) {
		return
	}
	r.conf(path, kindOf(path, text), text, dir)
}

// kindOf is the kind by a file's name; of one without a name that runtimes read, by what is in it.
func kindOf(path string, text []byte) rules.Kind {
	if source.Readable(path) {
		return rules.KindOf(path)
	}
	if c := rules.New(path, rules.List, text, false); c.Root != nil && c.Root.Get("plugins") == nil && c.Root.Fold("type") != nil {
		return rules.Single
	}
	return rules.List
}

// manifest checks the configurations in a Kubernetes manifest; false when the text is none.
func (r *Result) manifest(path string, text []byte) bool {
	values, ok := manifest.Find(text)
	if !ok {
		return false
	}
	var parts []Part
	for _, v := range values {
		c := rules.New(v.Key, rules.List, v.Text, true)
		if kindOf("", c.Text) == rules.Single {
			c = rules.New(v.Key, rules.Single, v.Text, true)
		}
		parts = append(parts, Part{Name: v.Object + ", " + v.Key, Text: v.Text, Findings: rules.Check(c), Where: v.Where})
	}
	r.add(path, text, parts)
	return true
}

// manifests checks a directory of manifests: one without any name that a runtime reads. False when it is none.
func (r *Result) manifests(d *source.Dir) bool {
	var found bool
	for _, e := range d.Entries {
		if e.Candidate {
			return false
		}
	}
	for _, e := range d.Entries {
		if ext := filepath.Ext(e.Name); e.IsDir() || ext != ".yaml" && ext != ".yml" {
			continue
		}
		if text, err := source.ReadFile(e.Path); err == nil {
			if values, ok := manifest.Find(text); ok && len(values) > 0 {
				found = r.manifest(e.Path, text) || found
			}
		}
	}
	return found
}
