package runtimes

// failing is a plugin's list: one planted plugin, calico, before portmap.
func failing(version string) string {
	return `{
  "cniVersion": "` + version + `",
  "name": "` + usual + `",
  "plugins": [
    {"type": "calico"},
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`
}

// result is what a planted plugin prints when it has added a pod: one of the list's version, whichever that is.
const result = `cat <<END
{"interfaces": [{"name": "eth0", "sandbox": "$CNI_NETNS"}], "ips": [{"version": "4", "address": "10.60.0.2/24", "interface": 0}]}
END
`

// failures are situations in which a plugin fails.
var failures = []situation{
	{
		name: "missing", title: "a plugin's program is not there", tells: []string{"calico (1/2)", "/opt/cni/bin", "PluginNotFound"},
		play: func(p *play) {
			p.network("10-calico.conflist", p.Sample("10-calico.conflist"))
			p.start()
			p.ready()
			p.run("web")
			p.told()
		},
	},
	{
		name: "missing-1.1.0", title: "a plugin's program is not there, list at 1.1.0", tells: []string{"calico (1/2)", "/opt/cni/bin", "PluginNotFound"},
		play: func(p *play) {
			p.network("10-calico.conflist", failing("1.1.0"))
			p.start()
			p.ready()
			p.run("web")
		},
	},
	{
		name: "wrong-cpu", title: "a plugin built for another CPU", tells: []string{"calico (1/2)", "arm64"},
		play: func(p *play) {
			p.Plant("calico", "")
			elf := "\x7fELF\x02\x01\x01" + string(make([]byte, 9)) + "\x02\x00\xb7\x00\x01\x00\x00\x00" + string(make([]byte, 40))
			must(writeProgram("calico", elf))
			p.network("10-calico.conflist", failing("1.0.0"))
			p.start()
			p.ready()
			p.run("web")
		},
	},
	{
		name: "status", title: "a plugin's STATUS fails, list at 1.1.0", tells: []string{"calico (1/2)", "datastore is not reachable"},
		play: func(p *play) {
			p.Plant("calico", statusFails)
			p.network("10-calico.conflist", failing("1.1.0"))
			p.start()
			p.ready()
			p.end(p.run("web"))
		},
	},
	{
		name: "status-0.3.1", title: "a plugin's STATUS would fail, but the list is at 0.3.1, which has none",
		play: func(p *play) {
			p.Plant("calico", statusFails)
			p.network("10-calico.conflist", failing("0.3.1"))
			p.start()
			p.ready()
			p.end(p.run("web"))
		},
	},
	{
		name: "add", title: "ADD fails with message and details", tells: []string{"calico (1/2)", "No more free addresses in: [10.60.0.0/24]", "IPAMExhausted"},
		play: func(p *play) {
			p.Plant("calico", exhausted)
			p.network("10-calico.conflist", failing("1.0.0"))
			p.start()
			p.ready()
			p.run("web")
			p.left()
			p.told()
		},
	},
	{
		name: "add-late", keeps: "a DEL that fails is never taken for done", title: "the second plugin's ADD fails: what the first set up is undone", tells: []string{"late (2/2)", "no room in the table"},
		play: func(p *play) {
			p.Plant("late", "[ $CNI_COMMAND = ADD ] || { echo cannot delete >&2; exit 1; }\n"+`echo '{"code": 100, "msg": "no room in the table"}'; exit 1`+"\n")
			p.network(main, `{"cniVersion": "1.0.0", "name": "`+usual+`", "plugins": [
  {"type": "bridge", "bridge": "br65", "ipam": {"type": "host-local", "subnet": "10.65.0.0/24"}},
  {"type": "late"}]}`)
			p.start()
			p.run("web")
			p.left()
			p.told()
		},
	},
	{
		name: "stderr", title: "a plugin prints to both channels and dies", tells: []string{"calico (1/2)", "panic: no node name"},
		play: func(p *play) {
			p.Plant("calico", "[ $CNI_COMMAND = ADD ] || exit 0\necho starting; echo 'panic: no node name' >&2; exit 2\n")
			p.network("10-calico.conflist", failing("1.0.0"))
			p.start()
			p.run("web")
			p.told()
		},
	},
}

const statusFails = `case $CNI_COMMAND in
STATUS) echo '{"code": 50, "msg": "datastore is not reachable", "details": "dial tcp 10.96.0.1:443: i/o timeout"}'; exit 1;;
ADD) ` + result + `esac
exit 0
`

// exhausted is a plugin whose pools are used up, in Calico's words.
const exhausted = `[ $CNI_COMMAND = ADD ] || exit 0
echo '{"code": 999, "msg": "failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses", "details": "No more free addresses in: [10.60.0.0/24]"}'; exit 1
`
