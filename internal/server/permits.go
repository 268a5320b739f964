package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"maestro/api"
	"maestro/internal/store"
)

// TagLimiter limits how many steps with a tag run at once, from now on. *engine.Engine is one.
type TagLimiter interface {
	LimitTag(tag string, limit int64)
	UnlimitTag(tag string)
	// TagUse returns how many steps hold a permit of the tag now, and how many wait for one.
	TagUse(tag string) (used, waiting int64)
}

// Permits are the endpoints about the limits of tags (spec/api 7). A limit is a record; the limiter is told what the
// records say, in the same order.
type Permits struct {
	records store.Records
	limiter TagLimiter
	now     func() int64

	mu sync.Mutex // of changes, which the limiter must see in the order of the store
}

// permitKind is the collection of records that limits are kept in: what is shown of a limit is its value.
const permitKind = "tag_permit"

// permitKey returns the key of a tag's record, which is not empty for the empty tag either: lists begin after that.
func permitKey(tag string) string { return "/" + tag }

// NewPermits returns the endpoints. They are added to a Server with Config.Register.
func NewPermits(records store.Records, limiter TagLimiter, now func() int64) *Permits {
	return &Permits{records: records, limiter: limiter, now: now}
}

// Load tells the limiter of all limits that the store has. It comes before any step runs.
func (p *Permits) Load(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	after := ""
	for {
		const page = 500
		list, err := p.records.Scan(ctx, permitKind, "", after, page)
		if err != nil {
			return fmt.Errorf("read tag permits: %w", err)
		}
		for _, r := range list {
			t, err := storedPermit(r.Value)
			if err != nil {
				return fmt.Errorf("tag permit %q: %w", r.Key, err)
			}
			p.limiter.LimitTag(t.tag, t.allowed)
			after = r.Key
		}
		if len(list) < page {
			return nil
		}
	}
}

// WorkflowDeleted removes the limits of single steps of a workflow that is gone, tags maestro_<workflow>:<step>
// (spec/engine 22).
func (p *Permits) WorkflowDeleted(ctx context.Context, workflow string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		const page = 500
		list, err := p.records.Scan(ctx, permitKind, permitKey("maestro_"+workflow+":"), "", page)
		if err != nil {
			return fmt.Errorf("read tag permits of workflow %q: %w", workflow, err)
		}
		if len(list) == 0 {
			return nil
		}
		for i := range list {
			list[i].Value = nil
		}
		if err := p.records.PutRecords(ctx, list...); err != nil {
			return fmt.Errorf("delete tag permits of workflow %q: %w", workflow, err)
		}
		for i := range list {
			p.limiter.UnlimitTag(list[i].Key[len(permitKey("")):])
		}
	}
}

// Register adds all routes.
func (p *Permits) Register(handle func(pattern string, h HandlerFunc)) {
	handle("POST /api/v3/tag-permits", p.put)
	handle("GET /api/v3/tag-permits", p.list)
	handle("GET /api/v3/tag-permits/{tag}", p.show)
	handle("DELETE /api/v3/tag-permits/{tag}", p.remove)
}

// put sets the limit of a tag. Steps that run go on, those that wait and may run now do.
func (p *Permits) put(w http.ResponseWriter, r *http.Request) error {
	user, err := caller(r)
	if err != nil {
		return err
	}
	n, err := decodeBody(w, r, bodyLimit)
	if err != nil {
		return err
	}
	t, err := decodePermit(n)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	old, err := p.records.Record(r.Context(), permitKind, permitKey(t.tag))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read tag permit %q: %w", t.tag, err)
	}
	if old != nil {
		before, err := storedPermit(old)
		if err != nil {
			return fmt.Errorf("tag permit %q: %w", t.tag, err)
		}
		t.timeline = before.timeline
	}
	t.note(p.now(), fmt.Sprintf("User [%s] set max_allowed to [%d]", user, t.allowed))
	if err := p.records.PutRecords(r.Context(), store.Record{Kind: permitKind, Key: permitKey(t.tag), Value: t.appendJSON(nil)}); err != nil {
		return fmt.Errorf("store tag permit %q: %w", t.tag, err)
	}
	p.limiter.LimitTag(t.tag, t.allowed)
	return reply(w, http.StatusOK, nil)
}

func (p *Permits) show(w http.ResponseWriter, r *http.Request) error {
	tag := r.PathValue("tag")
	text, err := p.records.Record(r.Context(), permitKind, permitKey(tag))
	if errors.Is(err, store.ErrNotFound) {
		return api.Errorf(api.NotFound, "No tag permit found for tag %s", tag)
	}
	if err != nil {
		return fmt.Errorf("read tag permit %q: %w", tag, err)
	}
	return reply(w, http.StatusOK, text)
}

// remove takes a limit away, if there is one, and lets all steps go on that wait for it.
func (p *Permits) remove(w http.ResponseWriter, r *http.Request) error {
	if _, err := caller(r); err != nil {
		return err
	}
	tag := r.PathValue("tag")
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.records.PutRecords(r.Context(), store.Record{Kind: permitKind, Key: permitKey(tag)}); err != nil {
		return fmt.Errorf("delete tag permit %q: %w", tag, err)
	}
	p.limiter.UnlimitTag(tag)
	return reply(w, http.StatusOK, nil)
}

// list answers a page of limits in order of tag, and with each how many steps hold a permit and how many wait for one.
func (p *Permits) list(w http.ResponseWriter, r *http.Request) error {
	size, after, err := forwardPage(r)
	if err != nil {
		return err
	}
	list, err := p.records.Scan(r.Context(), permitKind, "", after, size+1)
	if err != nil {
		return fmt.Errorf("read tag permits: %w", err)
	}
	info := pageInfo{HasPrevious: after != "", HasNext: len(list) > size, Total: -1}
	list = list[:min(len(list), size)]
	if len(list) > 0 {
		info.Start, info.End = list[0].Key, list[len(list)-1].Key
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		return appendPage(dst, info, len(list), func(dst []byte, i int) []byte {
			used, waiting := p.limiter.TagUse(list[i].Key[len(permitKey("")):])
			dst = append(dst, list[i].Value[:len(list[i].Value)-1]...)
			dst = strconv.AppendInt(append(dst, `,"used":`...), used, 10)
			dst = strconv.AppendInt(append(dst, `,"waiting":`...), waiting, 10)
			return append(dst, '}')
		})
	})
}

// forwardPage reads first, which may be left out, and cursor, of a list that is read in one direction only.
func forwardPage(r *http.Request) (size int, after string, err error) {
	q := r.URL.Query()
	if !q.Has("first") && !q.Has("last") {
		return maxPage, q.Get("cursor"), nil
	}
	page, err := parsePage(q)
	if err == nil && page.Last {
		err = api.Errorf(api.BadRequest, "this list is read with first, not last")
	}
	return int(page.Size), page.Cursor, err
}
