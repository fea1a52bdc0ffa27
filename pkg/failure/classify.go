package failure

import (
	"strings"

	"github.com/cni-shim/cni-shim/pkg/reason"
)

// The levels of words, the strongest first.
const (
	sure = iota
	anyOf
	weak
	levels
)

// Classify names the reason of a failure. What the shim saw itself (a signal, an errno, its own deadline) outranks
// what the plugin says; what the plugin says outranks what it wrote on stderr beside; specific words outrank the CNI
// code, the code outranks words that only wrap a cause. What is left is told by the shape of the answer. Code 11, "try
// again later", does not say what to wait for, and decides nothing.
func Classify(f *Facts) Verdict {
	for _, c := range registry {
		if c.Is == nil {
			continue
		}
		if words := c.Is(f); words != "" {
			return c.verdict(words)
		}
	}
	said, level := classifyText(f.Msg+"\n"+f.Details, f.Verb)
	if level >= weak && !f.Unusable {
		aside := f.Stderr
		if !f.Printed { // then stdout is no CNI error, but maybe a trace or a log
			aside += "\n" + f.Stdout
		}
		if v, l := classifyText(aside, f.Verb); l < level {
			said, level = v, l
		}
	}
	if level < weak {
		return said
	}
	if v, ok := classifyCode(f); ok {
		return v
	}
	if f.Unusable {
		return Verdict{Reason: reason.InvalidPluginOutput, Words: "success reported, result unusable"}
	}
	if level < levels {
		return said
	}
	return classifyShape(f)
}

// ClassifyText names the reason of a failure from text alone: an event, a log line, an error.
func ClassifyText(text string) Verdict {
	v, _ := classifyText(text, "")
	return v
}

// classifyText also tells at which level the words stood; levels when there were none. verb is that of the call, "" where it is not
// known.
func classifyText(text, verb string) (Verdict, int) {
	folded := fold(text) + "\n" // so that words can ask for the end of a line
	cause, after := cutCleanUp(folded)
	v, level := classifyFolded(cause, verb)
	if level == levels && after != "" {
		return classifyFolded(after, verb)
	}
	return v, level
}

// classifyFolded takes the strongest level that has words in the text; of several words there the best hit.
func classifyFolded(text, verb string) (Verdict, int) {
	in := gramsOf(text)
	for level := range levels {
		var best hit
		for _, c := range registry {
			if c.never(verb) {
				continue
			}
			for _, words := range [levels][]string{c.Sure, c.Any, c.Weak}[level] {
				if h := find(text, in, words); h.end > 0 && h.better(best) {
					best = h
					best.class = c
				}
			}
		}
		if best.class != nil {
			words := strings.TrimRight(text[best.start:best.end], "\n") // without the end of the line that they ask for
			v := best.class.verdict(shorten(words))
			v.Said = true
			return v, level
		}
	}
	return Verdict{Reason: reason.Unclassified}, levels
}

// cleanUps begin what a caller adds of its own clean-up after the failure; that one is an echo.
var cleanUps = [...]string{
	", failed to clean up sandbox container", "; failed to clean up", ": failed to clean up", ", failed to clean up",
	"; cleanup failed", "; clean up failed", "; rollback", "; delegatedel", " / delete error",
}

// cutCleanUp splits a folded text before the first clean-up. What follows is all of it, on more lines where a terminal broke it.
func cutCleanUp(text string) (cause, after string) {
	for _, w := range cleanUps {
		if i := strings.Index(text, w); i > 0 {
			return text[:i] + "\n", text[i:]
		}
	}
	return text, ""
}

// classifyCode goes by the CNI error code.
func classifyCode(f *Facts) (Verdict, bool) {
	if !f.Printed {
		return Verdict{}, false
	}
	for _, c := range registry {
		for _, code := range c.Codes {
			if code == f.Code && !c.never(f.Verb) {
				return c.verdict("CNI code " + utoa(code)), true
			}
		}
	}
	return Verdict{}, false
}

// classifyShape goes by the answer itself, when nothing in it is known.
func classifyShape(f *Facts) Verdict {
	out := strings.TrimSpace(f.Stdout)
	switch {
	case f.Printed || !f.Exited:
		return Verdict{Reason: reason.Unclassified}
	case out == "" && strings.TrimSpace(f.Stderr) == "":
		return Verdict{Reason: reason.InvalidPluginOutput, Words: "nothing printed, exit status " + utoa(uint(max(f.Exit, 0)))}
	case out == "" && f.Exit == 0:
		return Verdict{Reason: reason.InvalidPluginOutput, Words: "empty stdout"}
	case out == "":
		return Verdict{Reason: reason.Unclassified} // it said something on stderr that nobody knows
	case out[0] != '{':
		return Verdict{Reason: reason.InvalidPluginOutput, Words: "stdout is not JSON"}
	case twoDocuments(out):
		return Verdict{Reason: reason.InvalidPluginOutput, Words: "two JSON documents on stdout"}
	case f.Exit != 0:
		return Verdict{Reason: reason.InvalidPluginOutput, Words: "exit status " + utoa(uint(max(f.Exit, 0))) + " without a CNI error"}
	}
	return Verdict{Reason: reason.Unclassified}
}

// twoDocuments tells whether anything follows the object that out starts with.
func twoDocuments(out string) bool {
	depth, inString := 0, false
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return strings.TrimSpace(out[i+1:]) != ""
			}
		}
	}
	return false
}

// shorten keeps the words that decided fit for one line.
func shorten(words string) string {
	const most = 160
	if len(words) <= most {
		return words
	}
	return strings.ToValidUTF8(words[:most/2], "") + " … " + strings.ToValidUTF8(words[len(words)-most/2:], "")
}

// utoa keeps fmt and strconv out of a package that needs them nowhere else.
func utoa(n uint) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return utoa(n/10) + string(rune('0'+n%10))
}
