//go:build race

package check

// raceDetector: this binary allocates for the race detector, too.
const raceDetector = true
