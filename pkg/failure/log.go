package failure

import (
	"strings"

	"github.com/cni-shim/cni-shim/pkg/reason"
)

// Found is one kind of failure told by a log.
type Found struct {
	Verdict
	Plugin string // type of the plugin that failed, where the text names it
	Text   string // the first record that tells of it, as it stands
	Count  int    // records that tell of it
}

// ClassifyLog names the failures that a pasted text tells of: an event, a line, or a whole journal. Records without
// a known failure are passed over, unless nothing else is there. The first one is the main one: the earliest
// that somebody has to cure, for what is harmless and what is an echo of an earlier call explain nothing.
func ClassifyLog(text string) []Found {
	var found []Found
	at := map[string]int{}
	records := splitRecords(text)
	for _, rec := range records {
		v := ClassifyText(rec)
		if v.Reason == reason.Unclassified && len(records) > 1 {
			continue
		}
		plugin := PluginIn(rec)
		key := v.Reason.Name + " " + plugin
		if i, ok := at[key]; ok {
			found[i].Count++
			continue
		}
		at[key] = len(found)
		found = append(found, Found{v, plugin, rec, 1})
	}
	if len(found) == 0 {
		return []Found{{ClassifyText(text), PluginIn(text), text, 1}}
	}
	for i, f := range found {
		if !echo(f.Reason) {
			copy(found[1:i+1], found[:i])
			found[0] = f
			break
		}
	}
	return found
}

// echo tells whether a reason is what remains of another failure, or harmless.
func echo(r *reason.Reason) bool {
	return r.Who == reason.Nobody || r == reason.SandboxNameReserved || r == reason.Unclassified ||
		r == reason.ConfigMissing || r == reason.InvalidPluginOutput || r == reason.PluginKilled
}

// splitRecords cuts a pasted text into log records. A record starts at a line that looks like one (a timestamp,
// klog's header, an event's type, a JSON object); other lines belong to the record before. A text with no such
// line is one record.
func splitRecords(text string) []string {
	var records []string
	start := 0
	for i := 0; i < len(text); {
		if i > start && recordStart(text[i:]) {
			records = append(records, strings.TrimRight(text[start:i], "\r\n"))
			start = i
		}
		n := strings.IndexByte(text[i:], '\n')
		if n < 0 {
			break
		}
		i += n + 1
	}
	return append(records, strings.TrimRight(text[start:], "\r\n"))
}

var months = [...]string{"Jan ", "Feb ", "Mar ", "Apr ", "May ", "Jun ", "Jul ", "Aug ", "Sep ", "Oct ", "Nov ", "Dec "}

func recordStart(line string) bool {
	line = strings.TrimLeft(line, " \t")
	for _, m := range months { // syslog, journalctl
		if strings.HasPrefix(line, m) {
			return true
		}
	}
	for _, p := range [...]string{"Warning ", "Normal ", "time=", `{"`, "rpc error:"} { // events, logrus, JSON logs
		if strings.HasPrefix(line, p) {
			return true
		}
	}
	digit := func(i int) bool { return i < len(line) && '0' <= line[i] && line[i] <= '9' }
	switch { // klog's I0102 15:04:05, 2006-01-02, 2006/01/02
	case len(line) > 5 && strings.IndexByte("IWEF", line[0]) >= 0 && digit(1) && digit(2) && digit(3) && digit(4) && line[5] == ' ':
		return true
	case len(line) > 10 && digit(0) && digit(1) && digit(2) && digit(3) && (line[4] == '-' || line[4] == '/') && digit(5) && digit(6) && line[7] == line[4]:
		return true
	}
	return false
}

// PluginIn finds the plugin that a runtime's text blames, `plugin type="calico" failed (add)`; of several the
// innermost. It is empty when the text names none.
func PluginIn(text string) string {
	text = fold(text)
	for _, mark := range [...]string{`plugin type="`, `failed to find plugin "`, `cni plugin "`, `networkplugin cni plugin "`} {
		i := strings.LastIndex(text, mark)
		if i < 0 {
			continue
		}
		name, _, ok := strings.Cut(text[i+len(mark):], `"`)
		if ok && name != "" && len(name) < 64 && !strings.ContainsAny(name, " /\n") {
			return name
		}
	}
	return ""
}
