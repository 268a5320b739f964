package checker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/internal/uuid"
)

// Ack is what a client was told: its start was accepted.
type Ack struct {
	Workflow string `json:"workflow"`
	Instance int64  `json:"instance"` // 0: a duplicate, which carries no number
	Run      int64  `json:"run"`
	UUID     string `json:"uuid"`
}

// ReadAcks reads acknowledgements, one JSON object per line. A last line that is cut short is passed over: its client
// was cut short, too.
func ReadAcks(r io.Reader) (acks []Ack, err error) {
	for lines := bufio.NewScanner(r); ; {
		if !lines.Scan() {
			return acks, lines.Err()
		}
		var a Ack
		if json.Unmarshal(lines.Bytes(), &a) == nil && a.UUID != "" {
			acks = append(acks, a)
		}
	}
}

// Result is what Store found.
type Result struct {
	Runs, Entries, Acks int
	ByStatus            map[string]int
	Problems            []string
}

// Store checks every run in a store, and that every acknowledged start is there. finished says that no run may be live.
func Store(ctx context.Context, s store.Store, acks []Ack, finished bool) (*Result, error) {
	out := &Result{Acks: len(acks), ByStatus: make(map[string]int)}
	entries, err := feed(ctx, s, out)
	if err != nil {
		return nil, err
	}
	for after := ""; ; {
		flows, err := s.Workflows(ctx, after, 100)
		if err != nil {
			return nil, fmt.Errorf("list workflows: %w", err)
		}
		for i := range flows {
			if err := workflow(ctx, s, &flows[i], entries, finished, out); err != nil {
				return nil, err
			}
			after = flows[i].ID
		}
		if len(flows) < 100 {
			break
		}
	}
	for id := range entries {
		out.Problems = append(out.Problems, fmt.Sprintf("run %d has entries and is in no list", id))
	}
	return out, acknowledged(ctx, s, acks, out)
}

// feed reads the whole feed and returns the entries of each run as the feed has them.
func feed(ctx context.Context, s store.Feed, out *Result) (map[store.RunID][]store.Entry, error) {
	byRun := make(map[store.RunID][]store.Entry)
	for pos := int64(0); ; {
		page, err := s.After(ctx, pos, 0, 1000)
		if err != nil {
			return nil, fmt.Errorf("read feed: %w", err)
		}
		for _, e := range page {
			if e.Pos <= pos {
				out.Problems = append(out.Problems, fmt.Sprintf("position %d of the feed comes after %d", e.Pos, pos))
			}
			pos = e.Pos
			if e.Run != 0 {
				byRun[e.Run] = append(byRun[e.Run], e)
				out.Entries++
			}
		}
		if len(page) == 0 {
			return byRun, nil
		}
	}
}

// workflow checks all runs of one workflow and takes their entries out of the map.
func workflow(ctx context.Context, s store.Runs, w *store.Workflow, entries map[store.RunID][]store.Entry, finished bool, out *Result) error {
	rows, err := s.List(ctx, store.RunQuery{Workflow: w.Internal, From: 1})
	if err != nil {
		return fmt.Errorf("list runs of %s: %w", w.ID, err)
	}
	for i := range rows {
		row := &rows[i]
		out.Runs++
		out.ByStatus[instance.RunStatus(row.Status).String()]++
		_, problems := Journal(row, entries[row.ID])
		if finished && !instance.RunStatus(row.Status).Terminal() {
			problems = append(problems, "has not ended: "+instance.RunStatus(row.Status).String())
		}
		for _, p := range problems {
			out.Problems = append(out.Problems, fmt.Sprintf("[%s][%d][%d]: %s", w.ID, row.Instance, row.Run, p))
		}
		delete(entries, row.ID)
	}
	return nil
}

func acknowledged(ctx context.Context, s store.Store, acks []Ack, out *Result) error {
	type number struct {
		workflow      string
		instance, run int64
	}
	given := make(map[number]string)
	internal := make(map[string]int64)
	for _, a := range acks {
		lost := func(why string) {
			out.Problems = append(out.Problems, fmt.Sprintf("acknowledged start %s of %s [%d][%d]: %s", a.UUID, a.Workflow, a.Instance, a.Run, why))
		}
		id, known := internal[a.Workflow]
		if !known {
			w, err := s.Workflow(ctx, a.Workflow)
			if err != nil {
				return fmt.Errorf("find workflow %s: %w", a.Workflow, err)
			}
			id = w.Internal
			internal[a.Workflow] = id
		}
		request, ok := uuid.Parse(a.UUID)
		if !ok {
			lost("not a UUID")
			continue
		}
		row, err := s.FindUUID(ctx, id, request)
		switch {
		case errors.Is(err, store.ErrNotFound):
			lost("there is no such run")
			continue
		case err != nil:
			return fmt.Errorf("find run %s: %w", a.UUID, err)
		case a.Instance == 0:
			continue
		case row.Instance != a.Instance || row.Run != a.Run:
			lost(fmt.Sprintf("it is run [%d][%d]", row.Instance, row.Run))
		}
		n := number{a.Workflow, a.Instance, a.Run}
		if other, twice := given[n]; twice && other != a.UUID {
			lost("its numbers were given to " + other + ", too")
		}
		given[n] = a.UUID
	}
	return nil
}
