package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

// hostile is what a terminal would obey or hide: sequences, controls of both sets, marks and isolates of direction, characters of no
// width, tags, separators, a byte that is no UTF-8; and a line break before a line that would be forged.
const hostile = "h\x1b]0;t\x07\x1b[31m\x1b[2J\u009b31m\u0085\x7f\u202e\u2066x\u2069\u200e\u200f\u061c\u200b\u2060\ufeff\U000e0041\u2028\u2029\u00ad\xff\nFORGED"

// Secrets, each of a spelling of its own, so that no part of one is found elsewhere by chance.
const (
	secretConfig = "Cq7xWvZ2kPd" // %d behind it: values in a configuration
	secretEcho   = "Ew3yTbN8mRf" // in a configuration, and said by the plugin without its key
	secretSaid   = "Sj5gHdL4vKc" // said by the plugin behind keys
	secretForge  = "Uz9nQwX6tGb" // in a token whose shape is known
)

// secretKeys are keys of a configuration that were shown in the clear.
var secretKeys = []string{"pass", "pwd", "ipsecKey", "encryptionKey", "snmpCommunity", "kubeconfigData", "cookie", "dockerconfigjson", "pass word", "token", "client_secret"}

// leaks returns what of the secrets a text shows, five bytes at least.
func leaks(text string) string {
	for _, s := range []string{secretConfig, secretEcho, secretSaid, secretForge} {
		for i := 0; i+5 <= len(s); i++ {
			if strings.Contains(text, s[i:i+5]) {
				return s[i : i+5]
			}
		}
	}
	return ""
}

// unseen returns what of a text a terminal would obey or hide. It knows that by a list of its own.
func unseen(text string) string {
	if !utf8.ValidString(text) {
		return "bytes that are no UTF-8"
	}
	for _, r := range text {
		switch {
		case r < ' ' && r != '\n' && r != '\t', r >= 0x7f && r <= 0x9f, r == 0xad, r == 0x61c, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x2069,
			r == 0xfeff, r >= 0xe0000 && r <= 0xe007f:
			return fmt.Sprintf("%U", r)
		}
	}
	return ""
}

// fit holds a text that leaves the program to what this test is about.
func (l *lab) fit(sink, text string) {
	l.Helper()
	if s := leaks(text); s != "" {
		l.Errorf("%s shows %q of a secret:\n%.3000s", sink, s, around(text, s))
	}
	if s := unseen(text); s != "" {
		l.Errorf("%s holds %s:\n%.3000q", sink, s, text)
	}
	if strings.Contains(text, "\nFORGED") && !strings.HasSuffix(sink, "CNI_STDERR") { // whose lines are the plugin's, and a field of their own
		l.Errorf("%s has a forged line:\n%.3000q", sink, text)
	}
}

func around(text, part string) string {
	i := strings.Index(text, part)
	return text[max(0, i-200):min(len(text), i+100)]
}

// A plugin, a configuration, names of files, networks and pods bring secrets and hostile text: no sink of the program shows either.
func TestSinks(t *testing.T) {
	l := newLab(t)
	said := fmt.Sprintf("%s auth as %s failed; password: %s; {\"client_secret\":{\"value\":\"%s\"}} {\"token\":[\"%s\"]} [\"--token\", \"%s\"] https://%s@host/x gh"+"p_%s0123456789abcdefghijklmn "+
		"-----BEGIN PRIVATE KEY-----%s0123456789-----END PRIVATE KEY----- Cookie: a=%s", hostile, secretEcho, secretSaid, secretSaid, secretSaid, secretSaid, secretSaid, secretForge, secretSaid, secretSaid)
	answer, err := json.Marshal(map[string]any{"cniVersion": "1.0.0", "code": 142, "msg": said, "details": "more: " + said})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"answer": string(answer), "said": said + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script := "#!/bin/sh\n" + versionAnswer + "cat " + dir + "/said >&2\n[ $CNI_COMMAND = DEL ] && exit 0\ncat " + dir + "/answer\nexit 1\n"
	l.put(binDir+"/hostile", script, 0o755)
	l.Cleanup(func() { os.Remove(binDir + "/hostile") })

	keys := ""
	for i, k := range secretKeys {
		keys += fmt.Sprintf("\n  %q: \"%s%d\",", k, secretConfig, i)
	}
	quoted, _ := json.Marshal(hostile)
	chain := fmt.Sprintf(`{"cniVersion":"1.1.0","name":"k8s-pod-network",%s: 1,"plugins":[{"type":"hostile",%s
  "args": ["--token", "%s9"], "password": %q, "mtu": "x %s", "%smtuu": 1, "capabilities": {%s: true}}]}`, quoted, keys, secretConfig, secretEcho, "gh"+"p_"+secretForge+"0123456789abcdefghijklmn", "b\u202e", quoted)
	l.outer("k8s-pod-network", "")
	l.write("10-"+hostile+".conflist", chain)
	l.write("20-"+hostile+".conflist", strings.Replace(chain, `"mtu"`, `'mtu'`, 1))            // refused: single quotes
	l.write("30-"+hostile+".conflist", strings.Replace(chain, `"hostile"`, string(quoted), 1)) // a plugin of that type
	l.write("40-"+hostile+".conf", `{"name":`+string(quoted)+`,"type":"hostile","token":"`+secretConfig+`",}`)
	l.write(hostile+"-kubeconfig", "users:\n- user:\n    token: "+secretEcho+"\n    pwd: "+secretConfig+"\n")

	env := []string{"CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=" + hostile + ";K8S_POD_NAME=" + hostile + ";K8S_POD_UID=" + hostile,
		"TRACEPARENT=00-" + ("\x1b[31m\u202e" + strings.Repeat("0", 40))[:32] + "-0123456789abcdef-01"}
	own := `{"cniVersion":"1.0.0","name":"k8s-pod-network","type":"cni-shim","chain":"/etc/cni/net.d"}`
	call := func(sink, verb, stdin string, env ...string) {
		out, code := l.plugin(verb, stdin, env...)
		var e struct{ Msg, Details string }
		if err := json.Unmarshal([]byte(out), &e); code == 0 || err != nil {
			t.Errorf("%s: exit %d, %v: %s", sink, code, err, out)
		}
		l.fit(sink, out)
		l.fit(sink+", as kubelet shows it", e.Msg+"\n"+e.Details)
	}
	call("ADD's answer", "ADD", own, env...)
	call("STATUS' answer", "STATUS", strings.Replace(own, "1.0.0", "1.1.0", 1), env...)
	call("the answer to a hostile id", "ADD", own, append(env, "CNI_CONTAINERID="+hostile)...)
	call("the answer to a hostile entry", "ADD", `{"cniVersion":"1.0.0","name":`+string(quoted)+`,"type":"cni-shim","statusFile":`+string(quoted)+`}`, env...)
	for _, name := range []string{"20-", "30-", "40-"} {
		other, _ := json.Marshal(filepath.Join(confDir, name+hostile+map[bool]string{true: ".conf", false: ".conflist"}[name == "40-"]))
		other = bytes.ReplaceAll(other, []byte(`\ufffd`), []byte("\xff"))
		call("the answer to "+name, "ADD", strings.Replace(own, `"/etc/cni/net.d"`, string(other), 1), env...)
	}

	// The delegate's stderr is handed on as it is, as without the shim.
	c := exec.Command(shimPath)
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "CNI_COMMAND=ADD", "CNI_PATH=" + binDir, "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0", "CNI_NETNS=/run/netns/none"}, env...)
	c.Stdin = strings.NewReader(own)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if _ = c.Run(); !strings.HasPrefix(stderr.String(), said+"\n") {
		t.Errorf("the plugin's stderr is handed on as %.500q", stderr.String())
	}

	for _, e := range l.journal(3, func(entry) bool { return true }) {
		for k, v := range e {
			if text, ok := v.(string); ok && !strings.HasPrefix(k, "_") {
				l.fit("journal, "+k, text)
			} else if !ok {
				b, _ := json.Marshal(v) // journalctl writes what is no text as an array of bytes
				t.Errorf("journal, %s is no text: %.300s", k, b)
			}
		}
	}
	for _, path := range l.readable(filepath.Dir(statusFile)) {
		b, _ := os.ReadFile(path)
		l.fit(path, string(b))
	}

	paste := filepath.Join(dir, "paste")
	l.put(paste, `Failed to create pod sandbox: plugin type="hostile" failed (add): `+strings.NewReplacer("\n", " ", secretEcho, "x").Replace(said)+": permission denied\n", 0o600)
	textfile, bundle := filepath.Join(dir, "metrics.prom"), filepath.Join(dir, "node.tar.gz")
	for _, command := range []string{
		"check " + confDir, "check -o json " + confDir, "check -o sarif " + confDir, "check -o github " + confDir, "check --fix --dry-run " + confDir, "check",
		"status", "status -o json", "status -o prom", "status -o npd", "status --write " + textfile + " -o prom",
		"probe", "probe -o json", "watch --once", "watch --once --no-restore --textfile " + textfile, "explain - <" + paste, "explain -o json - <" + paste,
		"bundle --dry-run", "bundle " + bundle, "install --dry-run", "install --dry-run -o json", "uninstall --dry-run", "forget --dry-run", "probe --config $1/30-*.conflist", "probe --config $1/20-*.conflist",
		"check $1/10-*.conflist", "check $1/nothing-\"$2\"", "explain \"$2\"", "status --status-file \"/run/$2/x\"", "forget \"$2\" \"$2\" \"$2\"", "\"$2\"", "status \"--$2\"", "tail -o json -n 20 --status-file \"/run/$2\"",
	} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		c := exec.CommandContext(ctx, "sh", "-c", "exec "+shimPath+" "+command, "sh", confDir, hostile)
		c.Env = append(os.Environ(), "CNI_SHIM_TERM=x")
		if strings.HasPrefix(command, "tail") {
			c.Cancel = func() error { return c.Process.Signal(syscall.SIGINT) }
			time.AfterFunc(2*time.Second, cancel)
		}
		out, _ := c.CombinedOutput()
		cancel()
		if len(out) == 0 && !strings.Contains(command, "--write") && !strings.HasPrefix(command, "watch") && !strings.HasPrefix(command, "tail") {
			t.Errorf("%s says nothing", command)
		}
		l.fit("cni-shim "+command, string(out))
		if strings.HasPrefix(command, "check ") && strings.Contains(command, confDir) && !strings.Contains(string(out), `\u202e`) {
			t.Errorf("%s shows nothing of what is hidden:\n%s", command, out)
		}
	}
	if b, err := os.ReadFile(textfile); err != nil {
		t.Error(err)
	} else {
		l.fit("metrics", string(b))
	}
	for name, text := range l.members(bundle) {
		l.fit("a bundle's name", name)
		l.fit("bundle, "+name, text)
	}
	for _, o := range []string{"text", "json"} {
		l.fit("tail -o "+o, l.tailOnce(o))
	}
	l.fit("status on a terminal", strings.NewReplacer("\x1b[1m", "", "\x1b[0m", "", "\x1b[31m", "", "\x1b[1;31m", "", "\x1b[1;32m", "", "\x1b[1;33m", "", "\x1b[1;36m", "", "\r", "").
		Replace(l.onTerminal("status")))
	l.fit("sd_notify", l.notified())
}

// readable are what anybody may read below a directory.
func (l *lab) readable(dir string) (files []string) {
	l.Helper()
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		switch {
		case err != nil:
		case d.IsDir() && fi.Mode().Perm()&0o005 == 0:
			return filepath.SkipDir
		case d.Type().IsRegular() && fi.Mode().Perm()&0o004 != 0:
			files = append(files, path)
		}
		return nil
	})
	if len(files) == 0 {
		l.Errorf("nothing can be read in %s", dir)
	}
	return files
}

// put writes a file anywhere.
func (l *lab) put(path, text string, mode os.FileMode) {
	l.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		l.Fatal(err)
	}
}

// tailOnce is what tail shows of what there is.
func (l *lab) tailOnce(output string) string {
	l.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, shimPath, "tail", "-o", output, "-n", "20")
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGINT) }
	out, _ := c.CombinedOutput()
	if !strings.Contains(string(out), "hostile") {
		l.Errorf("tail shows %q", out)
	}
	return string(out)
}

// onTerminal is what a command writes to a terminal.
func (l *lab) onTerminal(command string) string {
	l.Helper()
	out, _ := exec.Command("script", "-qec", shimPath+" "+command, "/dev/null").Output()
	if !strings.Contains(string(out), "\x1b[1m") {
		l.Errorf("%s on a terminal is not coloured: %.300q", command, out)
	}
	return string(out)
}

// notified is what watch tells the service manager of its first look.
func (l *lab) notified() string {
	l.Helper()
	socket := filepath.Join(l.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		l.Fatal(err)
	}
	defer conn.Close()
	c := exec.Command(shimPath, "watch", "--no-restore")
	c.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket)
	if err := c.Start(); err != nil {
		l.Fatal(err)
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	b := make([]byte, 64<<10)
	n, err := conn.Read(b)
	if err != nil || !strings.Contains(string(b[:n]), "STATUS=") {
		l.Errorf("%v: %q", err, b[:n])
	}
	return string(b[:n])
}
