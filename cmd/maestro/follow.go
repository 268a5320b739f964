package main

import (
	"context"
	"iter"
	"sync"
	"time"

	"maestro/client"
)

// follow feeds v with a run's events until they end, and shows how the run ended. It returns the error that ended the
// events early, if one did. It has ended everything it started when it returns.
func (v *progress) follow(ctx context.Context, events func(context.Context) iter.Seq2[client.Event, error]) error {
	type item struct {
		ev  client.Event
		err error
	}
	ctx, cancel := context.WithCancel(ctx)
	items := make(chan item)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(items)
		for ev, err := range events(ctx) {
			select {
			case items <- item{ev, err}:
			case <-ctx.Done():
				return
			}
		}
	})
	defer reader.Wait()
	defer cancel()

	ticks := time.NewTicker(100 * time.Millisecond)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticks.C:
			v.tick()
		case it, ok := <-items:
			if !ok {
				return context.Cause(ctx) // an interrupt may end the events first
			}
			if it.err != nil {
				return it.err
			}
			v.event(it.ev)
			if it.ev.Kind == client.End {
				return nil
			}
		}
	}
}
