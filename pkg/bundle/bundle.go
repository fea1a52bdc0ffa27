// Package bundle collects what support asks for about a node's network in one archive, bounded in size and time, and with every
// secret masked that it can know of.
package bundle

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cni-shim/cni-shim/pkg/secret"
	"github.com/cni-shim/cni-shim/pkg/visible"
)

// Bounds of a bundle.
const (
	maxMember = 4 << 20  // of one member, in bytes; its end says that it was cut
	maxTotal  = 48 << 20 // of all of them, before compression
	maxTime   = time.Minute
)

// Member is one file of a bundle.
type Member struct {
	Name string // in the archive
	From string // where it comes from, in words
	read func(ctx context.Context) ([]byte, error)
}

// Write collects the members into a gzipped tar, each masked and bounded, and returns what could not be had. A member that fails
// is left out and named in the archive's own errors.txt; only what w refuses ends it.
func Write(ctx context.Context, w io.Writer, members []Member, m *secret.Known, now time.Time) (missing []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	put := func(name string, b []byte) error {
		h := &tar.Header{Name: "cni-shim-bundle/" + visible.Line(name), Mode: 0o600, Size: int64(len(b)), ModTime: now, Format: tar.FormatPAX}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		_, err := t.Write(b)
		return err
	}
	left := maxTotal
	for _, x := range members {
		if ctx.Err() != nil {
			missing = append(missing, visible.Line(fmt.Sprintf("%s: %v", x.Name, ctx.Err())))
			continue
		}
		b, readErr := x.read(ctx)
		if readErr != nil {
			missing = append(missing, visible.Line(m.Mask(fmt.Sprintf("%s: %v", x.Name, readErr))))
		}
		if len(b) == 0 {
			continue
		}
		b = cut(visible.Bytes(m.Bytes(b)), min(maxMember, left))
		left -= len(b)
		if err := put(x.Name, b); err != nil {
			return missing, err
		}
	}
	if len(missing) > 0 {
		text := ""
		for _, l := range missing {
			text += l + "\n"
		}
		if err := put("errors.txt", []byte(text)); err != nil {
			return missing, err
		}
	}
	return missing, errors.Join(t.Close(), z.Close())
}

// cut keeps the end of what is too long: the newest lines are there.
func cut(b []byte, limit int) []byte {
	const note = "[… the beginning was left out …]\n"
	if len(b) <= limit {
		return b
	}
	if limit <= len(note) {
		return nil
	}
	return append([]byte(note), b[len(b)-limit+len(note):]...)
}
