// Skel is the floor of a plugin: it imports skel and answers VERSION.
package main

import (
	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/version"
)

func main() { skel.PluginMainFuncs(skel.CNIFuncs{}, version.All, "") }
