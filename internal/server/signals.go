package server

import (
	"context"
	"net/http"
	"strings"

	"maestro/api"
	"maestro/internal/signal"
	"maestro/spec"
)

// SignalBoard is where signals are announced and looked up. *board.Board is one.
type SignalBoard interface {
	// Announce returns the instance once it is durable, or api.Conflict with the one that was refused.
	Announce(ctx context.Context, a *signal.Announcement) (*signal.Instance, error)
	// Instance returns an instance by its number, nil when there is none.
	Instance(ctx context.Context, name string, seq int64) (*signal.Instance, error)
	// Latest returns the newest instance of a name, nil when there is none.
	Latest(ctx context.Context, name string) (*signal.Instance, error)
}

// Signals are the endpoints about signals (spec/signals-triggers 1, spec/api 10). No caller needs to say who it is.
type Signals struct {
	board SignalBoard
	rules spec.Rules
}

// NewSignals returns the endpoints. They are added to a Server with Config.Register.
func NewSignals(b SignalBoard, rules spec.Rules) *Signals { return &Signals{board: b, rules: rules} }

// Register adds all routes.
func (a *Signals) Register(handle func(pattern string, h HandlerFunc)) {
	handle("POST /api/v3/signals", a.announce)
	handle("GET /api/v3/signals/{name}/instances/{seq}", a.show)
}

func (a *Signals) announce(w http.ResponseWriter, r *http.Request) error {
	q, err := a.decode(w, r)
	if err != nil {
		return err
	}
	i, err := a.board.Announce(r.Context(), q)
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, i.AppendJSON)
}

// show answers with one instance, by number or the latest.
func (a *Signals) show(w http.ResponseWriter, r *http.Request) (err error) {
	name, token := r.PathValue("name"), r.PathValue("seq")
	var i *signal.Instance
	if strings.EqualFold(token, "latest") {
		i, err = a.board.Latest(r.Context(), name)
	} else {
		seq, perr := pathInt(r, "seq", "the number of a signal instance")
		if perr != nil {
			return perr
		}
		i, err = a.board.Instance(r.Context(), name, seq)
	}
	if err != nil {
		return err
	}
	if i == nil {
		return api.Errorf(api.NotFound, "signal instance [%s][%s] not found", name, token)
	}
	return respond(w, http.StatusOK, i.AppendJSON)
}
