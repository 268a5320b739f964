package engine

import (
	"cmp"
	"container/list"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"maestro/api"
	"maestro/internal/instance"
	"maestro/internal/store"
)

const (
	outputKind = "output"       // the collection of records of output data that nobody has claimed
	keepOutput = 24 * time.Hour // how long it is kept
	maxKept    = 10_000         // of how many jobs
)

// keptOutput is what is kept of a job that nobody has yet.
type keptOutput struct {
	At       int64           `json:"at"`
	Sender   string          `json:"sender,omitempty"`
	Workflow string          `json:"workflow_id,omitempty"`
	Output   json.RawMessage `json:"output"`
}

// unclaimed says of which jobs data is kept. It is bounded in bytes and in jobs: to make room, the oldest goes of the
// sender of whom most is kept. So who sends much for jobs that there are not pushes out only what it sent itself.
type unclaimed struct {
	most    int64 // bytes
	bytes   int64
	jobs    map[job]*list.Element
	senders map[string]*sender
}

// sender is who sent data, and what is kept of it.
type sender struct {
	bytes int64
	jobs  *list.List // of *kept, oldest first
}

type kept struct {
	job    job
	at     int64
	bytes  int64
	sender string
}

func newUnclaimed(most int64) *unclaimed {
	return &unclaimed{most: most, jobs: make(map[job]*list.Element), senders: make(map[string]*sender)}
}

// put notes that data of a job is kept, in place of what was, and returns the jobs whose data must go for it.
func (u *unclaimed) put(k *kept) (gone []job) {
	u.remove(k.job)
	for len(u.jobs) > 0 && (u.bytes+k.bytes > u.most || len(u.jobs) >= maxKept) {
		oldest := u.largest().jobs.Front().Value.(*kept)
		u.remove(oldest.job)
		gone = append(gone, oldest.job)
	}
	s := u.senders[k.sender]
	if s == nil {
		s = &sender{jobs: list.New()}
		u.senders[k.sender] = s
	}
	u.jobs[k.job] = s.jobs.PushBack(k)
	s.bytes += k.bytes
	u.bytes += k.bytes
	return gone
}

// remove forgets a job, and reports whether data of it was kept.
func (u *unclaimed) remove(j job) bool {
	e := u.jobs[j]
	if e == nil {
		return false
	}
	k := e.Value.(*kept)
	s := u.senders[k.sender]
	s.jobs.Remove(e)
	s.bytes -= k.bytes
	u.bytes -= k.bytes
	if s.jobs.Len() == 0 {
		delete(u.senders, k.sender)
	}
	delete(u.jobs, j)
	return true
}

// largest returns the sender of whom most is kept, of several the one with the oldest.
func (u *unclaimed) largest() *sender {
	var found *sender
	for _, s := range u.senders {
		if found == nil || s.bytes > found.bytes || s.bytes == found.bytes && s.oldest() < found.oldest() {
			found = s
		}
	}
	return found
}

func (s *sender) oldest() int64 { return s.jobs.Front().Value.(*kept).at }

// openKept reads which jobs have data kept, and drops what is too old or too much.
func (o *outputs) openKept(ctx context.Context) error {
	var all []*kept
	after := ""
	for {
		const page = 500
		list, err := o.e.store.Scan(ctx, outputKind, "", after, page)
		if err != nil {
			return fmt.Errorf("read kept output data: %w", err)
		}
		for _, r := range list {
			after = r.Key
			kind, id, _ := strings.Cut(r.Key, "/")
			var k keptOutput
			_ = json.Unmarshal(r.Value, &k) // what cannot be read is old
			all = append(all, &kept{job: job{kind, id}, at: k.At, bytes: int64(len(r.Value)), sender: k.Sender})
		}
		if len(list) < page {
			break
		}
	}
	slices.SortFunc(all, func(a, b *kept) int { return cmp.Compare(a.at, b.at) })
	var gone []store.Record
	o.mu.Lock()
	for _, k := range all {
		if k.at < o.e.clock.settled(keepOutput)-keepOutput.Milliseconds() {
			gone = append(gone, store.Record{Kind: outputKind, Key: k.job.key()})
			continue
		}
		gone = append(gone, deletions(o.kept.put(k))...)
	}
	o.mu.Unlock()
	if err := o.e.store.PutRecords(ctx, gone...); err != nil {
		return fmt.Errorf("drop old output data: %w", err)
	}
	return nil
}

func deletions(jobs []job) []store.Record {
	out := make([]store.Record, len(jobs))
	for i, j := range jobs {
		out[i] = store.Record{Kind: outputKind, Key: j.key()}
	}
	return out
}

// keep stores the data of a job that nobody has yet, together with what it sent before.
func (o *outputs) keep(ctx context.Context, j job, q JobOutput) error {
	o.keeping.Lock()
	defer o.keeping.Unlock()
	k := keptOutput{At: o.e.clock.now(), Sender: q.Sender, Workflow: q.WorkflowID, Output: q.Data}
	old, err := o.e.store.Record(ctx, outputKind, j.key())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read output data of job [%s]: %w", q.Job, err)
	}
	var before keptOutput
	if err == nil && json.Unmarshal(old, &before) == nil {
		if k.Output, err = instance.MergeOutput(before.Output, q.Data); err != nil {
			return api.Errorf(api.BadRequest, "the output data of job [%s] is too large: %w", q.Job, err)
		}
	}
	value, err := json.Marshal(k)
	if err != nil {
		return api.Errorf(api.BadRequest, "output data is not JSON: %w", err)
	}
	o.mu.Lock()
	gone := o.kept.put(&kept{job: j, at: k.At, bytes: int64(len(value)), sender: k.Sender})
	o.mu.Unlock()
	if err := o.e.store.PutRecords(ctx, append(deletions(gone), store.Record{Kind: outputKind, Key: j.key(), Value: value})...); err != nil {
		return fmt.Errorf("keep output data of job [%s]: %w", q.Job, err)
	}
	return nil
}

// claim returns the events that give kept data to the attempt that now has the jobs. The records stay until the attempt
// has ended: whatever happens before, the data is given to it again.
func (o *outputs) claim(w *worker, claims []job) []item {
	var items []item
	for _, j := range claims {
		value, err := o.e.store.Record(o.e.ctx, outputKind, j.key())
		var k keptOutput
		switch {
		case errors.Is(err, store.ErrNotFound): // being kept in this moment, by one who will look again
			continue
		case err == nil:
			err = json.Unmarshal(value, &k)
		}
		if err != nil {
			o.e.log.Warn("output data of a job cannot be read", "job", j.key(), "error", err)
			continue
		}
		if k.Workflow != "" && k.Workflow != w.workflow || o.e.clock.settled(keepOutput)-k.At > keepOutput.Milliseconds() {
			o.e.log.Warn("output data of a job is dropped: it is too old or of another workflow", "job", j.key(), "workflow", k.Workflow)
			o.drop(j)
			continue
		}
		items = append(items, item{event: instance.Posted{At: o.e.clock.of(w.run), Step: w.step, Attempt: w.attempt, Output: k.Output, Kept: true}})
	}
	return items
}

// drop deletes what is kept of a job, in the background. When that fails, it is dropped one day for its age.
func (o *outputs) drop(j job) {
	o.mu.Lock()
	o.kept.remove(j)
	o.mu.Unlock()
	o.e.later(func() {
		if err := o.e.store.PutRecords(context.WithoutCancel(o.e.ctx), store.Record{Kind: outputKind, Key: j.key()}); err != nil {
			o.e.log.Warn("output data that was delivered could not be deleted", "job", j.key(), "error", err)
		}
	})
}
