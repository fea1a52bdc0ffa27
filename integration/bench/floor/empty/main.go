// Empty is the floor of a Go program: it starts and ends.
package main

func main() {}
