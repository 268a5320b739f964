package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Event is one change that a watch tells.
type Event struct {
	Type string // Added, Modified, Deleted, or Bookmark, which says nothing but that the watch is alive
	Pod  Pod
}

// Types of events.
const (
	Added    = "ADDED"
	Modified = "MODIFIED"
	Deleted  = "DELETED"
	Bookmark = "BOOKMARK"
)

const (
	maxEvent = 8 << 20          // a pod has at most 1.5 MiB in etcd
	lateness = 15 * time.Second // after which a watch that should have ended is ended from here
)

// errStalled ends watches that take too long to begin or to end.
var errStalled = errors.New("the server did not answer in time")

// WatchPods calls on for every change of the pods that the label selector chooses, from version on, until the server
// ends the watch, which it does after about d, or ctx ends. It returns the version to go on from. A nil error means
// that the watch ended well; [Expired] that one must list again.
func (c *Client) WatchPods(ctx context.Context, namespace, labels, version string, d time.Duration, on func(*Event)) (string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limit := time.AfterFunc(requestTime, func() { cancel(errStalled) })
	defer limit.Stop()
	query := url.Values{
		"watch": {"true"}, "allowWatchBookmarks": {"true"}, "timeoutSeconds": {strconv.Itoa(max(1, int(d/time.Second)))},
	}
	set(query, "labelSelector", labels)
	set(query, "resourceVersion", version)
	resp, err := c.send(ctx, http.MethodGet, podsPath(namespace), query, nil)
	if err != nil {
		return version, causeOf(ctx, err)
	}
	defer resp.Body.Close()
	limit.Reset(d + lateness)
	body := &metered{r: resp.Body}
	for dec := json.NewDecoder(body); ; {
		body.left = maxEvent
		var raw struct {
			Type   string          `json:"type"`
			Object json.RawMessage `json:"object"`
		}
		switch err := dec.Decode(&raw); {
		case errors.Is(err, io.EOF):
			return version, nil
		case errors.Is(context.Cause(ctx), errStalled):
			return version, nil // it is time, and the server has not noticed
		case err != nil:
			return version, fmt.Errorf("watch pods in %s: %w", namespace, causeOf(ctx, err))
		}
		if raw.Type == "ERROR" {
			return version, watchError(resp, raw.Object)
		}
		ev := Event{Type: raw.Type}
		if err := json.Unmarshal(raw.Object, &ev.Pod); err != nil {
			return version, fmt.Errorf("watch pods in %s: an event cannot be read: %w", namespace, err)
		}
		if v := ev.Pod.Metadata.ResourceVersion; v != "" {
			version = v
		}
		switch raw.Type {
		case Added, Modified, Deleted, Bookmark:
			on(&ev)
		default:
			return version, fmt.Errorf("watch pods in %s: unknown event %q", namespace, oneLine(raw.Type))
		}
	}
}

func watchError(resp *http.Response, object []byte) error {
	var s statusObject
	_ = json.Unmarshal(object, &s)
	return &Error{
		Method: "WATCH", URL: plainURL(resp), Code: s.Code, Reason: s.Reason, Message: oneLine(s.Message),
		After: seconds(s.Details.RetryAfterSeconds),
	}
}

// causeOf prefers the reason why a context ended to the fact that it did.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		return cause
	}
	return err
}

// metered reads until its budget is used up, which is renewed with every event.
type metered struct {
	r    io.Reader
	left int
}

func (m *metered) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, fmt.Errorf("an event has more than %d bytes", maxEvent)
	}
	n, err := m.r.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}
