package signal

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"maestro/internal/doc"
	"maestro/internal/uuid"
)

// Announcement is a signal to be announced (spec 1.1).
type Announcement struct {
	Name      string
	ID        string // instance_id: the same name and id are the same instance for ever; empty: it follows from name and params
	Params    Params
	Payload   []byte // JSON object, nil for none
	Requested int64  // epoch milliseconds; 0: when it is announced
}

// Identity returns the id of the instance that the announcement makes.
func (a *Announcement) Identity() string {
	if a.ID != "" {
		return a.ID
	}
	params := slices.Clone(a.Params)
	slices.SortFunc(params, func(p, q Param) int { return strings.Compare(p.Name, q.Name) })
	text := doc.AppendString([]byte(`{"name":`), a.Name)
	if len(params) > 0 {
		text = params.AppendJSON(append(text, `,"params":`...))
	}
	return uuid.Format(uuid.OfText(append(text, `,"request_time":0}`...)))
}

// Instance is one announced signal. It never changes.
type Instance struct {
	Name      string
	Seq       int64 // from 1 within the name
	ID        string
	Params    Params
	Payload   []byte // JSON object, nil for none
	Requested int64
	Created   int64
}

// AppendJSON appends the instance as it is stored and shown.
func (i *Instance) AppendJSON(dst []byte) []byte {
	o := doc.Open(dst)
	o.Text("name", i.Name)
	o.Int("seq_id", i.Seq)
	o.Text("instance_id", i.ID)
	if len(i.Params) > 0 {
		o.Key("params")
		o.Out = i.Params.AppendJSON(o.Out)
	}
	o.Raw("payload", i.Payload)
	o.Int("request_time", i.Requested)
	o.Int("create_time", i.Created)
	return o.Close()
}

// DecodeInstance reads what AppendJSON wrote.
func DecodeInstance(data []byte) (*Instance, error) {
	n, err := doc.ParseJSON(data, doc.Limits{})
	if err != nil {
		return nil, fmt.Errorf("signal: stored instance cannot be read: %w", err)
	}
	text := func(name string) string {
		if f := n.Field(name); f != nil {
			return f.Text
		}
		return ""
	}
	number := func(name string) int64 { v, _ := strconv.ParseInt(text(name), 10, 64); return v }
	i := &Instance{
		Name: text("name"), Seq: number("seq_id"), ID: text("instance_id"), Params: paramsOf(n.Field("params")),
		Requested: number("request_time"), Created: number("create_time"),
	}
	if p := n.Field("payload"); !p.IsNull() {
		i.Payload = doc.AppendNode(nil, p)
	}
	return i, nil
}
