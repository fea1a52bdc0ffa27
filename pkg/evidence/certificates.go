package evidence

import (
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"strings"
	"time"
)

// maxKubeconfig bounds the kubeconfig that is read, in bytes.
const maxKubeconfig = 1 << 18

// certificates tells the dates of the certificates in the plugin's kubeconfig. Nothing else of it leaves here.
func certificates(l *look) {
	file, text := l.kubeconfig()
	if text == "" {
		return
	}
	for _, key := range []string{"certificate-authority", "client-certificate"} {
		var raw string
		if data := field(text, key+"-data"); data != "" {
			b, err := base64.StdEncoding.DecodeString(data)
			if err != nil {
				l.note("certificate", "%s of %s is not base64", key, file)
				continue
			}
			raw = string(b)
		} else if p := field(text, key); strings.HasPrefix(p, "/") {
			if raw = l.read(p, maxKubeconfig); raw == "" {
				l.note("certificate", "%s of %s, %s, cannot be read", key, file, p)
				continue
			}
		}
		for _, der := range pemBlocks(raw) {
			from, to, ok := validity(der)
			switch now := time.Now(); {
			case !ok:
			case now.After(to):
				l.note("certificate", "%s of %s expired %s", key, file, since(to))
			case now.Before(from):
				l.note("certificate", "%s of %s is valid from %s on, and this node's clock says %s", key, file, from.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
			default:
				l.note("certificate", "%s of %s is valid from %s to %s", key, file, from.Format(time.RFC3339), to.Format(time.RFC3339))
			}
		}
	}
	if fi, _ := l.lstat(file); fi != nil {
		l.note("kubeconfig", "%s was written %s", file, since(fi.ModTime()))
	}
}

// token tells until when the token in the plugin's kubeconfig is valid, and when it was written.
func token(l *look) {
	file, text := l.kubeconfig()
	if text == "" {
		return
	}
	var claims struct{ Exp, Iat int64 }
	if parts := strings.Split(field(text, "token"), "."); len(parts) == 3 { // a JWT: header, claims, signature
		if b, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil && json.Unmarshal(b, &claims) == nil && claims.Exp > 0 {
			if end := time.Unix(claims.Exp, 0); time.Now().After(end) {
				l.note("token", "the token in %s expired %s", file, since(end))
			} else {
				l.note("token", "the token in %s is valid until %s", file, end.UTC().Format(time.RFC3339))
			}
		}
	}
	if fi, _ := l.lstat(file); fi != nil {
		l.note("kubeconfig", "%s was written %s", file, since(fi.ModTime()))
	}
}

// kubeconfig finds the file that the plugin's configuration names, and reads it.
func (l *look) kubeconfig() (file, text string) {
	var conf struct {
		Kubeconfig string
		Kubernetes struct{ Kubeconfig string }
		IPAM       struct{ Kubernetes struct{ Kubeconfig string } }
	}
	l.config(&conf)
	for _, p := range []string{conf.Kubernetes.Kubeconfig, conf.Kubeconfig, conf.IPAM.Kubernetes.Kubeconfig} {
		if !filepath.IsAbs(p) {
			continue
		}
		if _, gone := l.lstat(p); gone {
			l.note("kubeconfig", "%s, which the configuration names, is not there", p)
			continue
		}
		if text = l.read(p, maxKubeconfig); text != "" {
			return p, text
		}
	}
	return "", ""
}

// server tells which server the plugin's kubeconfig names, and whether anybody listens on a port of this node that was called.
func server(l *look) {
	l.ports(localPorts(l.text))
	file, text := l.kubeconfig()
	if address := field(text, "server"); strings.HasPrefix(address, "http") && !strings.Contains(address, "@") {
		l.note("server", "%s names the server %s", file, address)
	}
}

// field is the value of the first "key: value" in a kubeconfig, which is YAML or JSON, on one line or on many.
func field(text, key string) string {
	for {
		i := strings.Index(text, key)
		if i < 0 {
			return ""
		}
		before := i == 0 || strings.IndexByte(" \t\n\"'{,-", text[i-1]) >= 0
		text = text[i+len(key):]
		v, ok := strings.CutPrefix(strings.TrimLeft(text, "\"'"), ":")
		if !before || !ok {
			continue
		}
		v = strings.TrimLeft(v, " \t\"'")
		if end := strings.IndexAny(v, "\"' \t\r\n,}]"); end >= 0 {
			v = v[:end]
		}
		return v
	}
}

// pemBlocks gives the certificates of a PEM file, at most four.
func pemBlocks(text string) [][]byte {
	var blocks [][]byte
	for len(blocks) < 4 {
		_, rest, ok := strings.Cut(text, "-----BEGIN CERTIFICATE-----")
		body, after, ended := strings.Cut(rest, "-----END CERTIFICATE-----")
		if !ok || !ended {
			break
		}
		if der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), "")); err == nil {
			blocks = append(blocks, der)
		}
		text = after
	}
	return blocks
}

// validity reads the two dates of an X.509 certificate (RFC 5280, 4.1). By hand, for crypto/x509 would be linked into
// every run of the plugin: it starts before main and doubles the binary.
func validity(der []byte) (from, to time.Time, ok bool) {
	const sequence, version, utcTime, generalizedTime = 0x30, 0xa0, 0x17, 0x18
	cert, _, tag := element(der)
	tbs, _, inner := element(cert)
	if tag != sequence || inner != sequence {
		return
	}
	if _, rest, tag := element(tbs); tag == version {
		tbs = rest
	}
	for range 3 { // serialNumber, signature, issuer
		_, tbs, _ = element(tbs)
	}
	dates, _, tag := element(tbs)
	if tag != sequence {
		return
	}
	var parsed [2]time.Time
	for i := range parsed {
		value, rest, tag := element(dates)
		layout := "060102150405Z"
		if tag == generalizedTime {
			layout = "20060102150405Z"
		} else if tag != utcTime {
			return
		}
		t, err := time.Parse(layout, string(value))
		if err != nil {
			return
		}
		parsed[i], dates = t, rest
	}
	return parsed[0], parsed[1], true
}

// element takes the first DER element off b. A malformed one has the tag 0.
func element(b []byte) (value, rest []byte, tag byte) {
	if len(b) < 2 {
		return nil, nil, 0
	}
	length, header := int(b[1]), 2
	if length >= 0x80 {
		n := length & 0x7f
		if n == 0 || n > 3 || len(b) < 2+n {
			return nil, nil, 0
		}
		length = 0
		for _, c := range b[2 : 2+n] {
			length = length<<8 | int(c)
		}
		header += n
	}
	if len(b) < header+length {
		return nil, nil, 0
	}
	return b[header : header+length], b[header+length:], b[0]
}
