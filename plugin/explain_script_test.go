package main

import (
	"flag"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var updateScripts = flag.Bool("update", false, "rewrite the expected outputs in testdata/script")

// TestMain lets the test binary pose as the tool in scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cni-shim": main})
}

// TestScripts plays sessions at the command line.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", UpdateScripts: *updateScripts, RequireExplicitExec: true})
}
