package httpstep

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"time"

	"maestro/internal/step"
)

// Config is what a server decides about HTTP steps. Only Evaluate must be set, and nothing can be called without Allow.
type Config struct {
	// Allow lists what may be called: a host or an address, either with :port or without; *.domain for all names below
	// it; a network such as 10.0.0.0/8; * for every name. Empty means nothing.
	//
	// Patterns and * lead to public addresses only. A name that is listed in full may lead to a private address, too, as
	// may localhost to this machine. Anything else, such as link-local addresses and those at which clouds hand out
	// credentials, must be listed as address or network.
	Allow []string

	Timeout          time.Duration // of an exchange, from connecting to the last byte; default 30 s
	MaxResponseBytes int64         // default 1 MiB
	MaxInFlight      int           // requests at a time; default 256
	MaxWaiting       int           // attempts that wait for their turn or their next request; default 1,000,000. One more is a platform error

	Poll  time.Duration // from an answer that means CONTINUE to the next request; default 3 s
	Grace time.Duration // for an answer after the step's deadline; default 3 s, negative: none

	// Evaluate runs the state expression of a step with the outcome of its request.
	Evaluate func(a *step.Attempt, expr string, status int64, body string) (string, error)

	// Names returns the names of all params that a state expression can read; all: any. Attempts keep no others while they
	// wait. Default: any.
	Names func(expr string) (names []string, all bool)

	TLS      *tls.Config   // whom to trust; default: whom the system trusts
	Resolver *net.Resolver // of host names; default: the system's
	Log      *slog.Logger  // of bugs; default: nowhere
}

const (
	quiet          = 20 * time.Millisecond // an attempt that ends sooner is not reported running first: it saves a commit
	maxHeaderBytes = 256 << 10             // of an answer
	maxRedirects   = 10
	smallBody      = 4 << 10     // answers that mean CONTINUE are all told up to this size,
	rarely         = time.Minute // and larger ones this often
)

func (c Config) orDefaults() (Config, error) {
	if c.Evaluate == nil {
		return c, errors.New("http steps: nothing evaluates state expressions")
	}
	if c.Names == nil {
		c.Names = func(string) ([]string, bool) { return nil, true }
	}
	c.Timeout = orDefault(c.Timeout, 30*time.Second)
	c.MaxResponseBytes = orDefault(c.MaxResponseBytes, 1<<20)
	c.MaxInFlight = orDefault(c.MaxInFlight, 256)
	c.MaxWaiting = orDefault(c.MaxWaiting, 1_000_000)
	c.Poll = orDefault(c.Poll, 3*time.Second)
	c.Grace = orDefault(c.Grace, 3*time.Second)
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
