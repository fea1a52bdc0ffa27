package secret

import "strings"

// strength is how sure a key makes it that its value is a secret.
type strength uint8

const (
	none   strength = iota
	shaped          // only where the value looks like one: "auth" may be a method or a password in base64
	weak            // in a configuration always; in prose ("token: expired") where the value looks like one
	strong          // always: "password: short1"
)

// maxKey is the length of the longest name that is looked at, in bytes.
const maxKey = 96

// Key reports whether a key, with or without quotes, names a secret: "token", "client-key-data", "ipsecKey", "pass
// word". A key that names the place of one ("tokenFile", "secretName") or another property of it ("tokenTTL") does not.
func Key(key string) bool { return strengthOf(key) >= weak }

// strengthOf reads a key in any style of writing: camelCase, snake_case, kebab-case, words with blanks.
func strengthOf(key string) strength {
	if len(key) < 2 || len(key) > maxKey {
		return none
	}
	var buf [maxKey]byte
	n, last, before := 0, 0, 0 // letters and digits in lower case; where the last word begins, and the one before it
	gap, lower := true, false
	for i := range len(key) {
		c := key[i]
		upper := c >= 'A' && c <= 'Z'
		if upper {
			c += 'a' - 'A'
		}
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
			gap = true
			continue
		}
		if n > 0 && (gap || upper && lower) {
			before, last = last, n
		}
		gap, lower = false, !upper
		buf[n] = c
		n++
	}
	all, word := string(buf[:n]), string(buf[last:n])
	if isPlace(all) || isProperty(word) {
		return none
	}
	switch all {
	case "auth", "kubeconfig", "identity":
		return shaped
	case "psk", "pin", "keydata", "certdata", "snmpstring":
		return strong
	case "imagepullsecrets":
		return none
	}
	switch word {
	case "pass", "passwd", "pwd", "pw", "passcode", "psk":
		return strong
	case "cookie", "cookies", "dockercfg", "dockerconfigjson", "kubeconfigdata", "sessionid", "creds", "cred":
		return weak
	case "key", "keys":
		if qualified := string(buf[before:last]); last == 0 && word == "key" || last > 0 && !isPublic(qualified) {
			return weak
		}
		return none
	case "community":
		if strings.Contains(all, "bgp") || strings.Contains(all, "route") || strings.Contains(all, "large") ||
			strings.Contains(all, "extended") {
			return none
		}
		return strong
	}
	for _, w := range [...]string{"password", "passwd", "passphrase", "passwort", "storepass", "keypass", "dbpass",
		"userpass", "rootpass", "adminpass",
		"rocommunity", "rwcommunity", "communitystring", "snmpcommunity", "presharedkey", "sharedkey", "userpwd", "dbpwd"} {
		if strings.Contains(all, w) {
			return strong
		}
	}
	for _, w := range [...]string{"token", "secret", "credential", "authorization", "bearer", "privatekey", "privkey",
		"apikey", "accesskey", "accountkey",
		"clientkey", "certificatedata", "certificateauthoritydata", "keydata", "certdata", "wireguardkey", "ipseckey",
		"encryptionkey", "encryptkey", "decryptionkey", "etcdkey", "signingkey", "sessionkey", "masterkey", "authkey",
		"sshkey", "hostkey", "cookiesecret", "kubeconfigdata", "dockerconfigjson"} {
		if strings.Contains(all, w) {
			return weak
		}
	}
	return none
}

// isPlace reports whether a name, in lower case, says where a secret is and not what it is.
func isPlace(all string) bool {
	for _, p := range [...]string{"file", "path", "dir", "name", "namespace", "ref", "url", "uri", "ttl", "type"} {
		if strings.HasSuffix(all, p) {
			return true
		}
	}
	return false
}

// isProperty reports whether the last word of a name says something about a secret.
func isProperty(word string) bool {
	switch word {
	case "policy", "mode", "enabled", "disabled", "required", "provider", "length", "size", "count", "version",
		"algorithm", "audience", "audiences", "issuer", "expiration", "expires", "expiry", "seconds", "minutes", "timeout",
		"interval", "duration", "selector", "class", "kind", "id", "ids", "method", "format", "port", "host", "hostname",
		"endpoint", "address", "user", "mount", "volume", "store", "manager", "controller", "cleaner", "review", "bits",
		"location", "usage", "optional", "index", "number", "limit":
		return true
	}
	return false
}

// isPublic reports whether a key with this word before it is no secret.
func isPublic(word string) bool {
	switch word {
	case "public", "pub", "topology", "label", "annotation", "sort", "partition", "primary", "foreign", "cache", "map",
		"object", "field", "lookup", "taint", "toleration", "hash", "selector", "unknown", "duplicate", "missing", "group",
		"config", "json", "index", "match", "row", "registry":
		return true
	}
	return false
}
