package node

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"maestro/internal/config"
	"maestro/internal/event"
	"maestro/internal/event/webhook"
	"maestro/internal/server"
)

// events is what brings events outside, and what is done about those that are too old.
type events struct {
	end     context.CancelFunc
	work    sync.WaitGroup // ends with end
	source  *event.Source
	letters *event.DeadLetters
	sinks   []*event.Delivery
}

// startEvents starts to send events, as the settings say.
func (n *Node) startEvents() error {
	ctx, end := context.WithCancel(context.Background())
	e := &events{end: end, source: event.NewSource(event.Config{
		Journal: n.store, Runs: n.engine, Cluster: n.cfg.ClusterName, Retention: n.cfg.Events.Retention, Now: n.engine.SettledNow,
	})}
	n.events = e
	n.stops = append(n.stops, e.stop)
	var sinks []event.Sink
	if hook := n.cfg.Events.Webhook; hook.URL != "" {
		sink, err := newWebhook(hook, n.with.Version, n.log)
		if err != nil {
			return err
		}
		d, err := event.NewDelivery(event.DeliveryConfig{
			Source: e.source, Sink: sink, Records: n.store, Watcher: n.engine, Workflows: hook.Workflows, Log: n.log,
			Policy: event.Policy{MaxAttempts: hook.MaxAttempts, GiveUpAfter: hook.GiveUpAfter, Parallel: hook.MaxInFlight},
		})
		if err != nil {
			return fmt.Errorf("events.webhook.workflows: %w", err)
		}
		e.work.Go(func() {
			defer sink.Close()
			d.Run(ctx)
		})
		sinks, e.sinks = append(sinks, sink), append(e.sinks, d)
	}
	e.letters = event.NewDeadLetters(n.store, sinks...)
	var read func() int64
	if len(e.sinks) > 0 {
		read = e.passed
	}
	e.work.Go(func() { e.source.Prune(ctx, n.store, read, n.log) })
	return nil
}

// stop ends deliveries and waits for them. What was not delivered is after the next start.
func (e *events) stop() error {
	e.end()
	e.work.Wait()
	return nil
}

func newWebhook(hook config.Webhook, version string, log *slog.Logger) (*webhook.Sink, error) {
	if hook.Secret == "" {
		log.Warn("events are sent without a signature, receivers cannot tell who sent them; set MAESTRO_EVENTS_WEBHOOK_SECRET")
	}
	sink, err := webhook.New(webhook.Config{
		URL: hook.URL, Secret: hook.Secret, Timeout: hook.Timeout, Parallel: hook.MaxInFlight, Version: version,
	})
	if err != nil {
		return nil, fmt.Errorf("events.webhook.url: %w", err)
	}
	return sink, nil
}

// passed returns the place in the journal that all sinks have passed.
func (e *events) passed() int64 {
	pos := e.sinks[0].Passed()
	for _, d := range e.sinks[1:] {
		pos = min(pos, d.Passed())
	}
	return pos
}

// statuses returns how sinks are doing.
func (e *events) statuses() (list []event.Status) {
	for _, d := range e.sinks {
		list = append(list, d.Status())
	}
	return list
}

// register adds the routes about sinks and dead letters.
func (e *events) register(handle func(pattern string, h server.HandlerFunc)) {
	server.DeadLetters{Letters: e.letters, Sinks: e.statuses}.Register(handle)
}
