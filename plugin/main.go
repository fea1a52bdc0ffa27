// cni-shim is a CNI plugin that runs another chain and says why it fails, and the admin's tool for the same.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/cni-shim/cni-shim/pkg/attachment"
	"github.com/cni-shim/cni-shim/pkg/cli"
	"github.com/cni-shim/cni-shim/pkg/delegate"
	"github.com/cni-shim/cni-shim/pkg/shim"
)

func main() {
	if os.Getenv(attachment.ServeEnv) != "" {
		os.Exit(attachment.Serve(os.Stdin, os.Stdout))
	}
	if os.Getenv("CNI_COMMAND") != "" {
		os.Exit(plugin())
	}
	if err := shim.Poller(); err != nil {
		_, _ = syscall.Write(int(delegate.Stderr), []byte("cni-shim: "+err.Error()+"\n")) // without a timer, which needs the poller
		os.Exit(2)
	}
	os.Exit(cli.Main(&cli.Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}, os.Args[1:]))
}

// plugin answers one call. It is the only owner of stdout, and writes to it once.
func plugin() (code int) {
	answered := false
	defer func() {
		// A fault of the shim's own must still be an answer that the runtime can read.
		if p := recover(); p != nil {
			fmt.Fprintf(delegate.Stderr, "cni-shim: panic: %v\n%s", p, debug.Stack())
			if !answered {
				b, _ := json.Marshal(types.NewError(types.ErrInternal, fmt.Sprintf("cni-shim: crashed: %v", p), "[PluginCrashed] report the trace on stderr")) // strings
				_, _ = delegate.Stdout.Write(b)
				os.Exit(1)
			}
		}
	}()
	answer := shim.Handle(true)
	answered = true
	if _, err := delegate.Stdout.Write(answer.Stdout); err != nil {
		fmt.Fprintf(delegate.Stderr, "cni-shim: stdout: %v\n", err)
		answer.Exit = 1
	}
	code = answer.Exit
	answer.Tell()
	return code
}
