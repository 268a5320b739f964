package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"maestro/api"
	"maestro/internal/doc"
	"maestro/internal/event"
)

// DeadLetters are the endpoints about events that a sink did not take, and about how sinks are doing:
//
//	GET    /api/v3/events/sinks                            how far each sink is, and what went wrong last
//	GET    /api/v3/events/dead-letters?first=&cursor=&workflow_id=    a page of letters, in order of their events
//	GET    /api/v3/events/dead-letters/{id}                one letter, with the event
//	POST   /api/v3/events/dead-letters/{id}/actions/replay sends it once, now; it is gone when it was taken
//	POST   /api/v3/events/dead-letters/actions/replay?workflow_id=    sends all, oldest first, until one is not taken
//	DELETE /api/v3/events/dead-letters/{id}                removes it, if there is one
//	DELETE /api/v3/events/dead-letters?workflow_id= or ?all=true      removes many
//
// A letter that is replayed reaches its sink after events that are newer.
type DeadLetters struct {
	Letters *event.DeadLetters
	Sinks   func() []event.Status
}

// Register adds all routes.
func (d DeadLetters) Register(handle func(pattern string, h HandlerFunc)) {
	const path = "/api/v3/events/dead-letters"
	handle("GET /api/v3/events/sinks", d.sinks)
	handle("GET "+path, d.list)
	handle("GET "+path+"/{id}", d.show)
	handle("POST "+path+"/{id}/actions/replay", d.replay)
	handle("POST "+path+"/actions/replay", d.replayAll)
	handle("DELETE "+path+"/{id}", d.remove)
	handle("DELETE "+path, d.removeAll)
}

func (d DeadLetters) sinks(w http.ResponseWriter, _ *http.Request) error {
	list := d.Sinks()
	if list == nil {
		list = []event.Status{}
	}
	return replyJSON(w, list)
}

func (d DeadLetters) list(w http.ResponseWriter, r *http.Request) error {
	size, after, err := forwardPage(r)
	if err != nil {
		return err
	}
	letters, more, err := d.Letters.List(r.Context(), after, r.URL.Query().Get("workflow_id"), size)
	if err != nil {
		return err
	}
	info := pageInfo{HasPrevious: after != "", HasNext: more, Total: -1}
	texts := make([][]byte, len(letters))
	for i := range letters {
		if texts[i], err = json.Marshal(letters[i]); err != nil {
			return err
		}
	}
	if len(letters) > 0 {
		info.Start, info.End = letters[0].ID, letters[len(letters)-1].ID
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		return appendPage(dst, info, len(texts), func(dst []byte, i int) []byte { return append(dst, texts[i]...) })
	})
}

func (d DeadLetters) show(w http.ResponseWriter, r *http.Request) error {
	letter, err := d.Letters.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return replyJSON(w, letter)
}

func (d DeadLetters) replay(w http.ResponseWriter, r *http.Request) error {
	if _, err := caller(r); err != nil {
		return err
	}
	id := r.PathValue("id")
	if err := d.Letters.Replay(r.Context(), id); errors.Is(err, event.ErrNotSent) {
		return api.Errorf(api.Conflict, "dead letter [%s] stays: %s", id, err)
	} else if err != nil {
		return err
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		o := doc.Open(dst)
		o.Text("id", id)
		o.Bool("replayed", true)
		return o.Close()
	})
}

const (
	replayTime  = 20 * time.Second // how long one request may replay
	replayChunk = 100
)

// replayAll answers how many letters were taken, and whether there are others: then why it stopped is told, if that was
// not for the time it took.
func (d DeadLetters) replayAll(w http.ResponseWriter, r *http.Request) error {
	if _, err := caller(r); err != nil {
		return err
	}
	workflow := r.URL.Query().Get("workflow_id")
	until := time.Now().Add(replayTime)
	replayed, more, why := 0, true, ""
	after := ""
	for more && why == "" && time.Now().Before(until) {
		letters, rest, err := d.Letters.List(r.Context(), after, workflow, replayChunk)
		if err != nil {
			return err
		}
		more = rest
		for i := range letters {
			after = letters[i].ID
			err := d.Letters.Replay(r.Context(), after)
			if errors.Is(err, event.ErrNotSent) {
				why, more = "dead letter ["+after+"] stays: "+err.Error(), true
				break
			}
			if err != nil && !isNotFound(err) { // somebody else was quicker
				return err
			}
			replayed++
			if !time.Now().Before(until) {
				more = more || i+1 < len(letters)
				break
			}
		}
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		o := doc.Open(dst)
		o.Int("replayed", int64(replayed))
		o.Bool("more", more)
		o.TextIf("message", why)
		return o.Close()
	})
}

func (d DeadLetters) remove(w http.ResponseWriter, r *http.Request) error {
	if _, err := caller(r); err != nil {
		return err
	}
	if err := d.Letters.Delete(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return reply(w, http.StatusOK, nil)
}

// removeAll needs to be told what to remove, so that nobody does it by leaving out an id.
func (d DeadLetters) removeAll(w http.ResponseWriter, r *http.Request) error {
	if _, err := caller(r); err != nil {
		return err
	}
	workflow := r.URL.Query().Get("workflow_id")
	all, err := queryBool(r.URL.Query(), "all", false)
	if err != nil {
		return err
	}
	if workflow == "" && !all {
		return api.Errorf(api.BadRequest, "give workflow_id, or all=true to delete the dead letters of all workflows")
	}
	deleted := 0
	for more := true; more; {
		letters, rest, err := d.Letters.List(r.Context(), "", workflow, 1000)
		if err != nil {
			return err
		}
		ids := make([]string, len(letters))
		for i := range letters {
			ids[i] = letters[i].ID
		}
		if err := d.Letters.Delete(r.Context(), ids...); err != nil {
			return err
		}
		deleted, more = deleted+len(ids), rest
	}
	return respond(w, http.StatusOK, func(dst []byte) []byte {
		o := doc.Open(dst)
		o.Int("deleted", int64(deleted))
		return o.Close()
	})
}
