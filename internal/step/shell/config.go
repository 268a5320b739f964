package shell

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Config is what a server decides about shell steps. Only Dir and Supervisor must be set.
type Config struct {
	Dir        string   // where attempts are kept; a local file system, used by one server at a time or by successive ones
	Supervisor []string // executable and first arguments that lead to Supervise; the attempt's directory is appended
	Host       string   // name of this machine for people; default: what the system says

	// Interpreters lists the programs that steps may run, as interpreter or as command. Empty means any. A bare name
	// is looked up in the PATH of the server, never in one that a step brings along.
	Interpreters []string

	MaxProcesses int // processes at a time; default 64. Those found again after a restart count, but never wait
	MaxWaiting   int // attempts waiting for their turn; default 10,000. One more is a platform error

	Grace          time.Duration // from SIGTERM to SIGKILL, unless the step says; default 10 s
	OutputBytes    int64         // kept at the end of each of stdout and stderr, unless the step says; default 10 MiB. Up to a quarter more is stored
	MaxOutputBytes int64         // the most a step may ask for; default 1 GiB

	TTL time.Duration // how long the directory of a finished attempt is kept; default 7 days, negative: for ever
	Log *slog.Logger  // what nobody else hears of, such as a directory that cannot be removed; default: nowhere
}

const (
	maxGrace     = time.Hour
	tailBytes    = 8 << 10   // of each stream, in the artifact
	maxScriptArg = 100 << 10 // longer scripts go through a file: Linux takes at most 128 KiB in one argument
)

func (c Config) orDefaults() (Config, error) {
	if c.Dir == "" {
		return c, errors.New("shell: no directory for attempts is configured")
	}
	if len(c.Supervisor) == 0 || c.Supervisor[0] == "" {
		return c, errors.New("shell: no supervisor executable is configured")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return c, fmt.Errorf("shell: directory %q: %w", c.Dir, err)
	}
	c.Dir = dir
	if c.Host == "" {
		if c.Host, err = os.Hostname(); err != nil {
			c.Host = "localhost"
		}
	}
	c.MaxProcesses = orDefault(c.MaxProcesses, 64)
	c.MaxWaiting = orDefault(c.MaxWaiting, 10_000)
	c.Grace = orDefault(c.Grace, 10*time.Second)
	c.OutputBytes = orDefault(c.OutputBytes, 10<<20)
	c.MaxOutputBytes = max(orDefault(c.MaxOutputBytes, 1<<30), c.OutputBytes)
	c.TTL = orDefault(c.TTL, 7*24*time.Hour)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func orDefault[T int | int64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}
