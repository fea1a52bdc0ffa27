package integration

import (
	"fmt"
	"math/rand"
	"strings"
)

// dice makes random JSON texts.
type dice struct{ *rand.Rand }

func (d dice) once(in int) bool { return d.Intn(in) == 0 }

func (d dice) of(choices ...string) string { return choices[d.Intn(len(choices))] }

// member is a member of an object, "" for an absent one: most often with the value, else empty in some way.
func (d dice) member(key, value string, empty ...string) string {
	if d.once(2) {
		value = d.of(append(empty, "absent", "null")...)
	}
	if value == "absent" {
		return ""
	}
	text := fmt.Sprintf("%q:%s", key, value)
	if d.once(12) { // what comes later counts
		text = fmt.Sprintf("%q:%s,%s", key, d.of(append(empty, "null", value)...), text)
	}
	return text
}

// object is one of the members in any order, and sometimes of one that no type knows.
func (d dice) object(members ...string) string {
	if d.once(6) {
		members = append(members, `"unknown":{"deep":[1.0,null,"<&>"]}`)
	}
	d.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	var there []string
	for _, m := range members {
		if m != "" {
			there = append(there, m)
		}
	}
	space := d.of("", "", "", " ", "\n\t")
	return "{" + space + strings.Join(there, ","+space) + space + "}"
}

// array is up to two of what element makes.
func (d dice) array(element func() string) string {
	var all []string
	for range d.Intn(3) {
		all = append(all, element())
	}
	return "[" + strings.Join(all, ",") + "]"
}

func (d dice) text() string {
	return d.of(`"eth0"`, `"a<b>&c"`, `"\u003cé\u2028"`, "\"é\u2028\"", `"\ud83d\ude00"`, `"\ud800"`, "\"\xff\"", `" "`)
}

// number is one that libcni takes as an integer, as a number of the right size, or not at all.
func (d dice) number() string {
	return d.of("0", "1500", "1500", "-1", "9007199254740993", "9223372036854775807", "1500.0", "15e2", "1.5", `"1500"`)
}

// sane is a number that every reader takes.
func (d dice) sane() string { return d.of("0", "1", "1500") }

// result is what a plugin prints. What crashes runtimes and is refused therefore, is not printed for them.
func (d dice) result(version string, forRuntime bool) string {
	switch {
	case d.once(40):
		return d.of("null", "{}", " {} \n", `[]`, `"text"`, "{}{}", "not JSON")
	case d.once(10):
		version = d.of("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0", "9.9.9")
	}
	says := d.of(fmt.Sprintf(`"cniVersion":%q`, version), fmt.Sprintf(`"cniVersion":%q`, version), "", `"cniVersion":""`, `"cniVersion":null`)
	if strings.HasPrefix(version, "0.1") || strings.HasPrefix(version, "0.2") {
		return d.object(says, d.member("ip4", d.family("10.1.0.2/16", "10.1.0.1"), "{}"), d.member("ip6", d.family("fd00::2/64", "fd00::1"), "{}"), d.dns()) + d.of("", "\n")
	}
	interfaces := d.Intn(3)
	null := func(make func() string) func() string {
		return func() string {
			if !forRuntime && d.once(10) {
				return "null"
			}
			return make()
		}
	}
	var faces []string
	for range interfaces {
		faces = append(faces, null(d.face)())
	}
	index := func() string {
		if forRuntime && interfaces == 0 {
			return "null"
		}
		return fmt.Sprint(d.Intn(max(interfaces, 1)))
	}
	facesMember := fmt.Sprintf(`"interfaces":[%s]`, strings.Join(faces, ","))
	if interfaces == 0 {
		facesMember = d.member("interfaces", "[]")
	}
	return d.object(says, facesMember,
		d.member(d.of("ips", "ips", "ips", "IPs"), d.array(null(func() string { return d.address(index()) })), "[]"),
		d.member("routes", d.array(null(d.route)), "[]"), d.dns()) + d.of("", "\n")
}

func (d dice) face() string {
	members := []string{d.member("name", d.text(), `""`), d.member("mac", `"02:00:00:00:00:01"`, `""`), d.member("sandbox", `"/run/netns/x"`, `""`)}
	if d.once(3) {
		members = append(members, d.member("mtu", d.rarely(d.number), "0"), d.member("socketPath", `"/run/s"`, `""`), d.member("pciID", `"0000:00:1f.6"`, `""`))
	}
	return d.object(members...)
}

// rarely is a number of any kind once in three, else a sane one.
func (d dice) rarely(number func() string) string {
	if d.once(3) {
		return number()
	}
	return d.sane()
}

func (d dice) address(index string) string {
	a := d.of(`"address":"10.1.0.2/24"`, `"address":"10.1.0.2/24"`, `"address":"fd00::2/64"`, `"address":"::ffff:10.1.0.3/120"`, `"address":"FD00:0::2/64"`)
	if d.once(12) {
		a = d.of("", `"address":null`, `"address":""`, `"address":"10.1.0.2"`)
	}
	return d.object(a, d.member("version", d.of(`"4"`, `"6"`), `""`), d.member("interface", index), d.member("gateway", d.of(`"10.1.0.1"`, `"fd00::1"`, `"::ffff:10.1.0.1"`), `""`))
}

func (d dice) route() string {
	dst := d.of(`"dst":"0.0.0.0/0"`, `"dst":"::/0"`, `"dst":"10.9.0.0/16"`, `"dst":"10.9.0.7/16"`)
	if d.once(12) {
		dst = d.of("", `"dst":null`, `"dst":""`)
	}
	members := []string{dst, d.member("gw", `"10.1.0.1"`, `""`)}
	if d.once(3) {
		for _, key := range []string{"mtu", "advmss", "priority", "table", "scope"} {
			members = append(members, d.member(key, d.sane(), "0"))
		}
	}
	return d.object(members...)
}

// family is ip4 or ip6 of the first two versions.
func (d dice) family(address, gateway string) string {
	ip := fmt.Sprintf(`"ip":%q`, address)
	if d.once(12) {
		ip = d.of("", `"ip":null`)
	}
	return d.object(ip, d.member("gateway", fmt.Sprintf("%q", gateway), `""`), d.member("routes", d.array(d.route), "[]"))
}

func (d dice) dns() string {
	list := func() string { return d.array(func() string { return d.of(`"10.0.0.10"`, `""`, "null", d.text()) }) }
	return d.member("dns", d.object(d.member("nameservers", list(), "[]"), d.member("domain", d.text(), `""`), d.member("search", list(), "[]"), d.member("options", list(), "[]")), "{}", "{}")
}
