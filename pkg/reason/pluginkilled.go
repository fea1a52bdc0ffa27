package reason

// PluginKilled: the plugin was ended by a signal.
var PluginKilled = &Reason{
	Name:      "PluginKilled",
	MessageID: "60ca6799d20e4658b9820c4cff713b7e",
	Group:     Limits,
	Title:     "the plugin was ended by a signal",
	Cause:     "Something killed the plugin before it answered: the out-of-memory killer, the runtime that had waited long enough, or an operator.",
	Confirm: []string{
		"journalctl -k --grep 'Killed process|oom' -n 20",
		"cni-shim status",
	},
	Cure:  "look for out-of-memory kills and for what the plugin was waiting on: API server, agent, lock",
	Who:   Node,
	Retry: true,
}
