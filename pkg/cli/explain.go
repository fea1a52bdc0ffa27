package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cni-shim/cni-shim/pkg/failure"
	"github.com/cni-shim/cni-shim/pkg/known"
	"github.com/cni-shim/cni-shim/pkg/reason"
	"github.com/cni-shim/cni-shim/pkg/report"
	"github.com/cni-shim/cni-shim/pkg/rules"
	"github.com/cni-shim/cni-shim/pkg/secret"
)

// rulePage shows the page of a check's rule, when there is one of that id.
func rulePage(id string) (page string, ok bool) {
	r := rules.Lookup(id)
	if r == nil {
		return "", false
	}
	return r.Page(), true
}

func newExplain(env *Env) *cobra.Command {
	var output string
	var list bool
	c := &cobra.Command{
		Use:   "explain {REASON | RULE}... | - | --list",
		Short: "say what a reason or a pasted error means, how to confirm it and how to cure it",
		Example: `  cni-shim explain IPAMExhausted
  journalctl -u kubelet | cni-shim explain -`,
		RunE: func(_ *cobra.Command, names []string) error {
			asJSON := output == "json"
			switch {
			case list && len(names) == 0:
				explainList(env.Stdout, asJSON)
				return nil
			case len(names) == 0 || list:
				return usagef("name a reason, or give - and paste the error")
			case len(names) == 1 && names[0] == "-":
				return explainPaste(env, asJSON)
			}
			return explainNames(env, names, asJSON)
		},
	}
	outputFlag(c, &output, "text", "json")
	c.Flags().BoolVar(&list, "list", false, "list all reasons")
	return c
}

// explanation is what explain says of one failure; the JSON keys are for ever.
type explanation struct {
	Reason    string        `json:"reason"`
	Plugin    string        `json:"plugin,omitempty"` // of a pasted text: the plugin it blames
	Words     string        `json:"words,omitempty"`  // of a pasted text: the words that decided
	Text      string        `json:"text,omitempty"`   // of a pasted text: the record itself
	Count     int           `json:"count,omitempty"`  // of a pasted text: records of this reason
	Title     string        `json:"title"`
	Cause     string        `json:"cause"`
	Confirm   []string      `json:"confirm"`
	Cure      string        `json:"cure"`
	Who       reason.Blame  `json:"who"`
	Retry     bool          `json:"retry"`
	MessageID string        `json:"messageId"`
	Others    []explanation `json:"others,omitempty"` // of a pasted text: its other failures
}

func explainReason(r *reason.Reason) explanation {
	return explanation{Reason: r.Name, Title: r.Title, Cause: r.Cause, Confirm: r.Confirm, Cure: r.Cure, Who: r.Who,
		Retry: r.Retry, MessageID: r.MessageID}
}

func explainList(w io.Writer, asJSON bool) {
	if asJSON {
		all := []explanation{}
		for _, r := range reason.All() {
			all = append(all, explainReason(r))
		}
		printJSON(w, all)
		return
	}
	group := reason.Group(255)
	for _, r := range reason.All() {
		if r.Group != group {
			group = r.Group
			fmt.Fprintf(w, "%s\n", group)
		}
		fmt.Fprintf(w, "  %-22s %s\n", r.Name, r.Title)
	}
}

func explainNames(env *Env, names []string, asJSON bool) error {
	var unknown error
	var told []explanation
	printed := false
	for _, name := range names {
		r := lookupFold(name)
		if r == nil {
			if page, ok := explainRule(name); ok && !asJSON {
				fmt.Fprint(env.Stdout, page)
				continue
			}
			unknown = errors.Join(unknown, fmt.Errorf("no reason %q\n%s", name, didYouMean(name)))
			continue
		}
		e := explainReason(r)
		told = append(told, e)
		if !asJSON {
			if printed {
				fmt.Fprintln(env.Stdout)
			}
			printed = true
			e.print(env.Stdout)
		}
	}
	switch {
	case !asJSON || len(told) == 0:
	case len(names) == 1:
		printJSON(env.Stdout, told[0])
	default:
		printJSON(env.Stdout, told)
	}
	return unknown
}

// explainRule asks for the page of a rule: their ids are lower case with dashes, reasons are CamelCase.
func explainRule(name string) (string, bool) {
	if name != strings.ToLower(name) {
		return "", false
	}
	return rulePage(name)
}

func explainPaste(env *Env, asJSON bool) error {
	found, empty, err := failure.ClassifyLog(env.Stdin)
	if err != nil {
		return fmt.Errorf("stdin: %w", err)
	}
	if empty {
		return usagef("stdin: nothing there; paste an event, an error or a log")
	}
	var told []explanation
	for _, f := range found {
		e := explainReason(f.Reason)
		e.Plugin, e.Words, e.Text, e.Count = report.Clean(f.Plugin), secret.Mask(f.Words), secret.Mask(f.Text), f.Count
		told = append(told, e)
	}
	if asJSON {
		main := told[0]
		main.Others = told[1:]
		printJSON(env.Stdout, main)
	} else {
		for i, e := range told {
			if i > 0 {
				fmt.Fprintln(env.Stdout)
			}
			e.print(env.Stdout)
		}
	}
	if told[0].Reason == reason.Unclassified.Name {
		return errNo
	}
	return nil
}

// print writes the page: what an admin needs in the first line, the rest below.
func (e explanation) print(w io.Writer) {
	place := ""
	if e.Plugin != "" {
		place = e.Plugin + ": "
	}
	fmt.Fprintf(w, "%s: %s%s; cure: %s\n\n", e.Reason, place, e.Title, e.Cure)
	if e.Words != "" {
		times := ""
		if e.Count > 1 {
			times = fmt.Sprintf(" (%d times)", e.Count)
		}
		fmt.Fprintf(w, "Told by   %q%s\n", e.Words, times)
	}
	writeField(w, "Cause", wrap(e.Cause, 90))
	writeField(w, "Confirm", e.Confirm)
	writeField(w, "Cure", wrap(e.Cure, 90))
	writeField(w, "Who", []string{e.Who.Party()})
	retry := "a retry does not help"
	if e.Retry {
		retry = "the runtime's own retry may succeed"
	}
	writeField(w, "Retry", []string{retry})
}

func writeField(w io.Writer, name string, lines []string) {
	for _, l := range lines {
		fmt.Fprintf(w, "%-9s %s\n", name, l)
		name = ""
	}
}

// wrap breaks text at blanks into lines of at most width bytes, where words allow it.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

func lookupFold(name string) *reason.Reason {
	for _, r := range reason.All() {
		if strings.EqualFold(r.Name, name) {
			return r
		}
	}
	return nil
}

// didYouMean names the nearest reason, or says how to see them all.
func didYouMean(name string) string {
	var names []string
	for _, r := range reason.All() {
		names = append(names, r.Name)
	}
	if near := known.Nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "run 'cni-shim explain --list' for all of them"
}
