package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
)

// What was built, set at link time. Date is the commit's, in seconds since the epoch: two builds of a commit are equal.
var (
	Version = "devel" // the release; "devel" in a build that is none
	Commit  = ""
	Date    = ""
)

// build is what version tells.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Date    string `json:"date,omitempty"` // RFC 3339, UTC
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func newVersion(env *Env) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "version",
		Short: "print the version, commit and build date",
		Args:  args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			if output == "json" {
				printJSON(env.Stdout, b)
				return nil
			}
			fmt.Fprintf(env.Stdout, "cni-shim %s", b.Version)
			for _, s := range []string{b.Commit, b.Date, b.Go, b.OS + "/" + b.Arch} {
				if s != "" {
					fmt.Fprintf(env.Stdout, ", %s", s)
				}
			}
			fmt.Fprintln(env.Stdout)
			return nil
		},
	}
	outputFlag(c, &output, "text", "json")
	return c
}

// thisBuild is what the linker was told, else what Go has stamped.
func thisBuild() build {
	b := build{Version: Version, Commit: Commit, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	var seconds int64
	if n, err := fmt.Sscan(Date, &seconds); n == 1 && err == nil {
		b.Date = time.Unix(seconds, 0).UTC().Format(time.RFC3339)
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && b.Commit == "":
			b.Commit = s.Value
		case s.Key == "vcs.time" && b.Date == "":
			b.Date = s.Value
		}
	}
	return b
}
