package failure

import "github.com/cni-shim/cni-shim/pkg/reason"

// Class is the knowledge by which failures of one reason are recognised. It is one value in the file named for the
// reason; nothing else is to be touched when a class or its words are added.
//
// Words are written as fold leaves a text: lower case, every quotation mark a ", single spaces. "…" stands for
// anything on the same line. No regular expressions: these are found in one pass, cost nothing before they are used, and
// whoever reads a program's source can write them.
type Class struct {
	Reason  string              // name of a reason of package reason
	Is      func(*Facts) string // the fact that decides, in words; "" when it does not. Facts outrank text
	Codes   []uint              // CNI error codes that mean this when the text says nothing specific
	Sure    []string            // words that only this cause prints, however misleading the words around them
	Any     []string            // words that decide; of several the innermost, which is the last
	Weak    []string            // words of wrappers and symptoms: they decide when nothing else does
	Samples []Sample            // texts that must yield the reason
}

// Sample is a text that some program printed. Origin is "owner/repo#n" where it was reported; empty where the text
// was taken from a program's own words.
type Sample struct{ Text, Origin string }

var registry []*Class

func add(c *Class) *Class {
	registry = append(registry, c)
	return c
}

// verdict gives the class's reason with the words that decided.
func (c *Class) verdict(words string) Verdict {
	if r := reason.Lookup(c.Reason); r != nil {
		return Verdict{r, words}
	}
	return Verdict{Reason: reason.Unclassified}
}
