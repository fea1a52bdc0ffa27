// Package cli is the admin's face of the binary: one file a command.
package cli

import (
	"fmt"
	"io"
)

// Exit statuses, the same for every command.
const (
	ExitOK    = 0 // clean, ready, done
	ExitNo    = 1 // errors found, not ready, failed
	ExitUsage = 2 // the command line is wrong, or the answer cannot be known
)

// Env is the world of one command: tests give their own.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
}

// Command is one word of the command line.
type Command struct {
	Name     string
	Synopsis string // one line for the list of commands
	Usage    string // "check [flags] [PATH... or -]"
	Run      func(env *Env, args []string) int
}

// commands are listed in the order in which help shows them.
func commands() []*Command {
	return []*Command{checkCommand, statusCommand, explainCommand, forgetCommand, versionCommand}
}

// Main runs the command line without the program's name and returns the exit status.
func Main(env *Env, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		help(env.Stdout)
		return ExitOK
	}
	for _, c := range commands() {
		if c.Name == args[0] {
			return c.Run(env, args[1:])
		}
	}
	fmt.Fprintf(env.Stderr, "cni-shim: unknown command %q\nrun 'cni-shim help' for the list\n", args[0])
	return ExitUsage
}

func help(w io.Writer) {
	fmt.Fprint(w, "cni-shim tells why a pod network fails.\n\nusage: cni-shim COMMAND [flags]\n\ncommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s %s\n", c.Name, c.Synopsis)
	}
	fmt.Fprint(w, "\nWith CNI_COMMAND in its environment cni-shim is a CNI plugin; runtimes call it so.\n")
}
