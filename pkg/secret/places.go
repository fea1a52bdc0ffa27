package secret

import "strings"

// isPEM reports whether a block in PEM begins or ends at a place.
func (f *finder) isPEM(at int) bool {
	return strings.HasPrefix(f.s[at:], pemBegin) || strings.HasPrefix(f.s[at:], pemEnd)
}

// pem hides a block in PEM to its end, or to the text's; and of one whose beginning is lost what stands before its end.
func (f *finder) pem() {
	start := f.at
	if strings.HasPrefix(f.s[start:], pemEnd) {
		from := start
		for from > f.done() && (isAlnum(f.s[from-1]) || isSpace(f.s[from-1]) ||
			strings.IndexByte("+/=\\", f.s[from-1]) >= 0) {
			from--
		}
		f.hide(from, start+len(pemEnd))
		return
	}
	i := strings.Index(f.s[start:], pemEnd)
	if i < 0 {
		f.hide(start, len(f.s))
		return
	}
	f.hide(start, start+i+len(pemEnd))
}

// address hides the password in user:password@host, and the user where nothing else is there: TOKEN@host.
func (f *finder) address() {
	scheme := f.at
	f.at += len("://")
	start, colon, at := f.at, -1, -1
	i := start
scan:
	for ; i < len(f.s) && i < start+1024; i++ {
		switch c := f.s[i]; {
		case c == ':' && strings.HasPrefix(f.s[i:], "://"), isSpace(c), c == '"', c == '\'', c == '`', c == '<', c == '>':
			break scan
		case c == ':' && colon < 0 && at < 0:
			colon = i
		case c == '@':
			at = i
		// else a password holds it
		case (c == '/' || c == '?' || c == '#' || c == ',') && (at >= 0 || colon < 0 || isPort(f.s[colon+1:i])):
			break scan
		}
	}
	switch {
	case at < 0:
	case colon >= 0 && colon < at:
		f.hide(colon+1, at)
	case f.isToken(scheme, f.s[start:at]):
		f.hide(start, at)
	}
}

func isPort(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return len(s) <= 5
}

// isToken reports whether what stands before the host of an address is more than a user's name.
func (f *finder) isToken(scheme int, user string) bool {
	before := f.s[max(0, scheme-5):scheme]
	return strings.HasSuffix(before, "http") || strings.HasSuffix(before, "https") || looksSecret(user)
}

// dataSource hides the password in user:password@tcp(host), which some drivers of databases take.
func (f *finder) dataSource() {
	at := f.at
	f.at++
	if rest := f.s[at:]; !strings.HasPrefix(rest, "@tcp(") && !strings.HasPrefix(rest, "@unix(") {
		return
	}
	from := at
	for from > f.done() && from > at-128 && !isSpace(f.s[from-1]) && strings.IndexByte("\"'`", f.s[from-1]) < 0 {
		from--
	}
	if i := strings.IndexByte(f.s[from:at], ':'); i >= 0 {
		f.hide(from+i+1, at)
	}
}

// flag hides the value of a secret's flag: "--token X", ["--token", "X"], or the two in two elements of a YAML list.
// False: this is none, or its value is behind a "=".
func (f *finder) flag() bool {
	i := f.at
	lines := false
	for i < len(f.s) && i < f.at+64 {
		n := f.blank(i)
		if n == 0 && strings.IndexByte("\\\"'`,", f.s[i]) >= 0 {
			n = 1
		}
		if n == 0 {
			break
		}
		lines = lines || f.isBreak(i)
		i += n
	}
	if i == f.at || i >= len(f.s) {
		return false
	}
	gap := f.s[f.at:i]
	if f.s[i] == '-' {
		if !lines || !strings.HasPrefix(f.s[i:], "- ") {
			return true // the next flag
		}
		for i += 2; i < len(f.s) && strings.IndexByte(" \\\"'", f.s[i]) >= 0; i++ {
		}
	} else if lines && !strings.Contains(gap, ",") {
		return true
	}
	if i > 0 && (f.s[i-1] == '"' || f.s[i-1] == '\'') && (lines || strings.ContainsAny(gap, ", ")) {
		slashes := 0
		for i-2-slashes >= 0 && f.s[i-2-slashes] == '\\' {
			slashes++
		}
		if end := f.closing(i, rune(f.s[i-1]), slashes, len(f.s)); !isHarmless(f.s[i:end]) {
			f.hide(i, end)
		}
		return true
	}
	if !lines && !strings.ContainsAny(gap, " ,\t") {
		return true
	}
	if end := f.wordEnd(i, false); !isHarmless(f.s[i:end]) {
		f.hide(i, end)
	}
	return true
}

// isAccount reports whether a flag takes a secret of one of the programs that stand before it on its line.
func (f *finder) isAccount(word string) bool {
	programs := ""
	switch {
	case word == "-u" || word == "--user" || word == "-U" || word == "--proxy-user":
		programs = "curl wget etcdctl"
	case strings.HasPrefix(word, "-p"):
		programs = "sshpass login mysql mysqldump mongo etcdctl"
	case word == "-c":
		programs = "snmpget snmpwalk snmptrap snmpset"
	case word == "-a":
		programs = "redis-cli"
	case word == "-P" || word == "-w":
		programs = "ipmitool ldapsearch"
	default:
		return false
	}
	start := f.at - len(word)
	before := f.s[max(0, start-160):start]
	before = before[strings.LastIndexByte(before, '\n')+1:]
	for p := range strings.FieldsSeq(programs) {
		if strings.Contains(before, p) {
			return true
		}
	}
	return false
}

// maxUser is the length of the longest user's name before a password, in bytes.
const maxUser = 256

// account hides the value of such a flag: behind the colon where it is user:password, or all of it.
func (f *finder) account() {
	start := f.at
	for start > 0 && isName(f.s[start-1]) {
		start--
	}
	word := f.s[start:f.at]
	if len(word) > 2 && word[1] == 'p' { // -pPASSWORD
		f.hide(start+2, f.wordEnd(start+2, false))
		return
	}
	i := f.at
	for i < len(f.s) && i < f.at+16 && strings.IndexByte("\\\"' =,", f.s[i]) >= 0 {
		i++
	}
	from := i
	if strings.ContainsAny(word, "uU") {
		colon := strings.IndexByte(f.s[i:min(len(f.s), i+maxUser)], ':')
		if colon < 0 {
			return
		}
		from += colon + 1
	}
	end := f.wordEnd(i, false)
	if i > f.at && (f.s[i-1] == '"' || f.s[i-1] == '\'') {
		end = f.closing(i, rune(f.s[i-1]), 0, len(f.s))
	}
	f.hide(from, end)
}

// spaced hides what stands behind a word and a blank: credentials behind their scheme, keys in the files of IPsec and
// SNMP.
func (f *finder) spaced(start int, word string) bool {
	if f.at+1 >= len(f.s) || f.s[f.at] != ' ' {
		return false
	}
	i := f.at + 1
	for i < len(f.s) && i < f.at+8 && f.s[i] == ' ' {
		i++
	}
	end := f.wordEnd(i, false)
	if i < len(f.s) && (f.s[i] == '"' || f.s[i] == '\'') {
		i++
		end = f.closing(i, rune(f.s[i-1]), 0, len(f.s))
	}
	next := f.s[i:end]
	switch strings.ToLower(word) {
	case "bearer":
		if isMessage(next) || next == "token" || next == "authentication" {
			return false
		}
	case "basic":
		if !isBasic(next) {
			return false
		}
	case "negotiate", "ntlm", "apikey":
		if len(next) < 8 || !looksSecret(next) {
			return false
		}
	case "psk", "xauth", "eap":
		if word != strings.ToUpper(word) || !(f.s[i-1] == '"' || strings.HasPrefix(next, "0s") ||
			strings.HasPrefix(next, "0x")) {
			return false
		}
	case "rocommunity", "rwcommunity", "rocommunity6", "rwcommunity6", "trapcommunity":
	case "password":
		if before := f.s[max(0, start-120):start]; !strings.Contains(before[strings.LastIndexByte(before, '\n')+1:],
			"login ") {
			return false
		}
	default:
		return false
	}
	f.hide(i, end)
	return true
}
