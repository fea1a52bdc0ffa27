package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/check"
	"github.com/cni-shim/cni-shim/pkg/diag"
	"github.com/cni-shim/cni-shim/pkg/rights"
	"github.com/cni-shim/cni-shim/pkg/rules"
	"github.com/cni-shim/cni-shim/pkg/secret"
	"github.com/cni-shim/cni-shim/pkg/source"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

func newCheck(env *Env) *cobra.Command {
	f := &checkFlags{}
	c := &cobra.Command{
		Use:   "check [PATH... | -]",
		Short: "find every fault of a configuration, to the line and the column",
		Long: `check finds every fault of a configuration, to the line and the column.

PATH is a directory as runtimes read it, one file, or a Kubernetes manifest that holds configurations; - is stdin.
Without PATH it checks this node. Exit status: 0 clean, 1 errors (with --strict warnings too), 2 usage.`,
		Example: `  cni-shim check
  cni-shim check /etc/cni/net.d/10-calico.conflist
  kubectl -n kube-system get configmap calico-config -o yaml | cni-shim check -
  cni-shim check --fix --dry-run calico.yaml`,
		Annotations: map[string]string{answers: ""},
		RunE: func(_ *cobra.Command, paths []string) error {
			f.paths = paths
			return f.run(env)
		},
	}
	outputFlag(c, &f.output, "text", "json", "sarif", "github")
	c.Flags().StringVar(&f.runtime, "runtime", "containerd", "containerd or cri-o: whose reading of a directory")
	c.Flags().BoolVar(&f.strict, "strict", false, "fail on warnings, too")
	c.Flags().BoolVar(&f.fix, "fix", false, "fix what is unambiguous, keep the old file as NAME.bak")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "with --fix: show what would be fixed")
	return c
}

// checkFlags is the command line of check.
type checkFlags struct {
	output, runtime     string
	strict, fix, dryRun bool
	paths               []string
}

func (f *checkFlags) run(env *Env) error {
	f.runtime = strings.ReplaceAll(f.runtime, "-", "")
	switch {
	case f.runtime != "containerd" && f.runtime != "crio":
		return usagef("unknown runtime %q: containerd or cri-o", f.runtime)
	case f.dryRun && !f.fix:
		return usagef("--dry-run is for --fix")
	}
	r, err := f.gather(env)
	if err != nil {
		return err
	}
	if f.fix {
		if err := f.mend(env, r); err != nil {
			return err
		}
		if !f.dryRun {
			if r, err = f.gather(env); err != nil {
				return err
			}
		}
	}
	if err := f.print(env, r); err != nil {
		return err
	}
	if f.dryRun {
		fmt.Fprintln(beside(env, f.output), unchanged)
	}
	if e, w, _ := r.List.Count(); e > 0 || f.strict && w > 0 {
		return errNo
	}
	return nil
}

// gather checks all paths, or the node where there are none.
func (f *checkFlags) gather(env *Env) (*check.Result, error) {
	if len(f.paths) == 0 {
		return checkNode()
	}
	all := &check.Result{}
	for _, path := range f.paths {
		var r *check.Result
		var err error
		if path == "-" {
			if f.fix {
				return nil, errors.New("stdin cannot be fixed; give a file")
			}
			var text []byte
			if text, err = source.Read(env.Stdin, "stdin"); err == nil {
				r = check.Text("stdin", text)
			}
		} else {
			r, err = check.Path(path, check.Options{Runtime: f.runtime})
		}
		if err != nil {
			return nil, err
		}
		all.List = append(all.List, r.List...)
		all.Files = append(all.Files, r.Files...)
	}
	return all, nil
}

// mend shows what can be mended, and unless it is a dry run does it: the file is replaced as a whole, the old one
// kept beside it as NAME.bak, a name that no runtime reads.
func (f *checkFlags) mend(env *Env, r *check.Result) error {
	w := beside(env, f.output)
	var need rights.Need
	for _, file := range r.Files {
		if _, n := file.Mend(); n > 0 && !f.dryRun {
			path, err := filepath.EvalSymlinks(file.Path)
			if err != nil {
				return err
			}
			need.Write = append(need.Write, filepath.Dir(path)) // replaced by rename; the old one is kept beside it
		}
	}
	if err := need.Missing(); err != nil {
		return err
	}
	for _, file := range r.Files {
		text, n := file.Mend()
		if n == 0 {
			continue
		}
		diag.WriteDiff(w, file.Path, secret.Runes(file.Text), secret.Runes(text))
		if f.dryRun {
			fmt.Fprintf(w, "%s: %d to fix\n\n", visible.Line(file.Path), n)
			continue
		}
		backup, err := replaceFile(file.Path, file.Text, text)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: %d fixed; the old file is %s\n\n", visible.Line(file.Path), n, visible.Line(backup))
	}
	return nil
}

func (f *checkFlags) print(env *Env, r *check.Result) error {
	switch f.output {
	case "json":
		return diag.WriteJSON(env.Stdout, r.List)
	case "sarif":
		var d []diag.Descriptor
		for _, x := range rules.All() {
			d = append(d, diag.Descriptor{ID: x.ID, Title: x.Title, Doc: x.Doc, Fix: x.Fix, Severity: x.Severity})
		}
		return diag.WriteSARIF(env.Stdout, r.List, Version, d)
	case "github":
		diag.WriteGitHub(env.Stdout, r.List)
		return nil
	}
	texts := map[string][][]byte{}
	for _, file := range r.Files {
		texts[file.Path] = bytes.Split(secret.Runes(file.Text), []byte{'\n'})
	}
	w, color := env.painted()
	diag.WriteText(w, r.List, diag.TextOptions{
		Color: color,
		Line: func(file string, line int) (string, bool) {
			if lines := texts[file]; line <= len(lines) {
				return string(bytes.TrimSuffix(lines[line-1], []byte{'\r'})), true
			}
			return "", false
		},
	})
	summary(w, r)
	return nil
}

// summary is the last line: how many findings, and what they cost.
func summary(w io.Writer, r *check.Result) {
	configs := 0
	var refused []string
	for _, file := range r.Files {
		configs += len(file.Parts)
		if file.Refused {
			refused = append(refused, visible.Line(filepath.Base(file.Path)))
		}
	}
	e, warn, info := r.List.Count()
	fmt.Fprintf(w, "%s checked: %s, %s, %d info", count(configs, "configuration"), count(e, "error"), count(warn, "warning"), info)
	if len(refused) > 0 {
		const many = 5
		more := ""
		if n := len(refused) - many; n > 0 {
			more = fmt.Sprintf(" and %d more", n)
			refused = refused[:many]
		}
		fmt.Fprintf(w, "; refused: %s%s", strings.Join(refused, ", "), more)
	}
	fmt.Fprintln(w)
}

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
