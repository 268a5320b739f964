package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Happening is what the cluster has told about a pod: an Event of the API, as kubectl describe shows it.
type Happening struct {
	Warning bool
	Reason  string
	Message string
	At      time.Time // the last time; zero: not known
}

// Happenings returns what the cluster has told about the pod with this uid, the oldest first. The cluster forgets after
// an hour or so.
func (c *Client) Happenings(ctx context.Context, namespace, name, uid string) ([]Happening, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	selector := "involvedObject.kind=Pod,involvedObject.name=" + name
	if uid != "" {
		selector += ",involvedObject.uid=" + uid
	}
	query := url.Values{"fieldSelector": {selector}, "limit": {"100"}}
	resp, err := c.send(ctx, http.MethodGet, "api/v1/namespaces/"+url.PathEscape(namespace)+"/events", query, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var list struct {
		Kind  string `json:"kind"`
		Items []struct {
			Type          string `json:"type"`
			Reason        string `json:"reason"`
			Message       string `json:"message"`
			LastTimestamp string `json:"lastTimestamp"`
			EventTime     string `json:"eventTime"`
			Series        struct {
				LastObservedTime string `json:"lastObservedTime"`
			} `json:"series"`
			InvolvedObject struct {
				UID string `json:"uid"`
			} `json:"involvedObject"`
		} `json:"items"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&list); err != nil {
		return nil, fmt.Errorf("list events of pod %s: the answer cannot be read: %w", name, err)
	}
	if list.Kind != "EventList" {
		return nil, fmt.Errorf("list events of pod %s: the server answered with %q instead of an EventList", name, list.Kind)
	}
	var out []Happening
	for _, e := range list.Items {
		if uid != "" && e.InvolvedObject.UID != uid { // an earlier pod of this name
			continue
		}
		h := Happening{Warning: e.Type == "Warning", Reason: e.Reason, Message: e.Message}
		for _, at := range [...]string{e.EventTime, e.LastTimestamp, e.Series.LastObservedTime} {
			if t := Time(at); t.After(h.At) {
				h.At = t
			}
		}
		out = append(out, h)
	}
	slices.SortStableFunc(out, func(a, b Happening) int { return a.At.Compare(b.At) })
	return out, nil
}
