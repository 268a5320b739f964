package catalog

import (
	"context"
	"fmt"
	"strings"

	"maestro/internal/doc"
	"maestro/internal/store"
)

// timelineLimit is how many lines of a history are shown (spec/api 4.7).
const timelineLimit = 300

// Timeline returns the history of a workflow, newest first. An unknown workflow has none.
func (c *Catalog) Timeline(ctx context.Context, id string) ([]store.TimelineEntry, error) {
	h, err := c.head(ctx, id)
	if h == nil || err != nil {
		return nil, err
	}
	lines, err := c.store.Timeline(ctx, h.Internal, timelineLimit)
	if err != nil {
		return nil, fmt.Errorf("history of workflow %q: %w", id, err)
	}
	return lines, nil
}

// Peek returns the present head of a workflow, or nil where there is none.
func (c *Catalog) Peek(ctx context.Context, id string) (*Head, error) { return c.head(ctx, id) }

// List returns up to n workflows whose id begins with prefix and is above after, in byte order of id.
func (c *Catalog) List(ctx context.Context, prefix, after string, n int) ([]*Head, error) {
	if prefix != "" {
		after = max(after, below(prefix))
	}
	rows, err := c.store.Workflows(ctx, after, n)
	if err != nil {
		return nil, fmt.Errorf("list workflows: %w", err)
	}
	var heads []*Head
	for i := range rows {
		if !strings.HasPrefix(rows[i].ID, prefix) {
			break
		}
		h, err := newHead(&rows[i])
		if err != nil {
			return nil, err
		}
		heads = append(heads, h)
	}
	return heads, nil
}

// below returns a text that no id lies between and prefix. Ids are plain ASCII of at most 128 bytes.
func below(prefix string) string {
	last := len(prefix) - 1
	if prefix[last] == 0 {
		return prefix[:last]
	}
	return prefix[:last] + string([]byte{prefix[last] - 1}) + strings.Repeat("\x7f", 128)
}

// number returns n as a node of a document.
func number(n int64) *doc.Node { return &doc.Node{Kind: doc.Number, Text: fmt.Sprint(n)} }
