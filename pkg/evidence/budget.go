//go:build !patient

package evidence

import "time"

// Budget bounds all looking for one failure. It is half of the 200 ms that a call may lose; logging has the other half.
const Budget = 100 * time.Millisecond
