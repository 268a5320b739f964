package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"maestro/internal/config"
	"maestro/internal/event"
	"maestro/internal/event/webhook"
	"maestro/internal/server"
	"maestro/internal/store"
)

// outgoing is what brings events outside, and what is done about those that are too old.
type outgoing struct {
	source  *event.Source
	letters *event.DeadLetters
	sinks   []*event.Delivery
}

// openEvents starts to send events, as the settings say.
func (n *node) openEvents(db store.Store) (err error) {
	o := &outgoing{source: event.NewSource(event.Config{
		Journal: db, Runs: n.engine, Cluster: n.cfg.ClusterName, Retention: n.cfg.Events.Retention, Now: n.engine.SettledNow,
	})}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	n.closers = append(n.closers, func() error {
		cancel()
		work.Wait()
		return nil
	})
	var sinks []event.Sink
	if hook := n.cfg.Events.Webhook; hook.URL != "" {
		sink, err := newWebhook(hook, n.log)
		if err != nil {
			return err
		}
		d, err := event.NewDelivery(event.DeliveryConfig{
			Source: o.source, Sink: sink, Records: db, Watcher: n.engine, Workflows: hook.Workflows, Log: n.log,
			Policy: event.Policy{MaxAttempts: hook.MaxAttempts, GiveUpAfter: hook.GiveUpAfter, Parallel: hook.MaxInFlight},
		})
		if err != nil {
			return fmt.Errorf("events.webhook.workflows: %w", err)
		}
		sinks, o.sinks = append(sinks, sink), append(o.sinks, d)
		work.Go(func() {
			defer sink.Close()
			d.Run(ctx)
		})
	}
	o.letters = event.NewDeadLetters(db, sinks...)
	var read func() int64
	if len(o.sinks) > 0 {
		read = o.passed
	}
	work.Go(func() { o.source.Prune(ctx, db, read, n.log) })
	n.events = o
	return nil
}

func newWebhook(hook config.Webhook, log *slog.Logger) (*webhook.Sink, error) {
	if hook.Secret == "" {
		log.Warn("events are sent without a signature, receivers cannot tell who sent them; set MAESTRO_EVENTS_WEBHOOK_SECRET")
	}
	sink, err := webhook.New(webhook.Config{
		URL: hook.URL, Secret: hook.Secret, Timeout: hook.Timeout, Parallel: hook.MaxInFlight, Version: buildVersion(),
	})
	if err != nil {
		return nil, fmt.Errorf("events.webhook.url: %w", err)
	}
	return sink, nil
}

// passed returns the place in the journal that all sinks have passed.
func (o *outgoing) passed() int64 {
	pos := o.sinks[0].Passed()
	for _, d := range o.sinks[1:] {
		pos = min(pos, d.Passed())
	}
	return pos
}

// statuses returns how sinks are doing.
func (o *outgoing) statuses() (list []event.Status) {
	for _, d := range o.sinks {
		list = append(list, d.Status())
	}
	return list
}

// register adds the routes about sinks and dead letters.
func (o *outgoing) register(handle func(pattern string, h server.HandlerFunc)) {
	server.DeadLetters{Letters: o.letters, Sinks: o.statuses}.Register(handle)
}

// keepEvents says what stays of the journals of deleted runs. It is called when a workflow is deleted, or when a deletion
// is resumed, and so after everything was opened.
func (n *node) keepEvents(ctx context.Context, r *store.Run, entries []store.Entry) ([]store.Entry, error) {
	return n.events.source.Keep(n.engine, n.log)(ctx, r, entries)
}

// forgetPermits removes the limits of single steps of a workflow that is gone.
func (n *node) forgetPermits(workflow string) {
	if err := n.permits.WorkflowDeleted(context.Background(), workflow); err != nil {
		n.log.Warn("tag permits of a deleted workflow stay", "workflow", workflow, "error", err)
	}
}
