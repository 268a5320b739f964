package client

import (
	"context"
	"encoding/json"
	"errors"
)

// Health is a server's own opinion of itself.
type Health struct {
	Document
	Status string `json:"status"` // UP or DOWN
}

// Up reports whether the server can do its work.
func (h *Health) Up() bool { return h.Status == "UP" }

// Health asks the server how it is. A server that answers DOWN is a Health, not an error.
func (c *Client) Health(ctx context.Context) (*Health, error) {
	h, err := call[Health](ctx, c, get("/actuator/health", nil))
	if refused, ok := errors.AsType[*Error](err); ok && refused.JSON != nil && refused.HTTP == 503 {
		h = &Health{Document: Document{JSON: refused.JSON}}
		if json.Unmarshal(refused.JSON, h) == nil {
			return h, nil
		}
	}
	return h, err
}
