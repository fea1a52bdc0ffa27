// Package cli is the admin's face of the binary: one file a command.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cni-shim/cni-shim/pkg/known"
	"github.com/cni-shim/cni-shim/pkg/rights"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

// Exit statuses, the same for every command.
const (
	ExitOK    = 0 // clean, ready, done
	ExitNo    = 1 // errors found, not ready, failed
	ExitUsage = 2 // the command line is wrong, or the answer cannot be known
)

// answers marks the commands whose ExitNo is an answer about the node or its configuration, and not a command that did nothing.
const answers = "answers"

// Env is what one command reads and writes. Tests give their own.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	screen         io.Writer // stdout, not escaped, where it is a terminal; else nil
}

// errNo ends a command with ExitNo. What there is to say has been said.
var errNo = errors.New("no")

// errUnknown ends a command with ExitUsage where the answer cannot be known, and that has been said.
var errUnknown = errors.New("unknown")

// usageError is a command line that is wrong: the usage line is shown with it.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// New makes the command line. Nothing of it runs before Execute.
func New(env *Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "cni-shim",
		Short: "tell why a pod network fails",
		Long: `cni-shim tells why a pod network fails.

With CNI_COMMAND in its environment it is a CNI plugin, and runtimes call it so; by hand, it is this tool.
Exit status: 0 done, clean, ready; 1 not; 2 the command line is wrong or the answer cannot be known.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usageError{nearestFlag(c, err)} })
	root.AddCommand(newCheck(env), newStatus(env), newProbe(env), newTail(env), newBundle(env), newExplain(env), newForget(env), newWatch(env), newInstall(env), newUninstall(env), newVersion(env))
	return root
}

// Main runs the command line without the program's name and returns the exit status.
func Main(env *Env, args []string) int {
	env = env.guarded()
	root := New(env)
	root.SetArgs(args)
	c, err := root.ExecuteContextC(context.Background())
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, errNo):
		return ExitNo
	case errors.Is(err, errUnknown):
		return ExitUsage
	}
	text := strings.TrimSpace(err.Error())
	if c != root { // whose lines are cobra's; elsewhere a name may hold a line break
		text = strings.ReplaceAll(text, "\n", "\n  ")
	}
	fmt.Fprintf(env.Stderr, "%s: %s\n", c.CommandPath(), text)
	if errors.Is(err, rights.ErrMissing) {
		if _, verdict := c.Annotations[answers]; verdict { // a timer would take ExitNo for it
			return ExitUsage
		}
		return ExitNo
	}
	var usage usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(env.Stderr, "usage: %s\n", c.UseLine())
	} else if c == root { // the word is no command's; cobra has named the nearest
		fmt.Fprintf(env.Stderr, "run '%s help' for the list\n", root.Name())
	}
	return ExitUsage
}

// guarded returns an Env whose output escapes what no command has escaped.
func (e *Env) guarded() *Env {
	g := *e
	if isTerminal(e.Stdout) {
		g.screen = e.Stdout
	}
	g.Stdout, g.Stderr = visible.NewWriter(e.Stdout, false), visible.NewWriter(e.Stderr, false)
	return &g
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// painted returns where a command writes text that may have colours, and whether it may: where stdout is a terminal whose user
// has not asked for plain text (https://no-color.org).
func (e *Env) painted() (w io.Writer, color bool) {
	if e.screen == nil || e.Getenv("NO_COLOR") != "" || e.Getenv("TERM") == "dumb" {
		return e.Stdout, false
	}
	return visible.NewWriter(e.screen, true), true
}

// nearestFlag adds to the error of an unknown flag the one that was probably meant, as cobra does for commands.
func nearestFlag(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := known.Nearest(unknown.GetSpecifiedName(), names); near != "" {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	return err
}

// args makes cobra's check of positional arguments a usage error.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		if err := check(c, given); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// outputFlag adds -o, which every command that answers has. The first of formats is the default.
func outputFlag(c *cobra.Command, output *string, formats ...string) {
	c.Flags().StringVarP(output, "output", "o", formats[0], strings.Join(formats, ", "))
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	c.PreRunE = func(*cobra.Command, []string) error {
		if !slices.Contains(formats, *output) {
			return usagef("unknown output %q: %s", *output, strings.Join(formats, ", "))
		}
		return nil
	}
}

// What every command that changes something has: the help of --dry-run, and the last line that it then prints.
const (
	dryRunHelp = "say what would be done, and do nothing"
	unchanged  = "dry run: nothing was changed"
)

// beside is where goes what is not the answer itself: stdout belongs to a machine in other formats than text.
func beside(env *Env, output string) io.Writer {
	if output != "text" {
		return env.Stderr
	}
	return env.Stdout
}

// printJSON writes a value as an admin's tools and eyes want it.
func printJSON(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // plain values; a closed pipe is nobody's loss
}
