// Launch runs a program and writes its peak resident set in kilobytes to descriptor 3. A process's peak counts from its
// fork, so whoever forks must be small: this is.
package main

import (
	"os"
	"strconv"
	"syscall"
)

func main() {
	pid, err := syscall.ForkExec(os.Args[1], os.Args[1:], &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		panic(err)
	}
	var status syscall.WaitStatus
	var usage syscall.Rusage
	if _, err := syscall.Wait4(pid, &status, 0, &usage); err != nil {
		panic(err)
	}
	os.NewFile(3, "peak").WriteString(strconv.FormatInt(usage.Maxrss, 10))
	os.Exit(status.ExitStatus())
}
