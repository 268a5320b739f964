package board

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"maestro/internal/signal"
	"maestro/internal/store"
)

// Reader is what look-ups need of a store.
type Reader interface {
	Record(ctx context.Context, kind, key string) ([]byte, error)
	Scan(ctx context.Context, kind, prefix, after string, n int) ([]store.Record, error)
}

// page is how many records a look-up reads at once.
const page = 128

// get returns an instance by its number, nil when there is none.
func get(ctx context.Context, r Reader, name string, seq int64) (*signal.Instance, error) {
	data, err := r.Record(ctx, kindInstance, instanceKey(name, seq))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read signal %q number %d: %w", name, seq, err)
	}
	return signal.DecodeInstance(data)
}

// highest returns the highest number of a name, 0 when it was never announced.
func highest(ctx context.Context, r Reader, name string) (int64, error) {
	last := int64(0)
	data, err := r.Record(ctx, kindLast, signal.Escape(name))
	if err == nil {
		last = signal.ParseNumber(string(data))
	} else if !errors.Is(err, store.ErrNotFound) {
		return 0, fmt.Errorf("read signal %q: %w", name, err)
	}
	prefix := instancePrefix(name)
	for {
		rows, err := r.Scan(ctx, kindInstance, prefix, instanceKey(name, last), page)
		if err != nil {
			return 0, fmt.Errorf("read signal %q: %w", name, err)
		}
		if len(rows) > 0 {
			last = signal.ParseNumber(rows[len(rows)-1].Key[len(prefix):])
		}
		if len(rows) < page {
			return last, nil
		}
	}
}

// postings reads the numbers of instances above after, in order: of those that have the value of an equality, or of all.
type postings struct {
	r      Reader
	name   string
	kind   string
	prefix string
}

// postingsOf returns the shortest list that holds every instance that can satisfy the matches. short holds it whole when
// it is a short one.
func postingsOf(ctx context.Context, r Reader, name string, matches signal.Matches, after int64) (p postings, short []int64, whole bool, err error) {
	p = postings{r: r, name: name, kind: kindInstance, prefix: instancePrefix(name)}
	for i := range matches {
		if matches[i].Op != signal.Equal {
			continue
		}
		q := postings{r: r, name: name, kind: kindParam, prefix: postingPrefix(name, signal.Param{Name: matches[i].Param, Value: matches[i].Value})}
		list, err := q.read(ctx, after, page)
		if err != nil {
			return p, nil, false, err
		}
		if len(list) < page {
			if !whole || len(list) < len(short) {
				p, short, whole = q, list, true
			}
			if len(list) == 0 {
				break
			}
		} else if p.kind == kindInstance {
			p = q
		}
	}
	return p, short, whole, nil
}

// read returns up to n numbers above after.
func (p *postings) read(ctx context.Context, after int64, n int) ([]int64, error) {
	rows, err := p.r.Scan(ctx, p.kind, p.prefix, p.prefix+numberText(after), n)
	if err != nil {
		return nil, fmt.Errorf("read signal %q: %w", p.name, err)
	}
	list := make([]int64, len(rows))
	for i := range rows {
		list[i] = signal.ParseNumber(rows[i].Key[len(p.prefix):])
	}
	return list, nil
}

// newest returns the instance with the highest number up to last that satisfies the matches, or nil (spec 3.4).
func newest(ctx context.Context, r Reader, name string, last int64, matches signal.Matches) (*signal.Instance, error) {
	if ok, err := possible(ctx, r, name, matches); !ok || err != nil {
		return nil, err
	}
	p, short, whole, err := postingsOf(ctx, r, name, matches, 0)
	if err != nil {
		return nil, err
	}
	if whole {
		return lastOf(ctx, r, name, short, matches)
	}
	// Backwards in windows that grow: what is looked for is likely near the end.
	for high, size := last, int64(8); high > 0; size = min(size*4, 1<<14) {
		low := max(high-size, 0)
		list, err := p.window(ctx, low, high)
		if err != nil {
			return nil, err
		}
		if i, err := lastOf(ctx, r, name, list, matches); i != nil || err != nil {
			return i, err
		}
		high = low
	}
	return nil, nil
}

// window returns all numbers above low and up to high.
func (p *postings) window(ctx context.Context, low, high int64) ([]int64, error) {
	var all []int64
	for {
		list, err := p.read(ctx, low, page)
		if err != nil {
			return nil, err
		}
		end, _ := slices.BinarySearch(list, high+1)
		all = append(all, list[:end]...)
		if end < len(list) || len(list) < page {
			return all, nil
		}
		low = list[len(list)-1]
	}
}

// lastOf returns the last instance of a list that satisfies the matches.
func lastOf(ctx context.Context, r Reader, name string, list []int64, matches signal.Matches) (*signal.Instance, error) {
	for k := len(list) - 1; k >= 0; k-- {
		i, err := get(ctx, r, name, list[k])
		if err != nil || i != nil && matches.Hold(i.Params) {
			return i, err
		}
	}
	return nil, nil
}

// oldest returns the instance with the lowest number above after that satisfies the matches, or nil (spec 5.4).
func oldest(ctx context.Context, r Reader, name string, after int64, matches signal.Matches) (*signal.Instance, error) {
	p, list, whole, err := postingsOf(ctx, r, name, matches, after)
	if err != nil {
		return nil, err
	}
	for {
		if !whole {
			if list, err = p.read(ctx, after, page); err != nil {
				return nil, err
			}
		}
		for _, seq := range list {
			i, err := get(ctx, r, name, seq)
			if err != nil || i != nil && matches.Hold(i.Params) {
				return i, err
			}
		}
		if whole || len(list) < page {
			return nil, nil
		}
		after = list[len(list)-1]
	}
}

// possible looks whether any instance at all is in the first range of the matches. It says yes when there is none.
func possible(ctx context.Context, r Reader, name string, matches signal.Matches) (bool, error) {
	i := slices.IndexFunc(matches, func(m signal.Match) bool { return m.Op != signal.Equal })
	if i < 0 {
		return true, nil
	}
	m := &matches[i]
	prefix, bound := paramPrefix(name, m.Param), m.Value.Key()
	after, until := prefix+bound, "" // keys end with their number, so that those of the bound itself come after it
	if m.Op == signal.Less || m.Op == signal.LessOrEqual {
		after = prefix + signal.TextMark
		if m.Value.IsLong {
			after = prefix + signal.NegativeMark
		}
		until = bound + signal.Sep + "~"
	}
	rows, err := r.Scan(ctx, kindParam, prefix, after, 1)
	if err != nil {
		return false, fmt.Errorf("read signal %q: %w", name, err)
	}
	if len(rows) == 0 {
		return false, nil
	}
	value := rows[0].Key[len(prefix):]
	isText := strings.HasPrefix(value, signal.TextMark)
	return isText != m.Value.IsLong && (until == "" || value < until), nil
}
