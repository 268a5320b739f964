package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

// backoff says how to go on after a lost connection.
type backoff struct {
	giveUp         time.Duration
	first, longest time.Duration
}

// recovery says what becomes of a stream whose connection is lost.
type recovery struct {
	backoff
	what string // is lost, for the message

	ever   bool          // a connection has worked
	since  time.Time     // of the trouble, zero when there is none
	wait   time.Duration // before the next attempt
	reason error
}

// works says that something came over the connection. The server asks for a pause of at least so long after a loss.
func (r *recovery) works(least time.Duration) {
	r.since, r.wait = time.Time{}, max(r.first, least)
}

// lost decides what a broken connection means: nil to try again, else the error that ends the walk.
func (r *recovery) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if refused, ok := errors.AsType[*Error](err); ok && !passing(refused.HTTP) {
		return err
	}
	if errors.Is(err, errLongLine) {
		return err
	}
	if !r.ever {
		return err // there never was a connection to restore
	}
	if r.since.IsZero() {
		r.since = time.Now()
	}
	if time.Since(r.since) > r.giveUp {
		return fmt.Errorf("client: lost %s and could not get it back in %s: %w", r.what, r.giveUp, err)
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("the server closed the connection")
	}
	r.reason = err
	return nil
}

// pause waits before the next attempt, longer each time.
func (r *recovery) pause(ctx context.Context) error {
	wait := max(r.wait, r.first)
	r.wait = min(2*wait, r.longest)
	return sleep(ctx, wait/2+rand.N(wait/2+1))
}

// passing reports whether the same request may well work a little later.
func passing(status int) bool {
	return status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
