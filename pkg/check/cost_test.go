package check

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hostile texts: head, a part that is repeated, with %d its number, and tail.
var hostile = map[string][3]string{
	"elements":         {`{"plugins":[`, `1,`, `1]}`},
	"plugins":          {`{"name":"a","plugins":[`, `{"type":"x"},`, `{"type":"x"}]}`},
	"near types":       {`{"name":"a","plugins":[`, `{"type":"brigd%d"},`, `{"type":"x"}]}`},
	"typeless plugins": {`{"name":"a","plugins":[`, `{},`, `{}]}`},
	"ranges":           {`{"name":"a","plugins":[{"type":"bridge","ipam":{"type":"host-local","ranges":[`, `[{"subnet":"10.1.0.0/16"}],`, `[]]}}]}`},
	"range set":        {`{"name":"a","plugins":[{"type":"bridge","ipam":{"type":"host-local","ranges":[[`, `{"subnet":"10.1.0.0/16"},`, `{}]]}}]}`},
	"routes":           {`{"name":"a","plugins":[{"type":"bridge","ipam":{"type":"host-local","subnet":"10.1.0.0","routes":[`, `{"dst":"0.0.0.0"},`, `{}]}}]}`},
	"members":          {`{"name":"a","plugins":[{"type":"bridge"`, `,"mtuu":1`, `}]}`},
	"many members":     {`{"name":"a","plugins":[{"type":"bridge"`, `,"k%d":1`, `}]}`},
	"twins":            {`{"name":"a","plugins":[{"type":"bridge","mtu":1`, `,"Mtu":1,"Vlan":2`, `}]}`},
	"capabilities":     {`{"name":"a","plugins":[{"type":"portmap","capabilities":{"x":true`, `,"portMapping%d":true`, `}}]}`},
	"delegates":        {`{"type":"multus","delegates":[`, `{"type":"multus"},`, `{}]}`},
	"deep":             {`{"type":"multus","delegates":[`, `{"type":"multus","delegates":[`, ``},
	"comments":         {`{`, "// x\n", `}`},
	"short comments":   {`{"a":[`, `1,/**/`, `1]}`},
	"commas":           {`{"a":[`, `1,,`, `1]}`},
	"trailing commas":  {`{"a":[`, `{"b":1,},`, `1]}`},
	"wrong brackets":   {`{"a":[`, `{"b":1],`, `1]}`},
	"brackets":         {`{"a":[`, `]`, `1]}`},
	"open strings":     {`{"a":[`, "\"b,\n", `1]}`},
	"other quotes":     {`{"a":[`, "\u201cb\u201d,", `1]}`},
	"apostrophes":      {`{"a":["`, `it's, `, `]}`},
	"placeholders":     {`{"a":"`, `__A__`, `"}`},
	"dollars":          {`{"a":"`, `${A`, `"}`},
	"conflict":         {`{`, "=======\n", "\n>>>>>>>\n}"},
	"numbers":          {`{"name":"a","plugins":[{"type":"x","a":[`, `12345678901234567890,`, `1]}]}`},
	"one string":       {`{"name":"`, `a b`, `","plugins":[{"type":"bridge","bridge":"x"}]}`},
	"yaml list":        {"kind: List\nitems:\n", "- kind: ConfigMap\n  data: {a: b}\n", ""},
	"yaml broken":      {"kind: List\nitems:\n", "- kind: ConfigMap\n  data:\n    cni-config: '{\"a\":1,}'\n", ""},
	"yaml deep":        {"kind: List\n", "- ", ""},
	"yaml indent":      {"kind: List\na:\n", " b: \n", ""},
	"yaml lines":       {"kind: ConfigMap\ndata:\n  cni-config: |\n", "    {\"a\": 1},\n", ""},
	"yaml folded":      {"kind: ConfigMap\ndata:\n  cni-config: >\n", "    {\"a\": 1,}\n\n", ""},
	"json list":        {`{"kind":"List","items":[`, `{"kind":"ConfigMap","data":{"cni-config":"{\"a\":1,}"}},`, `{}]}`},
	"empty lines":      {"", "\n", "{"},
	"spaces":           {"{", " ", ""},
	"not json":         {"", "abc ", ""},
	"backslashes":      {`{"a":"`, `\\`, ``},
	"bad escapes":      {`{"a":"`, `\q`, `"}`},
}

// text is a hostile text of about that size, in bytes.
func text(c [3]string, size int) []byte {
	var b strings.Builder
	b.WriteString(c[0])
	for i := 0; b.Len() < size; i++ {
		if strings.Contains(c[1], "%d") {
			fmt.Fprintf(&b, c[1], i)
		} else {
			b.WriteString(c[1])
		}
	}
	b.WriteString(c[2])
	return []byte(b.String())
}

// work is all that check --fix does with a text.
func work(text []byte) {
	for _, f := range Text("a.conflist", text).Files {
		f.Mend()
	}
}

// A text that is eight times as long costs eight times as much memory and time, or little more. Time is that of this
// thread alone, and its bound lies far from the 64 of squares, so a loaded machine changes nothing. One check of a
// megabyte allocates less than 100 MiB in all.
func TestCostGrowsLinearly(t *testing.T) {
	const small, times, most = 8 << 10, 8, 100 << 20
	const tick = 4 * time.Millisecond // of the clock of a thread's time
	for name, c := range hostile {
		one, many := text(c, small), text(c, times*small)
		alloc1, time1 := cost(func() { work(one) })
		alloc8, time8 := cost(func() { work(many) })
		t.Logf("%-16s %6v → %6v, %4d → %5d KB", name, time1, time8, alloc1>>10, alloc8>>10)
		if alloc8 > 2*times*alloc1+64<<10 {
			t.Errorf("%s: %d bytes allocated for %d, %d for %d", name, alloc1, len(one), alloc8, len(many))
		}
		if time8 > 4*times*max(time1, tick) {
			t.Errorf("%s: %v for %d bytes, %v for %d", name, time1, len(one), time8, len(many))
		}
		if raceDetector || alloc8 < most/times/4 {
			continue // the growth is all that can be measured, or one check of a megabyte stays far below
		}
		megabyte := text(c, 1<<20)
		if alloc, _ := cost(func() { Text("a.conflist", megabyte) }); alloc > most {
			t.Errorf("%s: %d bytes allocated for a text of %d", name, alloc, len(megabyte))
		}
	}
}

// cost is what work allocates, in bytes, and the processor time of its thread, the least of some runs.
func cost(work func()) (alloc uint64, cpu time.Duration) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for i := range 2 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := threadTime()
		work()
		d := threadTime() - begin
		runtime.ReadMemStats(&after)
		if a := after.TotalAlloc - before.TotalAlloc; i == 0 || a < alloc {
			alloc = a
		}
		if i == 0 || d < cpu {
			cpu = d
		}
	}
	return alloc, cpu
}

func threadTime() time.Duration {
	const rusageThread = 1 // RUSAGE_THREAD of getrusage(2)
	var u syscall.Rusage
	_ = syscall.Getrusage(rusageThread, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// One megabyte is checked in under a second and 100 MB.
func BenchmarkMegabyte(b *testing.B) {
	for name, c := range hostile {
		text := text(c, 1<<20)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Text("a.conflist", text)
			}
		})
	}
}
