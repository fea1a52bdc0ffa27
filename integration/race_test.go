//go:build race

package integration

// With the race detector on in the tests it is on in the shim.
func init() { raceFlags = []string{"-race"} }
