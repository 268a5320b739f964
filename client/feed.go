package client

import (
	"context"
	"iter"
	"time"
)

// PublishedEvent is an entry of the server's feed, which has what happens to all workflows. Which fields are set
// depends on Type; JSON has all of them.
type PublishedEvent struct {
	Document
	Type       string `json:"type"` // such as STEP_INSTANCE_STATUS_CHANGE_EVENT
	WorkflowID string `json:"workflow_id"`
	Instance   int64  `json:"workflow_instance_id"`
	Run        int64  `json:"workflow_run_id"`
	StepID     string `json:"step_id"`
	Attempt    int64  `json:"step_attempt_id"`
	OldStatus  string `json:"old_status"`
	NewStatus  string `json:"new_status"`
	Changes    []struct {
		OldStatus string `json:"old_status"`
		NewStatus string `json:"new_status"`
		EventTime int64  `json:"event_time"`
	} `json:"status_change_records"` // of a step, oldest first
	Author    User  `json:"author"`
	VersionID int64 `json:"version_id"`
	EventTime int64 `json:"event_time"`
	SyncTime  int64 `json:"sync_time"`
}

// Latest is the cursor of the end of the feed: only what is published from now on comes after it.
const Latest = "latest"

// EventsPage returns a page of the feed, oldest first: what was published after the cursor, or the oldest that is kept
// when it is empty. Page.Info.EndCursor is the cursor of the next page, on an empty page too.
func (c *Client) EventsPage(ctx context.Context, p PageRequest) (*Page[PublishedEvent], error) {
	return listPage[PublishedEvent](ctx, c, path("events"), p.query())
}

// Events follows the feed after a cursor and does not end until ctx does or the server refuses: where there is nothing
// new it asks again every second.
func (c *Client) Events(ctx context.Context, cursor string) iter.Seq2[*PublishedEvent, error] {
	return func(yield func(*PublishedEvent, error) bool) {
		next := PageRequest{Size: 200, Cursor: cursor}
		for {
			page, err := c.EventsPage(ctx, next)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, ev := range page.Elements {
				if !yield(ev, nil) {
					return
				}
			}
			if page.Info.EndCursor != "" {
				next.Cursor = page.Info.EndCursor
			}
			if page.Info.HasNextPage {
				continue
			}
			if err := sleep(ctx, time.Second); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}
