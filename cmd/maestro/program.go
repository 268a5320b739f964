package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"maestro/client"
)

// program is one invocation: what it was given by the system, the flags that all commands share, and what it has
// opened. Commands are functions of it, so tests run them without a process.
type program struct {
	in     io.Reader
	out    io.Writer
	err    io.Writer
	screen screen // of out
	env    func(name string) string
	now    func() time.Time
	zone   *time.Location

	check checker // checks definitions offline; nil where it is not built in

	server  string
	user    string
	output  string
	noColor bool
	quiet   bool

	http    *http.Client
	closers []func() error
}

// newProgram returns a program of this process.
func newProgram(in io.Reader, out, errs *os.File) *program {
	return &program{
		in:     in,
		out:    out,
		err:    errs,
		screen: screenOf(out),
		env:    os.Getenv,
		now:    time.Now,
		zone:   time.Local,
		check:  checkDefinition(time.Now),
		http:   &http.Client{Transport: http.DefaultTransport},
	}
}

// commands returns the constructors of all subcommands, in the order in which they are added.
func commands() []func(*program) *cobra.Command {
	return []func(*program) *cobra.Command{
		newServerCmd,
		newRunCmd,
		newPushCmd,
		newValidateCmd,
		newStartCmd,
		newWatchCmd,
		newGetCmd,
		newLsCmd,
		newLogsCmd,
		newStopCmd,
		newKillCmd,
		newRestartCmd,
		newDeleteCmd,
		newSignalCmd,
		newEventsCmd,
		newBenchCmd,
		newCompletionCmd,
		newVersionCmd,
		newExitCodesTopic,
		newParamsTopic,
	}
}

// Run executes one command line and returns the exit code.
func (p *program) Run(ctx context.Context, args []string) int {
	out := &printed{to: p.out}
	p.out = out
	root := newRootCmd(p)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = out.failure()
	}
	return p.report(err)
}

// Close releases what commands have opened, last first.
func (p *program) Close() error {
	var errs []error
	for i := len(p.closers) - 1; i >= 0; i-- {
		errs = append(errs, p.closers[i]())
	}
	p.closers = nil
	return errors.Join(errs...)
}

// client returns a client of the server that the flags name.
func (p *program) client() (*client.Client, error) {
	c, err := client.New(p.server,
		client.WithUser(p.user),
		client.WithHTTPClient(p.http),
		client.WithUserAgent("maestro-cli/"+buildVersion()))
	if err != nil {
		return nil, usagef("--server: %q is not a server's address; write it like http://127.0.0.1:8080", p.server)
	}
	return c, nil
}

// defaultUser is who the server is told is calling when nobody says: the user of the operating system.
func (p *program) defaultUser() string {
	for _, name := range []string{"MAESTRO_USER", "USER", "USERNAME"} {
		if s := p.env(name); s != "" {
			return s
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

func (p *program) defaultServer() string {
	if s := p.env("MAESTRO_SERVER"); s != "" {
		return s
	}
	return "http://127.0.0.1:8080"
}
