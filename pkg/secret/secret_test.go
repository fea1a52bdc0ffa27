package secret

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/cni-shim/cni-shim/pkg/steps/stepstest"
)

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		`{"token": "abc", "x": 1}`:                      `{"token": "***", "x": 1}`,
		`Authorization: Basic dTpw, retried`:            `Authorization: Basic ***, retried`,
		`GET x: Authorization: Bearer abc`:              `GET x: Authorization: Bearer ***`,
		`got eyJhbGciOi.eyJzdWIi.SflKxwRJ from it`:      `got *** from it`,
		`run etcdctl --token hunter2 get /x`:            `run etcdctl --token *** get /x`,
		`run x --password --verbose`:                    `run x --password --verbose`,
		`GET https://a.b/c?se=1&sig=ab%2Fc&x=1 failed`:  `GET https://a.b/c?se=1&sig=***&x=1 failed`,
		`password=hunter2 next`:                         `password=*** next`,
		`Authorization: Bearer eyJhbGci.x.y rest`:       `Authorization: Bearer *** rest`,
		`etcd http://root:geheim@10.0.0.1:2379/ down`:   `etcd http://root:***@10.0.0.1:2379/ down`,
		`cannot read secret: permission denied`:         `cannot read secret: permission denied`,
		"a -----BEGIN KEY-----\nMII\n-----END KEY-----": "a ***KEY-----",
		`"client-key-data": "LS0t"`:                     `"client-key-data": "***"`,
		`dial tcp 10.0.0.1:443: i/o timeout`:            `dial tcp 10.0.0.1:443: i/o timeout`,
	} {
		if got := Mask(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestKey(t *testing.T) {
	for _, k := range []string{"token", `"password"`, "secretKey", "private_key", "client-key-data", "client-certificate-data", "certificate-authority-data", "passphrase", "Authorization", "credentials", "accessKey", "k8s_auth_token", "x-api-key", "etcd_key"} {
		if !Key(k) {
			t.Errorf("%s is no secret", k)
		}
	}
	for _, k := range []string{"name", "type", "etcd_key_file", "tokenPath", "secretName", "hostname", "k8s_client_certificate", "key_file", "monkey", "mtu", "infinibandGUID"} {
		if Key(k) {
			t.Errorf("%s is a secret", k)
		}
	}
}

// In a configuration, a secret is hidden whatever is wrong round it, and nothing else is.
func TestConfigurations(t *testing.T) {
	for in, want := range map[string]string{
		`{"token": "s3cret", "mtu": 1500}`:                       `{"token": "******", "mtu": 1500}`,
		`{"token":"s3cret"}`:                                     `{"token":"******"}`,
		`{"token" "s3cret"}`:                                     `{"token" "******"}`,
		`{"token" = "s3cret"}`:                                   `{"token" = "******"}`,
		`{"token: "s3cret"}`:                                     `{"token: "******"}`,
		`{token": "s3cret"}`:                                     `{token": "******"}`,
		`{token: s3cret, "mtu": 1}`:                              `{token: ******, "mtu": 1}`,
		`{'token': 's3cret'}`:                                    `{'token': '******'}`,
		"{“token”: “s3cret”}":                                    "{“token”: “******”}",
		"{\"token\": \"s3cret,\n  \"mtu\": 1}":                   "{\"token\": \"*******\n  \"mtu\": 1}",
		"{\"token\": \"s3\ncret\", \"mtu\": 1}":                  "{\"token\": \"**\n****\", \"mtu\": 1}",
		"{\"token\":\n  \"s3cret\"}":                             "{\"token\":\n  \"******\"}",
		`{"token": "s3c\"ret", "mtu": 1}`:                        `{"token": "********", "mtu": 1}`,
		`{"tokens": ["s3cret", "other"], "mtu": 1}`:              `{"tokens": [********* *******], "mtu": 1}`,
		`{"secret": {"value": "s3cret"}, "mtu": 1}`:              `{"secret": {******** ********}, "mtu": 1}`,
		`{"token": 1234, "password": null}`:                      `{"token": ****, "password": null}`,
		`"{\"token\": \"s3cret\", \"mtu\": 1}"`:                  `"{\"token\": \"******\", \"mtu\": 1}"`,
		`"etcd_endpoints": "https://root:s3cret@10.0.0.1:2379"`:  `"etcd_endpoints": "https://root:******@10.0.0.1:2379"`,
		`"x": "Bearer s3cret"`:                                   `"x": "Bearer ******"`,
		"token: s3cret\nmtu: 1\n":                                "token: ******\nmtu: 1\n",
		"password: |\n  s3cret\n  more\nmtu: 1\n":                "password: |\n  ******\n  ****\nmtu: 1\n",
		"\"key\": \"-----BEGIN X-----\\nMII\\n-----END X-----\"": "\"key\": \"********** ********************* ******\"",
		`{"etcd_key_file": "/etc/key", "type": "token-review"}`:  `{"etcd_key_file": "/etc/key", "type": "token-review"}`,
		`{"capabilities": {"mac": true}, "name": "secret"}`:      `{"capabilities": {"mac": true}, "name": "secret"}`,
	} {
		if got := string(Bytes([]byte(in))); got != want {
			t.Errorf("%q: got\n%s\nwant\n%s", in, got, want)
		}
	}
	if got := string(Runes([]byte(`{"token": "sécrèt", "ä": 1}`))); got != `{"token": "******", "ä": 1}` {
		t.Error(got)
	}
}

// Hiding moves nothing: bytes and lines by Bytes, code points and lines by Runes.
func FuzzPlaces(f *testing.F) {
	f.Add([]byte("{\"token\": \"s\xc3\xa9\n\", 'password': x\n-----BEGIN"))
	f.Add([]byte("password: |\n a\n b\nBearer x://a:b@c"))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := func(b []byte) (n []int) {
			for _, l := range bytes.Split(b, []byte{'\n'}) {
				n = append(n, utf8.RuneCount(l))
			}
			return n
		}
		if b := Bytes(text); len(b) != len(text) || bytes.Count(b, []byte{'\n'}) != bytes.Count(text, []byte{'\n'}) {
			t.Fatalf("%q became %q", text, b)
		}
		a, b := lines(text), lines(Runes(text))
		if len(a) != len(b) {
			t.Fatalf("%q: %d lines became %d", text, len(a), len(b))
		}
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("%q: line %d of %d became %d", text, i, a[i], b[i])
			}
		}
		for _, s := range []string{string(text), string(stepstest.Long(text))} {
			newFinder(s, false).walk() // panics where the cost is not in proportion to the length
		}
	})
}

// Headers and command lines of the programs that plugins and scripts run.
func TestHeadersAndCommands(t *testing.T) {
	for in, want := range map[string]string{
		`Authorization: Digest username="u", realm="r", nonce="n1", response="abc123"` + "\nHost: h": "Authorization: Digest ***\nHost: h",
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/x, Signature=fe5f80\nHost: h":        "Authorization: AWS4-HMAC-SHA256 ***\nHost: h",
		"Authorization: Token abc-12":                                                 "Authorization: Token ***",
		"authorization=Bearer abc-12":                                                 "authorization=Bearer ***",
		"sent Basic dXNlcjpoZWltbGljaDE=, refused":                                    "sent Basic ***, refused",
		"Proxy-Authorization: Basic dXNlcjpwYXNzMQ==":                                 "Proxy-Authorization: Basic ***",
		"Set-Cookie: session=abc123; Path=/; HttpOnly\nx":                             "Set-Cookie: ***\nx",
		"cookie: a=b; sid=12345\r\nhost: h":                                           "cookie: ***\nhost: h",
		`curl -H "Cookie: a=b; sid=12345" https://h`:                                  `curl -H "Cookie: ***" https://h`,
		`curl -H 'X-Auth-Token: abc123' https://h`:                                    `curl -H 'X-Auth-Token: ***' https://h`,
		"curl -u admin:geheim1 https://h":                                             "curl -u admin:*** https://h",
		`exec ["etcdctl","--user","root:geheim1","get"]`:                              `exec ["etcdctl","--user","root:***","get"]`,
		"etcdctl --user root --password geheim get /":                                 "etcdctl --user root --password *** get /",
		"sshpass -p geheim1 ssh h":                                                    "sshpass -p *** ssh h",
		"mysql -uroot -pgeheim1 -h db":                                                "mysql -uroot -p*** -h db",
		"snmpwalk -v2c -c geheim1 10.0.0.1":                                           "snmpwalk -v2c -c *** 10.0.0.1",
		"iptables -p tcp -c 1 2":                                                      "iptables -p tcp -c 1 2",
		"rocommunity geheim1 10.0.0.0/8":                                              "rocommunity *** 10.0.0.0/8",
		`%any : PSK "geheim1"`:                                                        `%any : PSK "***"`,
		"machine h login root password geheim1":                                       "machine h login root password ***",
		"password: short1":                                                            "password: ***",
		"it failed with password: short1 for admin":                                   "it failed with password: *** for admin",
		`{"client_secret":{"value":"X"}}`:                                             `{"client_secret":{***}}`,
		`{"token":["X"]}`:                                                             `{"token":[***]}`,
		`["--token", "X"]`:                                                            `["--token", "***"]`,
		"https://TOKEN@host/v2/":                                                      "https://***@host/v2/",
		`{"pass word": "X"}`:                                                          `{"pass word": "***"}`,
		"pass word: short1":                                                           "pass word: ***",
		`{"ipsecKey":"X","snmpCommunity":"Y","pwd":"Z"}`:                              `{"ipsecKey":"***","snmpCommunity":"***","pwd":"***"}`,
		`{"auths":{"r.io":{"auth":"dXNlcjpwYXNzd29yZA=="}}}`:                          `{"auths":{"r.io":{"auth":"***"}}}`,
		`{"auth":"basic"}`:                                                            `{"auth":"basic"}`,
		"AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMIaK7MDENGabPxRfiCYEXAMPLEKEYx":              "***",
		"Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=abc123=;EntityPath=e": "Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=***;EntityPath=e",
		"Server=db;User Id=sa;Pwd=geheim1;Encrypt=true":                               "Server=db;User Id=sa;Pwd=***;Encrypt=true",
		"host=db user=root password=geheim1 dbname=x":                                 "host=db user=root password=*** dbname=x",
	} {
		if got := Mask(in); got != want {
			t.Errorf("%q:\ngot  %q\nwant %q", in, got, want)
		}
	}
}
