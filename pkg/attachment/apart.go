package attachment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cni-shim/cni-shim/pkg/delegate"
)

// ServeEnv is set for a process of this program that answers a question about the disk, and does nothing else: see Serve.
const ServeEnv = "CNI_SHIM_SERVE"

// askTimeout bounds how long anybody waits for a disk.
const askTimeout = 4 * time.Second

// Apart has another process of this program read what the disk holds, for at most some seconds or until ctx ends. A thread that waits
// for a disk cannot be killed, and neither its process: a call must not be that process. While one such process reads no other is
// started. beat is called about every second. The error is ErrUnanswered: an *Unanswered where the disk took too long, or with a
// syscall.Errno where no process can be made.
func Apart(ctx context.Context, q Question, beat func()) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := q.await(ctx, beat); err != nil {
		return nil, err
	}
	b, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	out, err := delegate.Self(ctx, b, beat, ServeEnv+"=1")
	a := &Answer{}
	if err == nil {
		err = json.Unmarshal(out, a)
	}
	switch errno := syscall.Errno(0); {
	case err == nil:
		return a, nil
	case errors.Is(err, delegate.ErrLeft) || ctx.Err() != nil:
		return nil, q.unanswered(time.Since(began))
	case errors.Is(err, syscall.ENOENT): // no /proc to find this program in
		return q.Answer(func(string) {}), nil
	case errors.As(err, &errno):
		return nil, fmt.Errorf("%w: what %s holds cannot be read: %w", ErrUnanswered, q.path(), errno)
	}
	return nil, fmt.Errorf("%w: what %s holds cannot be read: %v", ErrUnanswered, q.path(), err)
}

// await waits until no other process reads the disk. Where one has for longer than anybody waits, it does not wait at all.
func (q Question) await(ctx context.Context, beat func()) error {
	const pause = 5 * time.Millisecond
	next := time.Now().Add(time.Second)
	for {
		age, _, ok := asking(q.Lock)
		switch {
		case !ok:
			return nil
		case age > askTimeout || ctx.Err() != nil:
			return q.unanswered(age)
		}
		time.Sleep(pause)
		if time.Now().After(next) {
			beat()
			next = time.Now().Add(time.Second)
		}
	}
}

// path is the directory on the disk that is asked for.
func (q Question) path() string { return filepath.Dir(q.Saved[0]) }

// Unanswered is a disk that does not answer. It is an ErrUnanswered.
type Unanswered struct {
	Path string        // that is waited for
	For  time.Duration // so far
}

// unanswered says what the reader waits for: where it is, if it lives, else what was asked for.
func (q Question) unanswered(waited time.Duration) *Unanswered {
	e := &Unanswered{q.path(), waited}
	if age, dir, ok := asking(q.Lock); ok && dir != "" {
		e.Path, e.For = dir, max(age, waited)
	}
	return e
}

func (e *Unanswered) Error() string {
	return fmt.Sprintf("waiting for %s, not answering for %s", e.Path, e.For.Round(time.Second))
}

// Is reports that it is an ErrUnanswered.
func (e *Unanswered) Is(target error) bool { return target == ErrUnanswered }
