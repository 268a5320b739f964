package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"maestro/api"
	"maestro/internal/store"
	"maestro/internal/view"
)

// DeadLetter is an event that a sink did not take. It stays until somebody deletes it or its replay succeeds.
type DeadLetter struct {
	ID       string          `json:"id"` // sink-cursor
	Sink     string          `json:"sink"`
	Workflow string          `json:"workflow_id"`
	Type     string          `json:"type"`
	EventID  string          `json:"event_id"` // cursor
	Attempts int             `json:"attempts"`
	First    int64           `json:"first_attempt_time"`
	Last     int64           `json:"last_attempt_time"`
	Error    string          `json:"error"` // of the last attempt
	Event    json.RawMessage `json:"event"`
}

// deadKind is the collection of records of dead letters. Keys sort by sink, then by the order of events.
const deadKind = "dead_letter"

func deadKey(sink string, c view.Cursor) string {
	return fmt.Sprintf("%s/%020d.%010d", sink, c.Pos, c.Index)
}

// keyOf returns the key of the letter with an id.
func keyOf(id string) (string, bool) {
	sink, cursor, ok := strings.Cut(id, "-")
	if !ok || sink == "" || strings.Contains(sink, "/") || !strings.Contains(cursor, ".") {
		return "", false
	}
	c, err := view.ParseCursor(cursor)
	return deadKey(sink, c), err == nil
}

// putDead writes a letter that was given up.
func putDead(ctx context.Context, records store.Records, sink string, l *letter) error {
	id := l.Cursor.String()
	d := DeadLetter{
		ID: sink + "-" + id, Sink: sink, Workflow: l.Workflow, Type: l.Type, EventID: id, Attempts: l.attempts,
		First: l.first.UnixMilli(), Last: l.last.UnixMilli(), Error: l.err.Error(), Event: l.Data,
	}
	return d.put(ctx, records)
}

func (d *DeadLetter) put(ctx context.Context, records store.Records) error {
	key, ok := keyOf(d.ID)
	value, err := json.Marshal(d)
	if err != nil || !ok {
		return fmt.Errorf("dead letter %s: %w", d.ID, err)
	}
	return records.PutRecords(ctx, store.Record{Kind: deadKind, Key: key, Value: value})
}

// DeadLetters is the list of all sinks' dead letters. It is safe for concurrent use.
type DeadLetters struct {
	records store.Records
	sinks   map[string]Sink

	mu sync.Mutex // of replays: no letter is sent twice at once
}

// NewDeadLetters returns the list. Letters of other sinks than those given are listed too, but cannot be replayed.
func NewDeadLetters(records store.Records, sinks ...Sink) *DeadLetters {
	l := &DeadLetters{records: records, sinks: make(map[string]Sink)}
	for _, s := range sinks {
		l.sinks[s.Name()] = s
	}
	return l
}

// ErrNotSent says that a replayed letter was not taken. It is wrapped with why.
var ErrNotSent = errors.New("the event was not taken")

// List returns up to n letters after the one with an id, in order of their sink and event; workflow, if not empty,
// selects those of one workflow. more says that there are others.
func (l *DeadLetters) List(ctx context.Context, after, workflow string, n int) (letters []DeadLetter, more bool, err error) {
	key := ""
	if after != "" {
		var ok bool
		if key, ok = keyOf(after); !ok {
			return nil, false, api.Errorf(api.NotFound, "no dead letter has an id like %q", after)
		}
	}
	for {
		const page = 200
		list, err := l.records.Scan(ctx, deadKind, "", key, page)
		if err != nil {
			return nil, false, fmt.Errorf("read dead letters: %w", err)
		}
		for _, r := range list {
			key = r.Key
			var d DeadLetter
			if err := json.Unmarshal(r.Value, &d); err != nil {
				return nil, false, fmt.Errorf("dead letter %s: %w", r.Key, err)
			}
			if workflow != "" && d.Workflow != workflow {
				continue
			}
			if len(letters) == n {
				return letters, true, nil
			}
			letters = append(letters, d)
		}
		if len(list) < page {
			return letters, false, nil
		}
	}
}

// Get returns one letter, or api.NotFound.
func (l *DeadLetters) Get(ctx context.Context, id string) (DeadLetter, error) {
	var d DeadLetter
	key, ok := keyOf(id)
	if !ok {
		return d, api.Errorf(api.NotFound, "no dead letter has an id like %q", id)
	}
	text, err := l.records.Record(ctx, deadKind, key)
	if errors.Is(err, store.ErrNotFound) {
		return d, api.Errorf(api.NotFound, "no dead letter [%s]; it may have been replayed or deleted", id)
	}
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		return d, fmt.Errorf("read dead letter %s: %w", id, err)
	}
	return d, nil
}

// Delete removes letters.
func (l *DeadLetters) Delete(ctx context.Context, ids ...string) error {
	records := make([]store.Record, 0, len(ids))
	for _, id := range ids {
		if key, ok := keyOf(id); ok {
			records = append(records, store.Record{Kind: deadKind, Key: key})
		}
	}
	for chunk := range slices.Chunk(records, 200) {
		if err := l.records.PutRecords(ctx, chunk...); err != nil {
			return fmt.Errorf("delete dead letters: %w", err)
		}
	}
	return nil
}

// Replay sends a letter once, now, and removes it when it was taken: then the sink gets it out of order. ErrNotSent says
// that it was not taken; the letter then stays, with what was said this time.
func (l *DeadLetters) Replay(ctx context.Context, id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, err := l.Get(ctx, id)
	if err != nil {
		return err
	}
	sink := l.sinks[d.Sink]
	if sink == nil {
		return fmt.Errorf("%w: there is no sink %q now", ErrNotSent, d.Sink)
	}
	c, err := view.ParseCursor(d.EventID)
	if err != nil {
		return fmt.Errorf("dead letter %s: %w", id, err)
	}
	d.Attempts++
	if err := sink.Send(ctx, &Event{Cursor: c, Type: d.Type, Workflow: d.Workflow, Data: d.Event}, d.Attempts); err != nil {
		d.Last, d.Error = time.Now().UnixMilli(), err.Error()
		if perr := d.put(context.WithoutCancel(ctx), l.records); perr != nil {
			return errors.Join(fmt.Errorf("%w: %w", ErrNotSent, err), perr)
		}
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	return l.Delete(context.WithoutCancel(ctx), id)
}
