package stale

import (
	"strings"
	"testing"
	"time"

	"github.com/cni-shim/cni-shim/pkg/attachment"
)

// Ten minutes have passed by the node's uptime, which no clock that is set back or ahead changes.
func TestAged(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	const up = 2 * time.Hour
	for name, c := range map[string]struct {
		uptime  time.Duration // in the entry
		created time.Time
		up      time.Duration
		state   State
		why     string // "": ten minutes have passed
	}{
		"just now":                          {up - time.Minute, now.Add(-time.Minute), up, InUse, "only 1m0s ago"},
		"nine minutes, clock set ahead":     {up - 9*time.Minute, now.AddDate(-50, 0, 0), up, InUse, "only 9m0s ago"},
		"eleven minutes, clock set back":    {up - 11*time.Minute, now.Add(time.Hour), up, Unknown, ""},
		"an earlier boot, clock set back":   {3 * up, now.AddDate(1, 0, 0), up, Unknown, ""},
		"an earlier boot, just up":          {3 * up, now.AddDate(-1, 0, 0), time.Minute, InUse, "only 1m0s ago"},
		"an older version's, old":           {0, now.Add(-time.Hour), up, Unknown, ""},
		"an older version's, young":         {0, now.Add(-time.Minute), up, InUse, "only 1m0s ago"},
		"an older version's, in the future": {0, now.Add(time.Minute), up, Unknown, "the clock was set back"},
		"an older version's, just up":       {0, now.AddDate(-50, 0, 0), time.Minute, InUse, "only 1m0s ago"},
		"no uptime is known":                {0, now.Add(-time.Hour), 0, InUse, "only 0s ago"},
	} {
		e := &attachment.Entry{Uptime: c.uptime.Seconds(), Created: c.created}
		state, why := aged(e, c.up, now)
		if state != c.state || !strings.Contains(why, c.why) || (why == "") != (c.why == "") {
			t.Errorf("%s: %d %q, want %d %q", name, state, why, c.state, c.why)
		}
	}
}
