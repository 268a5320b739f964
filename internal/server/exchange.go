package server

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// exchange is a request and its answer: what was answered, and what that has of the server until it is. It is the
// http.ResponseWriter that handlers get.
type exchange struct {
	http.ResponseWriter
	server *Server
	body   *pacedBody
	pace   pace

	status   int
	bytes    int64
	extended time.Time // when the client was last given time to read

	reading share         // of memory, for the bytes of the body
	working share         // and for what is made of them
	waited  time.Duration // for them
	answer  share         // for a large answer
}

func (s *Server) exchange(w http.ResponseWriter, r *http.Request) *exchange {
	x := &exchange{ResponseWriter: w, server: s, pace: s.limits.pace()}
	x.body = &pacedBody{ReadCloser: r.Body, ctl: http.NewResponseController(w), pace: x.pace, done: r.Body == http.NoBody}
	return x
}

// end gives back what the exchange has, once it is answered. What is left of the body and of the answer passes within
// the time that its client has for a part of it.
func (w *exchange) end() {
	w.reading.release()
	w.working.release()
	w.answer.release()
	w.body.rest()
	w.extend()
}

// WriteHeader implements http.ResponseWriter.
func (w *exchange) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController find what the connection can do, such as flushing and deadlines.
func (w *exchange) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// work waits until there is memory for work of a weight. The body is counted in it.
func (w *exchange) work(ctx context.Context, weight int64) (err error) {
	if w.working, err = w.server.memory.work(ctx, weight, w.server.limits.Wait-w.waited); err == nil {
		w.reading.release()
	}
	return err
}

// room waits until there is memory to read another piece of the body. All waits of a request together are bounded.
func (w *exchange) room(ctx context.Context) error {
	began := time.Now()
	err := w.server.memory.reading.more(ctx, &w.reading, 2*pieceSize, w.server.limits.Wait-w.waited) // in pieces, and in one piece in the end
	w.waited += time.Since(began)
	w.body.paused()
	return err
}

const (
	// smallBody is how much of a body is read without asking for memory: all that most requests have.
	smallBody = 4 << 10
	pieceSize = 32 << 10
)

// readAll reads a body of a size that may be known beforehand. What is more than small is gathered in pieces, for each of
// which there must be memory first, so that a body costs what was sent of it, whatever size it is said to have.
func (w *exchange) readAll(ctx context.Context, from io.Reader, size int64) ([]byte, error) {
	if size < 0 || size > smallBody {
		size = smallBody
	}
	first := make([]byte, 0, size+1) // one more, to see the end
	var full [][]byte
	defer func() {
		for _, piece := range full {
			pieces.Put((*[pieceSize]byte)(piece[:pieceSize]))
		}
	}()
	for last := &first; ; {
		if len(*last) == cap(*last) {
			if err := w.room(ctx); err != nil {
				return nil, err
			}
			full = append(full, pieces.Get().(*[pieceSize]byte)[:0])
			last = &full[len(full)-1]
		}
		n, err := from.Read((*last)[len(*last):cap(*last)])
		*last = (*last)[:len(*last)+n]
		switch {
		case err == io.EOF && full == nil:
			return first, nil
		case err == io.EOF:
			return slices.Concat(append([][]byte{first}, full...)...), nil
		case err != nil:
			return nil, err
		}
	}
}

// pieces are used again, so that bodies which are refused leave no garbage.
var pieces = sync.Pool{New: func() any { return new([pieceSize]byte) }}
