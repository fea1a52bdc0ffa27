package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/status"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

// status asks another process of its own program what the disk holds.
func TestMain(m *testing.M) {
	if os.Getenv(attachment.ServeEnv) != "" {
		os.Exit(attachment.Serve(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

// evil is what a plugin may print: sequences that a terminal obeys, as they are and as text.
const evil = "evil \x1b[H\x1b[2J \x1b[1;31mred\x1b[0m \\u001b[H\\u001b[2J \\u001b[1;31mred \u202e"

// pty runs f with the terminal's side of a pseudo-terminal, and returns what f wrote to it.
func pty(t *testing.T, f func(terminal *os.File)) string {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if err := unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(ours) // ends with EIO when the terminal's side is closed
		read <- b
	}()
	f(terminal)
	_ = terminal.Close()
	return string(<-read)
}

// hostileNode is a status file and a directory of configurations that hold evil text.
func hostileNode(t *testing.T) (args []string) {
	t.Helper()
	dir := t.TempDir()
	file := status.Empty()
	file.Failures = []status.Failure{{Verb: "ADD", Message: evil, Reason: "Unclassified", Plugin: evil, Cure: evil, Who: evil, Count: 1, Last: time.Now(), First: time.Now()}}
	file.Verdict = status.Verdict{Message: evil, Reason: evil, Cure: evil, Since: time.Now()}
	b, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	statusFile := filepath.Join(dir, "status.json")
	conf := filepath.Join(dir, "net.d")
	quoted, _ := json.Marshal(evil)
	list := `{"cniVersion":"1.0.0","name":` + string(quoted) + `,"plugins":[{"type":` + string(quoted) + `},]}`
	for _, err := range []error{
		os.WriteFile(statusFile, b, 0o644), os.Mkdir(conf, 0o755), os.WriteFile(filepath.Join(conf, "10-a\x1b[2J.conflist"), []byte(list), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return []string{"--conf-dir", conf, "--bin-dir", dir, "--status-file", statusFile, "--state-dir", dir}
}

func environment(set map[string]string) func(string) string {
	return func(name string) string { return set[name] }
}

// On a terminal, with colours and without, text from outside is shown and obeyed by nothing.
func TestTerminalObeysNothingFromOutside(t *testing.T) {
	flags := hostileNode(t)
	for name, c := range map[string]struct {
		args    []string
		env     map[string]string
		colours bool
	}{
		"status":           {append([]string{"status"}, flags...), nil, true},
		"status, NO_COLOR": {append([]string{"status"}, flags...), map[string]string{"NO_COLOR": "1"}, false},
		"status, dumb":     {append([]string{"status"}, flags...), map[string]string{"TERM": "dumb"}, false},
		"status as JSON":   {append([]string{"status", "-o", "json"}, flags...), nil, false},
		"status as prom":   {append([]string{"status", "-o", "prom"}, flags...), nil, false},
		"check":            {[]string{"check", flags[1]}, nil, true},
		"check, NO_COLOR":  {[]string{"check", flags[1]}, map[string]string{"NO_COLOR": "1"}, false},
		"check as JSON":    {[]string{"check", "-o", "json", flags[1]}, nil, false},
		"check as SARIF":   {[]string{"check", "-o", "sarif", flags[1]}, nil, false},
		"usage":            {[]string{"status", evil}, nil, false},
	} {
		got := pty(t, func(terminal *os.File) {
			Main(&Env{Stdin: strings.NewReader(""), Stdout: terminal, Stderr: terminal, Getenv: environment(c.env)}, c.args)
		})
		if !strings.Contains(got, "[2J") && !slices.Contains([]string{"status as prom", "check as SARIF"}, name) {
			t.Errorf("%s does not show it: %q", name, got)
		}
		if strings.ContainsAny(got, "\u202e") || strings.Contains(got, "\x1b[1;31mred") || strings.Contains(got, "\x1b[2J") || strings.Contains(got, "\x1b[H") {
			t.Errorf("%s: %q", name, got)
		}
		for _, sgr := range []string{"0", "1", "31", "1;31", "1;32", "1;33", "1;36"} {
			if coloured := strings.ReplaceAll(got, "\x1b["+sgr+"m", ""); c.colours {
				got = coloured
			}
		}
		if strings.Contains(got, "\x1b") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// status --watch clears the screen itself, with colours and without, and no text from outside does.
func TestWatchClears(t *testing.T) {
	flags := hostileNode(t)
	for _, output := range []string{"text", "json"} {
		f := &statusFlags{output: output, file: flags[5], state: flags[7], watch: true}
		f.node.confDir, f.node.binDir = flags[1], flags[3]
		got := pty(t, func(terminal *os.File) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			env := &Env{Stdin: &bytes.Buffer{}, Stdout: terminal, Stderr: terminal, Getenv: environment(map[string]string{"NO_COLOR": "1"})}
			_ = f.follow(ctx, env.guarded())
		})
		if !strings.HasPrefix(got, visible.Clear) || strings.Count(got, "\x1b") != 2*strings.Count(got, visible.Clear) || strings.Count(got, visible.Clear) > 2 {
			t.Errorf("%s: %q", output, got)
		}
	}
}
