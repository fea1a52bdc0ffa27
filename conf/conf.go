// Package conf holds the files that an install lays down on a node, as they stand beside it.
package conf

import "embed"

var (
	//go:embed cni-shim.catalog
	Catalog []byte // of journald's messages, for journalctl -x

	//go:embed systemd/cni-shim.tmpfiles
	Tmpfiles []byte // for systemd-tmpfiles

	//go:embed systemd/cni-shim-watch.service
	Unit []byte // of `cni-shim watch`

	//go:embed man/*.1
	Man embed.FS // manual pages, in man
)
