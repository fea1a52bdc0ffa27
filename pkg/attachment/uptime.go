package attachment

import (
	"time"

	"golang.org/x/sys/unix"
)

// Uptime is how long the node has been up, suspended time included; 0 where the kernel does not say. No clock that is set changes it.
func Uptime() time.Duration {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) != nil {
		return 0
	}
	return time.Duration(now.Nano())
}
