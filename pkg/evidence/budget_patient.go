//go:build patient

package evidence

import "time"

// Budget in programs that are built for tests of what is seen and logged: a busy machine may stop a process for longer than a call
// may lose. Nothing that is released is built so.
const Budget = 10 * time.Second
