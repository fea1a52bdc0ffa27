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
// for a disk cannot be killed, and neither its process: a call must not be that process. While one such process waits in vain no other
// is started. beat is called about every second. The error is ErrUnanswered, with what it waited for and how long, or a syscall.Errno
// where no process can be made.
func Apart(ctx context.Context, q Question, beat func()) (*Answer, error) {
	began := time.Now()
	if since, ok := asking(q.Lock); ok && time.Since(since) > askTimeout {
		return nil, &unanswered{q.path(), time.Since(since)}
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	b, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	out, err := delegate.Self(ctx, b, beat, ServeEnv+"=1")
	if errors.Is(err, delegate.ErrLeft) || ctx.Err() != nil {
		if since, ok := asking(q.Lock); ok && since.Before(began) {
			began = since
		}
		return nil, &unanswered{q.path(), time.Since(began)}
	}
	if errors.Is(err, syscall.ENOENT) { // no /proc to find this program in
		return q.Answer(), nil
	}
	a := &Answer{}
	if err == nil {
		err = json.Unmarshal(out, a)
	}
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		return nil, fmt.Errorf("%w: what %s holds cannot be read: %w", ErrUnanswered, q.path(), errno)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: what %s holds cannot be read: %v", ErrUnanswered, q.path(), err)
	}
	return a, nil
}

// path is the directory on the disk that is asked for.
func (q Question) path() string { return filepath.Dir(q.Saved[0]) }

// unanswered is a disk that does not answer.
type unanswered struct {
	path string
	age  time.Duration
}

func (e *unanswered) Error() string {
	return fmt.Sprintf("waiting for %s, not answering for %s", e.path, e.age.Round(time.Second))
}

func (e *unanswered) Is(target error) bool { return target == ErrUnanswered }
