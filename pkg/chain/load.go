package chain

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/containernetworking/cni/libcni"

	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/disk"
	"github.com/cni-shim/cni-shim/pkg/jsondoc"
	"github.com/cni-shim/cni-shim/pkg/rules"
)

// MaxSize bounds a configuration file, in bytes: a thousand times what any network needs.
const MaxSize = 16 << 20

// extensions that runtimes read (containerd's go-cni and CRI-O's ocicni agree).
var extensions = []string{".conf", ".conflist", ".json"}

// Load reads the chain that an entry refers to. Errors are *Error.
func Load(c *config.Config) (*Chain, error) {
	switch {
	case c.Chain.Inline != nil:
		return loadInline(c)
	case c.Chain.Path == "":
		return loadDir(config.DefaultConfDir, c.Repair)
	}
	fi, err := os.Stat(c.Chain.Path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, missing(c.Chain.Path, `"chain" names a file or directory that does not exist`)
	case err != nil:
		return nil, unreadable(c.Chain.Path, err)
	case fi.IsDir():
		return loadDir(c.Chain.Path, c.Repair)
	}
	return loadFile(c.Chain.Path, c.Repair)
}

// loadDir reads the first file in byte order that is not the shim's own. A broken one stops it: to go on to the next, as
// CRI-O does, could put pods into the wrong network.
func loadDir(dir string, repair bool) (*Chain, error) {
	files, err := Files(dir)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	for _, f := range files {
		c, err := loadFile(f, repair)
		if err != nil {
			var e *Error
			if errors.As(err, &e) && namesShim(e.text) {
				continue
			}
			return nil, err
		}
		if c.Own() {
			continue
		}
		c.Source.Kind = Directory
		return c, nil
	}
	return nil, missing(dir, "no network configuration"+besides(dir, len(files)))
}

// Files lists what a runtime would read in a directory, in its order. A directory that does not exist is empty.
func Files(dir string) ([]string, error) {
	files, err := libcni.ConfFiles(dir, extensions)
	sort.Strings(files)
	return files, err
}

// besides tells what else is in a directory without a configuration: a file under a wrong name is the usual cause.
func besides(dir string, own int) string {
	var others []string
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return "; the directory does not exist"
	}
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); !e.IsDir() && ext != ".conf" && ext != ".conflist" && ext != ".json" && len(others) < 3 {
			others = append(others, e.Name())
		}
	}
	text := ""
	if own > 0 {
		text = " besides the shim's own"
	}
	if len(others) > 0 {
		text += fmt.Sprintf(" (%s: not a name that runtimes read)", strings.Join(others, ", "))
	}
	return text
}

// namesShim tells a file that does not parse and yet is the shim's own list.
func namesShim(text []byte) bool {
	for s := string(text); ; {
		i := strings.Index(s, `"type"`)
		if i < 0 {
			return false
		}
		s = strings.TrimLeft(s[i+len(`"type"`):], " \t\r\n:")
		if strings.HasPrefix(s, `"`+config.Type+`"`) {
			return true
		}
	}
}

// LoadFile reads one file as runtimes do: a .conflist is a list and gets the plugins of the sub-directory of its name, a
// .conf or .json is a single plugin. A file of another name, which only an entry can refer to, is what it looks like.
func LoadFile(path string) (*Chain, error) { return loadFile(path, false) }

// loadFile reads one file. With repair, one that libcni refuses is read in the form that check --fix would give it, where
// nothing else is wrong with it than what carries no information.
func loadFile(path string, repair bool) (*Chain, error) {
	text, err := disk.ReadAnyone(path, MaxSize)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, missing(path, "the file does not exist, or the link leads nowhere")
		}
		return nil, unreadable(path, err)
	}
	list, err := parse(path, text)
	if err == nil {
		return &Chain{NetworkConfigList: list, Source: Source{File, path}}, nil
	}
	refused := invalid(path, text, err)
	if !repair {
		return nil, refused
	}
	mended, faults, ok := jsondoc.Repair(text)
	if !ok {
		return nil, refused
	}
	if list, err = parse(path, mended); err != nil {
		return nil, refused
	}
	c := &Chain{NetworkConfigList: list, Source: Source{File, path}}
	for _, f := range faults[:min(len(faults), maxMended)] {
		d := diag.Diagnostic{Rule: f.Rule, Severity: diag.Error, Message: f.Cause, Fix: f.Fix, Refused: true}
		d.File = path
		d.Line, d.Column = diag.LineColumn(text, f.Start)
		c.Mended = append(c.Mended, d)
	}
	return c, nil
}

// maxMended bounds how many mended faults are told.
const maxMended = 20

// parse reads a file's text by the file's name, as runtimes do.
func parse(path string, text []byte) (*libcni.NetworkConfigList, error) {
	if kindOf(path, text) == rules.Single {
		return fromSingle(text)
	}
	return fromList(text, filepath.Dir(path))
}

// kindOf tells whether a file is read as a list or as one plugin. One of a name that runtimes do not read, which only an
// entry can refer to, is what it looks like.
func kindOf(path string, text []byte) rules.Kind {
	ext := filepath.Ext(path)
	if ext == ".conf" || ext == ".json" || ext != ".conflist" && !isList(text) {
		return rules.Single
	}
	return rules.List
}

func isList(text []byte) bool {
	var l struct{ Plugins json.RawMessage }
	return json.Unmarshal(text, &l) == nil && l.Plugins != nil
}

// fromSingle follows go-cni's loadFromConfDir for a file that is no list.
func fromSingle(text []byte) (*libcni.NetworkConfigList, error) {
	conf, err := libcni.NetworkPluginConfFromBytes(text)
	if err != nil {
		return nil, err
	}
	if isList(text) && conf.Network.Type == "" {
		return nil, errors.New(`a list of plugins in a .conf or .json file, which holds a single plugin`)
	}
	//lint:ignore SA1019 deprecated, and still what runtimes do with these files
	return libcni.ConfListFromConf(conf)
}

// fromList follows libcni.NetworkConfFromFile, with bounded reads.
func fromList(text []byte, dir string) (*libcni.NetworkConfigList, error) {
	list, err := libcni.NetworkConfFromBytes(text)
	if err != nil {
		return nil, err
	}
	if err := appendDir(list, dir); err != nil {
		return nil, err
	}
	if len(list.Plugins) == 0 {
		return nil, errors.New("no plugin configs found")
	}
	return list, nil
}

// AddSubDirectory appends the plugins of the list's sub-directory in dir, where they belong to it and are not in it yet.
// Errors are *Error.
func (c *Chain) AddSubDirectory(dir string) error {
	err := appendDir(c.NetworkConfigList, dir)
	var e *Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return unreadable(filepath.Join(dir, c.Name), err)
}

// appendDir appends the plugin objects of <dir>/<network name>/*.conf, as libcni ≥ 1.3 does; one bad file refuses the whole.
func appendDir(list *libcni.NetworkConfigList, dir string) error {
	if list.LoadOnlyInlinedPlugins {
		return nil
	}
	dir = filepath.Join(dir, list.Name)
	files, err := libcni.ConfFiles(dir, []string{".conf"})
	if err != nil {
		return fmt.Errorf("plugin configurations in %s: %w", dir, err)
	}
	for _, f := range files {
		text, err := disk.ReadAnyone(f, MaxSize)
		if err != nil {
			return unreadable(f, err)
		}
		conf, err := libcni.NetworkPluginConfFromBytes(text)
		if err != nil {
			return fragment(f, text, err)
		}
		list.Plugins = append(list.Plugins, conf)
	}
	return nil
}

// loadInline reads the chain out of the entry. A name or version that it lacks is that of the list around it.
func loadInline(c *config.Config) (*Chain, error) {
	source := Source{Kind: Inline}
	list, err := inlineList(c)
	if err != nil {
		return nil, &Error{Reason: configInvalid, Source: source, Cause: `"chain": ` + plain(err), Fix: configInvalid.Cure, err: err}
	}
	return &Chain{NetworkConfigList: list, Source: source}, nil
}

func inlineList(c *config.Config) (*libcni.NetworkConfigList, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(c.Chain.Inline, &raw); err != nil {
		return nil, err
	}
	for key, value := range map[string]string{"name": c.Name, "cniVersion": c.CNIVersion} {
		if _, ok := raw[key]; !ok {
			raw[key], _ = json.Marshal(value)
		}
	}
	text, err := json.Marshal(raw)
	if err != nil {
		return nil, err
	}
	if _, ok := raw["plugins"]; ok {
		return libcni.NetworkConfFromBytes(text)
	}
	return fromSingle(text)
}

// FindOwn finds the list of a network that the shim stands in: on disk, by network name. Nil when there is none.
func FindOwn(dir, network string) *Chain {
	files, _ := Files(dir)
	for _, f := range files {
		if c, err := LoadFile(f); err == nil && c.Own() && c.Name == network {
			return c
		}
	}
	return nil
}
