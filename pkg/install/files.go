package install

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cni-shim/cni-shim/conf"
	"github.com/cni-shim/cni-shim/pkg/config"
	"github.com/cni-shim/cni-shim/pkg/disk"
)

const (
	programName    = config.Type
	unitName       = "cni-shim-watch.service"
	adminUnit      = "/etc/systemd/system/" + unitName
	vendorUnit     = "/usr/lib/systemd/system/" + unitName
	wantsPath      = "/etc/systemd/system/multi-user.target.wants/" + unitName
	catalogPath    = "/usr/local/lib/systemd/catalog/cni-shim.catalog"
	defaultBinDir  = "/opt/cni/bin"
	maxProgramSize = 64 << 20
)

// item is a file as it has to be.
type item struct {
	path   string // on the node
	mode   fs.FileMode
	text   []byte
	target string // of a link; then there is no text
	// reader is a directory that is there where somebody reads such files; empty: always.
	reader string
	// vendor is where a package has the same file; where it is there, none is laid down.
	vendor string
}

func (it *item) digest() string {
	if it.target != "" {
		return "link " + it.target
	}
	// It tells an edited file, not an attacker's: those who can write here are root. SHA-256 links 16 packages.
	h := fnv.New128a()
	h.Write(it.text)
	return hex.EncodeToString(h.Sum(nil))
}

// digestOf is the digest of what lies at a path; os.ErrNotExist where nothing does.
func digestOf(path string) (string, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if fi.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(path)
		return "link " + target, err
	}
	text, err := disk.ReadAnyone(path, maxProgramSize)
	if err != nil {
		return "", err
	}
	return (&item{text: text}).digest(), nil
}

// support are the files for people and the service manager. None is worth a failure.
func (p *Plan) support() ([]item, error) {
	items := []item{
		{path: "/usr/local/bin/cni-shim", target: filepath.Join(p.BinDir, programName), reader: "/usr/local/bin", vendor: "/usr/bin/cni-shim"},
		{path: catalogPath, text: conf.Catalog, reader: "/usr/lib/systemd/catalog", vendor: "/usr/lib/systemd/catalog/cni-shim.catalog"},
		{path: "/etc/tmpfiles.d/cni-shim.conf", text: conf.Tmpfiles, reader: "/usr/lib/tmpfiles.d", vendor: "/usr/lib/tmpfiles.d/cni-shim.conf"},
		{path: wantsPath, target: p.unitPath(), reader: "/etc/systemd/system"},
	}
	if p.unitPath() == adminUnit {
		items = append(items, item{path: adminUnit, text: p.unit(), reader: "/etc/systemd/system"})
	}
	if p.o.Completion != nil {
		for _, c := range []struct{ shell, dir, name, reader string }{
			{"bash", "bash-completion/completions", "cni-shim", "bash-completion"},
			{"zsh", "zsh/site-functions", "_cni-shim", "zsh"},
			{"fish", "fish/vendor_completions.d", "cni-shim.fish", "fish"},
		} {
			items = append(items, item{path: filepath.Join("/usr/local/share", c.dir, c.name), text: p.o.Completion(c.shell),
				reader: "/usr/share/" + c.reader, vendor: filepath.Join("/usr/share", c.dir, c.name)})
		}
	}
	pages, err := conf.Man.ReadDir("man")
	if err != nil {
		return nil, err
	}
	for _, page := range pages {
		text, err := conf.Man.ReadFile("man/" + page.Name())
		if err != nil {
			return nil, err
		}
		section := "man" + strings.TrimPrefix(filepath.Ext(page.Name()), ".")
		items = append(items, item{path: filepath.Join("/usr/local/share/man", section, page.Name()), text: text,
			reader: "/usr/share/man", vendor: filepath.Join("/usr/share/man", section, page.Name()+".gz")})
	}
	for i := range items {
		items[i].mode = 0o644
	}
	return items, nil
}

// unitPath is where the unit lies that will be started: the package's, where there is one and it serves this node.
func (p *Plan) unitPath() string {
	if p.there(vendorUnit) && bytes.Equal(p.unit(), conf.Unit) {
		return vendorUnit
	}
	return adminUnit
}

func (p *Plan) there(path string) bool { return exists(p.path(path)) }

// unit is the service for this node's directories and runtime.
func (p *Plan) unit() []byte {
	const usual = "ExecStart=" + defaultBinDir + "/" + programName + " watch"
	start, writes := usual, "ReadWritePaths=-/etc/cni"
	if p.ConfDir != config.DefaultConfDir || p.BinDir != defaultBinDir {
		quote := func(s string) string {
			return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "%", "%%", "$", "$$").Replace(s) + `"`
		}
		start = "ExecStart=" + quote(p.BinDir+"/"+programName) + " watch --conf-dir " + quote(p.ConfDir) + " --bin-dir " + quote(p.BinDir)
		writes = "ReadWritePaths=" + quote("-"+p.ConfDir)
	}
	if p.Withdraw {
		start += " --withdraw"
	}
	return []byte(strings.NewReplacer(usual, start, "ReadWritePaths=-/etc/cni", writes).Replace(string(conf.Unit)))
}

// planFiles decides about the program and the support files. The record tells which of those that lie there are ours.
func (p *Plan) planFiles() error {
	text, err := disk.ReadAnyone(p.o.Program, maxProgramSize)
	if err != nil {
		return fmt.Errorf("the program to install: %w", err)
	}
	program := item{path: filepath.Join(p.BinDir, programName), mode: 0o755, text: text}
	rec, err := readRecord(p.o.Root)
	if err != nil {
		p.warn("", "%v: what an earlier install laid down is not known", err)
	}
	p.planItem(program, rec, true)
	support, err := p.support()
	if err != nil {
		return err
	}
	wanted := map[string]bool{program.path: true}
	for _, it := range support {
		if it.vendor != "" && p.there(it.vendor) || it.reader != "" && !p.there(it.reader) {
			continue
		}
		wanted[it.path] = true
		p.planItem(it, rec, false)
	}
	for _, f := range rec.Files {
		if !wanted[f.Path] && p.there(f.Path) {
			p.act(Remove, f.Path, "an earlier install laid it down, and it is of no use any more")
		}
	}
	return nil
}

func (p *Plan) planItem(it item, rec *record, ours bool) {
	at := p.path(it.path)
	is, err := digestOf(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if why := p.mountProblem(filepath.Dir(it.path), false); why != "" && !ours {
			p.act(Leave, it.path, why)
			return
		}
		p.act(Write, it.path, "")
	case err == nil && is == it.digest() && p.modeIs(at, it):
		p.act(Keep, it.path, "")
	case !ours && !rec.laid(it.path, is):
		p.act(Leave, it.path, "it is not as an install left it: somebody's own")
		return
	default:
		p.act(Replace, it.path, "")
	}
	p.items = append(p.items, it)
}

func (p *Plan) modeIs(at string, it item) bool {
	fi, err := os.Lstat(at)
	return err == nil && (it.target != "" || fi.Mode() == it.mode)
}
