package server

import (
	"context"
	"net/http"
)

const (
	// smallAnswer is how much of an answer needs no memory of the pool: all that most have.
	smallAnswer = 64 << 10
	// pageBytes is how large a list becomes before it ends early, as it does for the number of its elements.
	pageBytes = 8 << 20
)

// hold waits for memory for an answer of n bytes, if it does not have it. A client that reads slowly has it for long.
func (w *exchange) hold(ctx context.Context, n int64) error {
	if n -= smallAnswer + w.answer.n; n <= 0 {
		return nil
	}
	more, err := w.server.memory.answers.take(ctx, n, w.server.limits.Wait-w.waited)
	w.answer.add(more)
	return err
}

// elements gathers the elements of a list, as many as there may be in one answer.
type elements struct {
	x     *exchange
	list  [][]byte
	bytes int64
}

func pageOf(w http.ResponseWriter) *elements { return &elements{x: w.(*exchange)} }

// respond answers with the page.
func (p *elements) respond(w http.ResponseWriter, info pageInfo) error {
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		return appendPage(dst, info, len(p.list), func(dst []byte, i int) []byte { return append(dst, p.list[i]...) })
	})
}

// add appends an element, and reports whether there is room for it. The first has room, or has to wait for it.
func (p *elements) add(ctx context.Context, element []byte) (bool, error) {
	all := p.bytes + int64(len(element))
	switch more := all - smallAnswer - p.x.answer.n; {
	case len(p.list) == 0:
		if err := p.x.hold(ctx, all); err != nil {
			return false, err
		}
	case all > pageBytes:
		return false, nil
	case more <= 0:
	case !p.x.server.memory.answers.try(more):
		return false, nil
	default:
		p.x.answer.add(share{pool: &p.x.server.memory.answers, n: more})
	}
	p.list, p.bytes = append(p.list, element), all
	return true, nil
}
