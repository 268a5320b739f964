package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"
)

// Page is one page of a list, newest first unless the method says otherwise.
type Page[T any] struct {
	Document
	Info       PageInfo
	TotalCount int64 // -1 where the server does not count
	Elements   []*T
}

// PageInfo says where a page stands in its list.
type PageInfo struct {
	StartCursor     string `json:"start_cursor"` // of the first element, empty on an empty page
	EndCursor       string `json:"end_cursor"`   // of the last element; PageRequest.Cursor of the next page
	HasPreviousPage bool   `json:"has_previous_page"`
	HasNextPage     bool   `json:"has_next_page"`
	StartIndex      int64  `json:"start_index"` // of the first element in the list, from 1
}

// PageRequest selects a page. The zero value is the first page of 50.
type PageRequest struct {
	Size   int    // 1 to 200; 0 means 50
	Cursor string // where the page before ended
}

func (p PageRequest) query() url.Values {
	if p.Size == 0 {
		p.Size = 50
	}
	q := url.Values{"first": {strconv.Itoa(p.Size)}}
	if p.Cursor != "" {
		q.Set("cursor", p.Cursor)
	}
	return q
}

// listPage reads one page of path.
func listPage[T any, P document[T]](ctx context.Context, c *Client, path string, query url.Values) (*Page[T], error) {
	r := get(path, query)
	envelope, err := call[pageEnvelope](ctx, c, r)
	if err != nil {
		return nil, err
	}
	page := &Page[T]{Document: envelope.Document, Info: envelope.Info, TotalCount: envelope.TotalCount}
	for _, text := range envelope.Elements {
		v, err := decode[T, P](r, text)
		if err != nil {
			return nil, err
		}
		page.Elements = append(page.Elements, v)
	}
	return page, nil
}

type pageEnvelope struct {
	Document
	Info       PageInfo          `json:"page_info"`
	TotalCount int64             `json:"total_count"`
	Elements   []json.RawMessage `json:"elements"`
}

// each walks a list page by page, reading the next one only when it is wanted. An error is yielded once and ends the
// walk.
func each[T any](load func(PageRequest) (*Page[T], error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		next := PageRequest{Size: 200}
		for {
			page, err := load(next)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, v := range page.Elements {
				if !yield(v, nil) {
					return
				}
			}
			// A server that repeats its cursor would keep us here for ever.
			if !page.Info.HasNextPage || page.Info.EndCursor == next.Cursor {
				return
			}
			next.Cursor = page.Info.EndCursor
		}
	}
}

// list reads a plain JSON array.
func list[T any, P document[T]](ctx context.Context, c *Client, r request) ([]*T, json.RawMessage, error) {
	text, err := c.do(ctx, r)
	if err != nil {
		return nil, nil, err
	}
	array, err := decode[rawArray](r, text)
	if err != nil {
		return nil, nil, err
	}
	out := make([]*T, 0, len(array.items))
	for _, item := range array.items {
		v, err := decode[T, P](r, item)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, v)
	}
	return out, text, nil
}

type rawArray struct {
	Document
	items []json.RawMessage
}

// UnmarshalJSON reads an array without looking into its elements.
func (a *rawArray) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &a.items) }
