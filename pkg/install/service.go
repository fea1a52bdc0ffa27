package install

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/cni-shim/cni-shim/pkg/delegate"
)

// serviceTimeout bounds each command of the service manager's.
const serviceTimeout = 30 * time.Second

// booted tells whether systemd runs this node, as sd_booted(3) does.
func booted() bool {
	fi, err := os.Lstat("/run/systemd/system")
	return err == nil && fi.IsDir()
}

// catalogDB is where journald's catalog is compiled to. Where it never was, as on nodes without state, it is not begun.
const catalogDB = "/var/lib/systemd/catalog/database"

// serve lets systemd and journald know of new files, and starts the watch or lets it run the new program.
func (p *Plan) serve(ctx context.Context) {
	var unit, catalog bool
	for _, it := range p.items {
		unit = unit || it.path == p.unitPath() || it.path == wantsPath
		catalog = catalog || it.path == catalogPath
	}
	if catalog && exists(catalogDB) {
		p.run(ctx, "journalctl", "--update-catalog")
	}
	if (unit || p.there(p.unitPath())) && booted() {
		p.run(ctx, "systemctl", "daemon-reload")
		p.run(ctx, "systemctl", "restart", unitName)
	}
}

// run runs a command whose failure costs the node nothing.
func (p *Plan) run(ctx context.Context, name string, args ...string) {
	if err := run(ctx, name, args...); err != nil && !errors.Is(err, delegate.ErrNoTool) {
		p.warn("", "%v", err)
	}
}

func run(ctx context.Context, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, serviceTimeout)
	defer cancel()
	_, _, err := delegate.Tool(ctx, 64<<10, name, args...)
	return err
}
