package secret

import (
	"encoding/base64"
	"strings"
)

// shapes are the tokens that are known by how they begin, and the fewest bytes behind that. No more than the beginning
// is looked at: who makes a longer one next year is known as well.
func shapeOf(word string) (least int, ok bool) {
	for _, s := range [...]struct {
		prefix string
		least  int
	}{
		{"ghp_", 20}, {"gho_", 20}, {"ghu_", 20}, {"ghs_", 20}, {"ghr_", 20}, {"github_pat_", 20}, // GitHub
		// GitLab
		{"glpat-", 16}, {"gldt-", 16}, {"glrt-", 16}, {"glcbt-", 16}, {"glptt-", 16}, {"glft-", 16}, {"glimt-", 16},
		{"glagent-", 16}, {"gloas-", 16}, {"glsoat-", 16}, {"glffct-", 16}, {"GR1348941", 16},
		{"AKIA", 16}, {"ASIA", 16}, {"ABIA", 16}, {"ACCA", 16}, {"LTAI", 12}, {"AKID", 28}, // AWS, Alibaba, Tencent
		{"AIza", 30}, {"GOCSPX-", 20}, {"ya29", 20}, // Google
		// Slack
		{"xoxa-", 10}, {"xoxb-", 10}, {"xoxp-", 10}, {"xoxo-", 10}, {"xoxr-", 10}, {"xoxs-", 10}, {"xoxe-", 10},
		{"xoxe", 20}, {"xapp-", 10}, {"xwfp-", 10},
		// registries
		{"npm_", 30}, {"pypi-", 40}, {"rubygems_", 40}, {"oy2", 40}, {"dckr_pat_", 20}, {"dckr_oat_", 20}, {"cio", 32},
		{"hf_", 30}, {"sk-proj-", 20}, {"sk-ant-", 20}, {"sk-svcacct-", 20}, {"sk-or-", 20}, {"sk_live_", 16},
		{"sk_test_", 16}, {"rk_live_", 16}, {"rk_test_", 16}, {"whsec_", 20}, {"gsk_", 30}, {"r8_", 30},
		{"dop_v1_", 30}, {"doo_v1_", 30}, {"dor_v1_", 30}, {"shpat_", 20}, {"shpss_", 20}, {"shpca_", 20}, {"shppa_", 20},
		{"sq0atp-", 20}, {"sq0csp-", 20},
		{"hvs", 20}, {"hvb", 20}, {"hvr", 20}, {"glsa_", 20}, {"glc_", 20}, {"NRAK-", 20}, {"NRJS-", 16}, {"NRII-", 20},
		{"tskey-", 12}, {"AGE-SECRET-KEY-1", 20},
		{"PMAK-", 20}, {"lin_api_", 20}, {"pul-", 30}, {"figd_", 20}, {"ATATT3", 20}, {"ATCTT3", 20}, {"ATBB", 24},
		{"BBDC-", 20}, {"CFPAT-", 20},
		{"dapi", 30}, {"rdme_", 30}, {"sntrys_", 20}, {"sntryu_", 20}, {"nfp_", 30}, {"EZAK", 30}, {"EZTK", 30},
		{"CCIPAT_", 20}, {"FlyV1", 20}, {"fo1_", 30},
		{"bkua_", 20}, {"ops_eyJ", 20}, {"doppler", 30}, {"secret-token", 10}, {"EAACEdEose0cBA", 10}, {"shippo_live_", 20},
		{"sgp_", 30}, {"tfp_", 30},
		// PEM, DER, an SSH key, a kubeconfig in base64; K3s
		{"LS0tLS1CRUdJTi", 0}, {"MII", 40}, {"b3BlbnNzaC1rZXkt", 0}, {"YXBpVmVyc2lvbjog", 20}, {"K10", 40},
	} {
		if strings.HasPrefix(word, s.prefix) {
			return len(s.prefix) + s.least, true
		}
	}
	return 0, false
}

// shape is the end of a secret that a word begins by its shape, 0 where it begins none.
func (f *finder) shape(start int, word string) int {
	next := f.s[f.at:]
	switch n := len(word); {
	// JSON in base64: a JSON Web Token, a service account's, a docker login
	case strings.HasPrefix(word, "eyJ") && (strings.HasPrefix(next, ".") || n >= 20):
		return f.run(start, "._-+/=")
	// a bootstrap token of kubeadm
	case n == 6 && len(next) > 16 && next[0] == '.' && isLowerHexish(word),
		n == 6 && len(next) == 17 && next[0] == '.' && isLowerHexish(word):
		end := f.at + 17
		if second := f.s[f.at+1 : end]; isLowerHexish(second) && strings.ContainsAny(second, "0123456789") &&
			(end == len(f.s) || !isName(f.s[end]) && f.s[end] != '.') &&
			(start == 0 || f.s[start-1] != '.' && f.s[start-1] != '/') {
			return end
		}
		return 0
	case word == "SG" && strings.HasPrefix(next, "."),
		(word == "v2" || word == "v4") && (strings.HasPrefix(next, ".local.") || strings.HasPrefix(next, ".public.")):
		if end := f.run(start, "._-"); end-start >= 40 {
			return end
		}
		return 0
	// a key of IPsec, as ip xfrm and Cilium write it
	case strings.HasPrefix(word, "0x") && n >= 34 || n >= 32 && f.behindCipher(start):
		if isHex(strings.TrimPrefix(word, "0x")) {
			return f.at
		}
	case (word == "sig" || strings.EqualFold(word, "signature") || strings.EqualFold(word, "x-amz-signature") ||
		strings.EqualFold(word, "x-goog-signature")) &&
		strings.HasPrefix(next, "=") && f.isQuery(start): // of an address that is signed
		f.at++
		start, end := f.at, f.wordEnd(f.at, true)
		f.hide(start, end)
		return end
	case word == "services" && start > 0 && f.s[start-1] == '/' && strings.HasPrefix(next, "/T"),
		word == "webhooks" && start > 0 && f.s[start-1] == '/' && len(next) > 1 && isDigit(next[1]):
		f.hide(f.at+1, f.run(f.at+1, "._-/")) // a webhook's address is its secret
		return 0
	}
	const shortest, others = 14, "._-+/=:"
	for i := f.at; i < start+shortest; i++ {
		if i >= len(f.s) || !isAlnum(f.s[i]) && strings.IndexByte(others, f.s[i]) < 0 {
			return 0
		}
	}
	least, ok := shapeOf(word)
	if !ok {
		return 0
	}
	head := f.s[:min(len(f.s), start+64)] // what is none is not read to its end
	if end := runEnd(head, start, others); end-start < least || !hasDigitOrUpper(f.s[start+min(4, end-start):end]) {
		return 0
	}
	end := f.run(start, others)
	for end > start && strings.IndexByte(".:/-", f.s[end-1]) >= 0 { // of the sentence
		end--
	}
	if end-start < least {
		return 0
	}
	if strings.HasPrefix(word, "AKIA") || strings.HasPrefix(word, "ASIA") {
		f.secretBeside(start, end)
		return max(end, f.at)
	}
	return end
}

// secretBeside hides the second half of an AWS key where it stands on the same line without a name.
func (f *finder) secretBeside(start, end int) {
	f.hide(start, end)
	for i := end; i < len(f.s) && i < end+80 && f.s[i] != '\n'; i++ {
		j := i
		for j < len(f.s) && j < i+41 && (isAlnum(f.s[j]) || f.s[j] == '+' || f.s[j] == '/') {
			j++
		}
		if j-i == 40 {
			f.hide(i, j)
			return
		}
		i = max(i, j-1)
	}
}

// run is the end of letters, digits and the given others.
func (f *finder) run(i int, others string) int {
	end := runEnd(f.s, i, others)
	f.left.Take(end - i)
	return end
}

func runEnd(s string, i int, others string) int {
	for i < len(s) && (isAlnum(s[i]) || strings.IndexByte(others, s[i]) >= 0) {
		i++
	}
	return i
}

// behindCipher reports whether the name of a cipher or a hash stands before a word: "rfc4106(gcm(aes)) ", "hmac(sha256)
// ".
func (f *finder) behindCipher(start int) bool {
	before := strings.TrimRight(f.s[max(0, start-8):start], " '\"")
	return strings.HasSuffix(before, ")") && (strings.Contains(before, "aes") || strings.Contains(before, "sha") ||
		strings.HasSuffix(before, "6)") || strings.HasSuffix(before, "1)") || strings.HasSuffix(before, "5)") ||
		strings.HasSuffix(before, "2)") || strings.HasSuffix(before, "4)"))
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && !(c|0x20 >= 'a' && c|0x20 <= 'f') {
			return false
		}
	}
	return true
}

func isLowerHexish(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && !(c >= 'a' && c <= 'z') {
			return false
		}
	}
	return true
}

func hasDigitOrUpper(s string) bool {
	for i := range len(s) {
		if c := s[i]; isDigit(c) || c >= 'A' && c <= 'Z' {
			return true
		}
	}
	return false
}

// crypt hides a password's hash as crypt(3) writes it: "$6$salt$hash".
func (f *finder) crypt() {
	start := f.at
	f.at++
	rest := f.s[start+1:]
	i := strings.IndexByte(rest[:min(len(rest), 16)], '$')
	if i <= 0 {
		return
	}
	switch rest[:i] {
	case "1", "5", "6", "y", "gy", "7", "2a", "2b", "2y", "apr1", "argon2i", "argon2id", "argon2d", "pbkdf2-sha256",
		"scrypt", "sha1":
		if end := f.run(start, "$./+=,-_"); end-start >= 24 {
			f.hide(start, end)
		}
	}
}

// isBasic reports whether a word is a user and a password in base64.
func isBasic(word string) bool {
	word = strings.TrimRight(word, "=")
	if len(word) < 4 || len(word) > 1024 {
		return false
	}
	b, err := base64.RawStdEncoding.DecodeString(word)
	return err == nil && strings.IndexByte(string(b), ':') >= 0 && hasDigitOrUpper(word)
}
