package server

import (
	"math"
	"net/url"
	"strconv"
	"strings"

	"maestro/api"
	"maestro/internal/doc"
)

// pageRequest is the part of a list that a client asks for (spec/api 3.11): either the first n after a cursor, towards
// lower ids, or the last n before it, towards higher ones.
type pageRequest struct {
	Size   int64
	Last   bool
	Cursor string // empty: from the end of the list
}

const maxPage = 200

// parsePage reads first, last and cursor.
func parsePage(q url.Values) (pageRequest, error) {
	first, hasFirst, err := queryInt(q, "first")
	if err != nil {
		return pageRequest{}, err
	}
	last, hasLast, err := queryInt(q, "last")
	if err != nil {
		return pageRequest{}, err
	}
	p := pageRequest{Size: first, Cursor: q.Get("cursor")}
	name := "first"
	switch {
	case hasFirst && hasLast:
		return p, api.Errorf(api.BadRequest, "Either first or last need to be provided, but not both")
	case hasLast:
		p.Size, p.Last, name = last, true, "last"
	case !hasFirst:
		return p, api.Errorf(api.BadRequest, "Either first or last need to be provided, both cannot be null")
	}
	if p.Size < 1 || p.Size > maxPage {
		text := name + " must be from 1 to " + strconv.Itoa(maxPage) + ", not " + strconv.FormatInt(p.Size, 10)
		return p, &api.Error{Code: api.BadRequest, Message: "Validation failure: " + text, Errors: []string{text}}
	}
	return p, nil
}

// window returns the ids of the page, low to high, in a list of ids lo to hi. A window that has no ids has low and high
// outside of the list; as in the reference, one that would begin above hi holds hi.
func (p pageRequest) window(lo, hi int64) (low, high int64, err error) {
	low, high = lo, hi
	switch {
	case p.Cursor == "" && !p.Last:
		low = max(lo, hi-p.Size+1)
	case p.Cursor == "":
		high = min(hi, lo+p.Size-1)
	default:
		c, err := strconv.ParseInt(p.Cursor, 10, 64)
		if err != nil || c < 0 {
			return 0, 0, api.Errorf(api.BadRequest, "cursor %q is not a number from 0 on: give the start_cursor or end_cursor of a page", clip(p.Cursor))
		}
		c = min(c, math.MaxInt64-maxPage-1)
		if p.Last {
			low, high = c+1, min(hi, c+p.Size)
		} else {
			low, high = max(lo, c-p.Size), c-1
		}
	}
	return min(low, high), high, nil
}

// clip shortens a text of a client that is repeated in an answer.
func clip(text string) string {
	const most = 100
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// pageInfo is what an answer says about a page.
type pageInfo struct {
	Start, End  string // cursors of the first and the last element; empty on an empty page
	HasPrevious bool
	HasNext     bool
	Index       int64 // of the first element in the list, from 1; 0: not said
	Total       int64 // of the list; below 0: not counted
}

// numbered returns the info of a page of ids highest to lowest in a list of ids lo to hi. A highest of 0 is an empty page.
func numbered(lo, hi, highest, lowest int64) pageInfo {
	if highest == 0 {
		return pageInfo{Total: max(0, hi-lo+1)}
	}
	return pageInfo{
		Start: strconv.FormatInt(highest, 10), End: strconv.FormatInt(lowest, 10),
		HasPrevious: highest < hi, HasNext: lowest > lo, Index: hi + 1 - highest, Total: hi - lo + 1,
	}
}

// appendPage appends the envelope with n elements, each appended by element.
func appendPage(dst []byte, info pageInfo, n int, element func(dst []byte, i int) []byte) []byte {
	cursor := func(name, c string) {
		dst = append(dst, name...)
		if c == "" {
			dst = append(dst, "null"...)
			return
		}
		dst = doc.AppendString(dst, c)
	}
	cursor(`{"page_info":{"start_cursor":`, info.Start)
	cursor(`,"end_cursor":`, info.End)
	dst = strconv.AppendBool(append(dst, `,"has_previous_page":`...), info.HasPrevious)
	dst = strconv.AppendBool(append(dst, `,"has_next_page":`...), info.HasNext)
	dst = append(dst, `,"start_index":`...)
	if info.Index == 0 {
		dst = append(dst, "null"...)
	} else {
		dst = strconv.AppendInt(dst, info.Index, 10)
	}
	dst = append(dst, `},"total_count":`...)
	if info.Total < 0 {
		dst = append(dst, "null"...)
	} else {
		dst = strconv.AppendInt(dst, info.Total, 10)
	}
	dst = append(dst, `,"elements":[`...)
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = element(dst, i)
	}
	return append(dst, "]}"...)
}
