package delegate

import (
	"context"
	"errors"
	"os"
	"syscall"
)

// ErrLeft marks a process that was killed and does not end, because the kernel holds it: a disk that does not answer. It is left
// behind, and ends when the kernel lets go of it.
var ErrLeft = errors.New("killed, and does not end")

// maxSelf bounds what a process of this program may answer, in bytes.
const maxSelf = 64 << 20

// Self runs this program again with stdin and no other environment than env, and returns what it prints. It is for work that the
// kernel may hold for ever: where ctx ends first, or a moment later, Self returns all the same, with ctx's error or ErrLeft. A
// process that cannot be made is a syscall.Errno. beat is called about every second meanwhile.
func Self(ctx context.Context, stdin []byte, beat func(), env ...string) (stdout []byte, err error) {
	a := &Attempt{Path: "/proc/self/exe", name: os.Args[0], Stdin: stdin, limit: maxSelf}
	err = a.run(ctx, env, beat)
	switch {
	case errors.Is(err, ErrLeft):
		go func() { _, _ = syscall.Wait4(a.pid, nil, 0, nil) }() // whenever the kernel lets go of it
	case a.Errno != 0:
		err = a.Errno
	case err != nil && ctx.Err() != nil:
		err = ctx.Err()
	case err != nil:
		err = errors.New(a.ending(err))
	}
	return a.Stdout, err
}
