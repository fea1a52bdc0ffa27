package failure

import (
	"bufio"
	"io"
	"strings"

	"github.com/cni-shim/cni-shim/pkg/reason"
)

// Found is one kind of failure told by a log.
type Found struct {
	Verdict
	Plugin string // type of the plugin that failed, where the text names it
	Text   string // the first record that tells of it, as it stands
	Count  int    // records that tell of it
	level  int    // of the words in that record
}

// Bounds of what is kept of a log, however long it is.
const (
	maxRecord = 64 << 10 // bytes of one record that are looked at
	maxKinds  = 256      // kinds of failures that are told
)

// ClassifyLog names the failures that a pasted text tells of: an event, a line, or a whole journal, each kind once and with the
// number of its records. It reads to the end and keeps one record at a time. Records without a known failure are passed over, and
// so are those that their program marks as information, unless nothing else is there. The first one is the main one: the
// earliest that somebody has to cure, for what is harmless and what is an echo of an earlier call explain nothing; where there is one,
// one of which more than a symptom tells. empty is true where there was nothing but blanks.
func ClassifyLog(r io.Reader) (found []Found, empty bool, err error) {
	at := map[string]int{}
	whole := &ends{}
	records, err := eachRecord(r, whole, func(rec string) {
		if informs(rec) {
			return
		}
		v, level := classifyText(rec, "")
		if v.Reason == reason.Unclassified {
			return
		}
		plugin := PluginIn(rec)
		key := v.Reason.Name + " " + plugin
		if i, ok := at[key]; ok {
			found[i].Count++
		} else if len(found) < maxKinds {
			at[key] = len(found)
			found = append(found, Found{v, plugin, rec, 1, level})
		}
	})
	text := whole.String()
	if len(found) == 0 || records == 1 {
		return []Found{{Verdict: ClassifyText(text), Plugin: PluginIn(text), Text: text, Count: 1}}, strings.TrimSpace(text) == "", err
	}
	main := -1
	for i, f := range found {
		if !echo(f.Reason) && (main < 0 || f.level < weak && found[main].level == weak) {
			main = i
		}
	}
	if main > 0 {
		f := found[main]
		copy(found[1:main+1], found[:main])
		found[0] = f
	}
	return found, false, err
}

// echo tells whether a reason is what remains of another failure, or harmless.
func echo(r *reason.Reason) bool {
	return r.Who == reason.Nobody || r == reason.SandboxNameReserved || r == reason.Unclassified ||
		r == reason.ConfigMissing || r == reason.InvalidPluginOutput || r == reason.PluginKilled
}

// ends keeps the beginning and the end of a text, which is as much as fold looks at.
type ends struct{ head, tail []byte }

func (e *ends) add(line string) {
	if room := maxText/2 - len(e.head); room > 0 && len(e.tail) == 0 {
		k := min(room, len(line))
		e.head = append(e.head, line[:k]...)
		line = line[k:]
	}
	e.tail = append(e.tail, line...)
	if over := len(e.tail) - maxText/2; over > 0 {
		e.tail = append(e.tail[:0], e.tail[over:]...)
	}
}

func (e *ends) String() string { return string(e.head) + string(e.tail) }

// eachRecord cuts a text into log records. A record starts at a line that looks like one (a timestamp, klog's header, an event's
// type, a JSON object); other lines belong to the record before. A text with no such line is one record.
func eachRecord(r io.Reader, whole *ends, each func(record string)) (records int, err error) {
	var rec strings.Builder
	flush := func() {
		if text := strings.TrimRight(rec.String(), "\r\n"); text != "" {
			records++
			each(text)
		}
		rec.Reset()
	}
	for in := bufio.NewReaderSize(r, maxRecord); err == nil; {
		var line []byte
		var more bool
		if line, more, err = in.ReadLine(); err != nil {
			break
		}
		text := string(line) // at most maxRecord of it; the rest of a longer line is passed over
		for more && err == nil {
			_, more, err = in.ReadLine()
		}
		whole.add(text + "\n")
		if recordStart(text) {
			flush()
		}
		if room := maxRecord - rec.Len(); room > 0 {
			rec.WriteString(text[:min(room, len(text))] + "\n")
		}
	}
	flush()
	if err == io.EOF {
		err = nil
	}
	return records, err
}

// informs tells the records that their program marks as no error: klog's I, logrus' and zap's levels, an event of type Normal; and that podman
// found nothing in its cache, after which it reads the configuration itself.
func informs(rec string) bool {
	if strings.HasPrefix(strings.TrimLeft(rec, " \t"), "Normal ") {
		return true
	}
	head := rec[:min(len(rec), 256)]
	for _, mark := range [...]string{"level=info ", "level=debug ", `"level":"info"`, `"level":"debug"`, "error loading cached network config"} {
		if strings.Contains(head, mark) {
			return true
		}
	}
	i := strings.Index(head, "]: I") // journalctl's "kubelet[42]: " and klog's "I0102 "
	if i >= 0 {
		head = head[i+len("]: "):]
	}
	return len(head) > 5 && head[0] == 'I' && head[5] == ' ' && strings.Trim(head[1:5], "0123456789") == ""
}

var months = [...]string{"Jan ", "Feb ", "Mar ", "Apr ", "May ", "Jun ", "Jul ", "Aug ", "Sep ", "Oct ", "Nov ", "Dec "}

func recordStart(line string) bool {
	line = strings.TrimLeft(line, " \t")
	for _, m := range months { // syslog, journalctl
		if strings.HasPrefix(line, m) {
			return true
		}
	}
	for _, p := range [...]string{"Warning ", "Normal ", "time=", `{"`, "rpc error:", "Error: "} { // events, logrus, JSON logs, commands
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
