package server

import (
	"cmp"
	"net/http"
	"slices"

	"maestro/internal/store"
	"maestro/internal/view"
)

// listInstances answers with a page of the latest runs of a workflow's instances (spec/api 5.6). Within the page they
// come oldest first, as in the reference; the cursors go from newest to oldest.
func (a *Runs) listInstances(w http.ResponseWriter, r *http.Request) error {
	page, err := parsePage(r.URL.Query())
	if err != nil {
		return err
	}
	aggregated, err := queryBool(r.URL.Query(), "aggregated", true)
	if err != nil {
		return err
	}
	if _, _, err := page.window(1, 1); err != nil { // a bad cursor is one also where there is nothing to list
		return err
	}
	aggregate := view.AllRuns
	if !aggregated {
		aggregate = view.BeforeRun
	}
	number := func(row *store.Run) int64 { return row.Instance }
	return a.list(w, r, page, store.RunQuery{Latest: true}, number, aggregate)
}

// listRuns answers with a page of the runs of an instance, newest first.
func (a *Runs) listRuns(w http.ResponseWriter, r *http.Request) error {
	p, err := pathRun(r)
	if err != nil {
		return err
	}
	page, err := parsePage(r.URL.Query())
	if err != nil {
		return err
	}
	if p.instance < 1 {
		return respond(w, http.StatusOK, func(dst []byte) []byte { return appendPage(dst, pageInfo{}, 0, nil) })
	}
	number := func(row *store.Run) int64 { return row.Run }
	return a.list(w, r, page, store.RunQuery{Instance: p.instance, Desc: true}, number, view.BeforeRun)
}

// list answers with a page of what q selects; number is by what q counts. Only the runs of the page are loaded, one at a
// time.
func (a *Runs) list(w http.ResponseWriter, r *http.Request, page pageRequest, q store.RunQuery, number func(*store.Run) int64, how view.Aggregation) error {
	ctx, workflow := r.Context(), r.PathValue("id")
	end := func(desc bool) (int64, error) {
		q := q
		q.From, q.Limit, q.Desc = 1, 1, desc
		rows, err := a.cfg.Reader.List(ctx, workflow, q)
		if err != nil || len(rows) == 0 {
			if isNotFound(err) {
				err = nil
			}
			return 0, err
		}
		return number(&rows[0]), nil
	}
	hi, err := end(true)
	if err != nil {
		return err
	}
	if hi == 0 { // nothing there, not even a workflow
		return respond(w, http.StatusOK, func(dst []byte) []byte { return appendPage(dst, pageInfo{}, 0, nil) })
	}
	lo, err := end(false)
	if err != nil {
		return err
	}
	low, high, err := page.window(lo, hi)
	if err != nil {
		return err
	}
	var rows []store.Run
	if high >= lo && low <= hi {
		q.From, q.To = max(low, 1), high
		if rows, err = a.cfg.Reader.List(ctx, workflow, q); err != nil && !isNotFound(err) {
			return err
		}
	}
	// From the cursor on, so that a page that ends early is followed by what it lacks.
	if byNumber := func(a, b store.Run) int { return cmp.Compare(number(&a), number(&b)) }; page.Last {
		slices.SortFunc(rows, byNumber)
	} else {
		slices.SortFunc(rows, func(a, b store.Run) int { return byNumber(b, a) })
	}
	shown := pageOf(w)
	var highest, lowest int64
	for i := range rows {
		run, err := a.loadID(ctx, rows[i].ID)
		if isNotFound(err) {
			continue // deleted meanwhile
		}
		if err != nil {
			return err
		}
		v := view.Instance{Run: run, Aggregate: how, Earlier: a.earlier(ctx, run)}
		if fits, err := shown.add(ctx, view.AppendInstance(nil, v)); err != nil {
			return err
		} else if !fits {
			break
		}
		n := number(&rows[i])
		highest = max(highest, n)
		if lowest == 0 || n < lowest {
			lowest = n
		}
	}
	info := numbered(lo, hi, highest, lowest)
	if highest == 0 {
		info.Total = hi
	}
	if page.Last == q.Desc {
		slices.Reverse(shown.list)
	}
	return shown.respond(w, info)
}
