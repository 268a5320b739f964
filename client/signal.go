package client

import (
	"context"
	"encoding/json"
	"fmt"
)

// SignalRequest announces a signal.
type SignalRequest struct {
	Name      string
	Params    map[string]any // texts and integers; what dependencies and triggers match on
	Payload   map[string]any // carried along, not matched
	RequestID string         // announcing twice with the same one is a Conflict; default: made from name and params
}

// Signal is an announced signal.
type Signal struct {
	Document
	Name       string          `json:"name"`
	Sequence   int64           `json:"seq_id"` // 1, 2, 3 … for each name
	InstanceID string          `json:"instance_id"`
	Params     json.RawMessage `json:"params"`
	Payload    json.RawMessage `json:"payload"`
	CreateTime int64           `json:"create_time"`
}

// Announce announces a signal to everything that waits for it. One that was announced before is a Conflict.
func (c *Client) Announce(ctx context.Context, s SignalRequest) (*Signal, error) {
	for name, v := range s.Params {
		switch v.(type) {
		case string, int, int32, int64, json.Number:
		default:
			return nil, fmt.Errorf("client: param %q of signal %q is a %T; signals are matched on texts and integers only",
				name, s.Name, v)
		}
	}
	body := struct {
		Name      string         `json:"name"`
		Params    map[string]any `json:"params,omitempty"`
		RequestID string         `json:"request_id,omitempty"`
		Payload   map[string]any `json:"payload,omitempty"`
	}{s.Name, s.Params, s.RequestID, s.Payload}
	return postCall[Signal](ctx, c, path("signals"), body)
}

// Signal returns one announcement of a signal; number 0 is the newest.
func (c *Client) Signal(ctx context.Context, name string, number int64) (*Signal, error) {
	token := "latest"
	if number != 0 {
		token = itoa(number)
	}
	return call[Signal](ctx, c, get(path("signals", name, "instances", token), nil))
}
