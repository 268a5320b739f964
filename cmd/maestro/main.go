// Command maestro is the workflow orchestrator: the server, and the tools to talk to it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run()) }

func run() int {
	if code, done := superviseFirst(os.Args[1:]); done {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second interrupt ends the program at once, whatever the first one is still waiting for.
	context.AfterFunc(ctx, stop)

	p := newProgram(os.Stdin, os.Stdout, os.Stderr)
	defer p.Close()
	return p.Run(ctx, os.Args[1:])
}
