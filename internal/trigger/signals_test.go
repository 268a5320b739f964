package trigger_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"maestro/api"
	"maestro/internal/catalog"
)

const one = `{"definitions":{"s":{}}}`

// TestFires is a list of the statements of spec 5 and 9.
func TestFires(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		trigger string
		say     func(t *testing.T, p *process)
		want    []string
	}{
		{"EachInstance", one, func(t *testing.T, p *process) {
			p.announce(t, "s", "n", 1)
			p.announce(t, "s", "n", 2)
			p.announce(t, "s", "n", 2) // a duplicate
			p.announce(t, "other")
		}, []string{"s=1", "s=2"}},
		{"KindsNeverMix", `{"definitions":{"s":{"match_params":{"p":{"value":1,"operator":"="}}}}}`, func(t *testing.T, p *process) {
			p.announce(t, "s", "p", "1")
			p.announce(t, "s")
			p.announce(t, "s", "p", 1)
		}, []string{"s=3"}},
		{"SeveralMatches", `{"definitions":{"s":{"match_params":{"p":{"value":1,"operator":">"},"q":{"value":"b","operator":"<="}}}}}`, func(t *testing.T, p *process) {
			p.announce(t, "s", "p", 2, "q", "c")
			p.announce(t, "s", "p", 1, "q", "a")
			p.announce(t, "s", "p", 2, "q", "b", "more", 1)
		}, []string{"s=3"}},
		{"MatchWithoutValue", `{"definitions":{"s":{"match_params":{"p":{"operator":"="}}}}}`, func(t *testing.T, p *process) {
			p.announce(t, "s", "p", "")
			p.announce(t, "s", "p", 0)
		}, nil},
		{"NoSignals", `{"definitions":{}}`, func(t *testing.T, p *process) { p.announce(t, "s") }, nil},
		{"TwoSignals", `{"definitions":{"s":{},"z":{}}}`, func(t *testing.T, p *process) {
			p.announce(t, "s", "n", 1)
			p.announce(t, "s", "n", 2)
			p.announce(t, "s", "n", 3)
			p.announce(t, "z", "n", 1) // with the earliest
			p.announce(t, "z", "n", 2)
			p.announce(t, "s", "n", 4)
			p.announce(t, "z", "n", 3)
		}, []string{"s=1 z=1", "s=2 z=2", "s=3 z=3"}},
		{"JoinInBothOrders", `{"definitions":{"s":{"join_keys":["a"]},"z":{"join_keys":["b"]}}}`, func(t *testing.T, p *process) {
			p.announce(t, "s", "a", 1)
			p.announce(t, "z", "b", 2)
			p.announce(t, "z", "b", 1)
			p.announce(t, "z", "b", 5)
			p.announce(t, "s", "x", 5) // lacks the key
			p.announce(t, "s", "a", "5")
			p.announce(t, "s", "a", 5)
		}, []string{"s=1 z=2", "s=4 z=3"}},
		{"WatermarkSkips", `{"definitions":{"s":{"join_keys":["a"]},"z":{"join_keys":["a"]}}}`, func(t *testing.T, p *process) {
			p.announce(t, "s", "a", 1)
			p.announce(t, "s", "a", 2)
			p.announce(t, "z", "a", 2)
			p.announce(t, "z", "a", 1) // s=1 is behind the checkpoint
		}, []string{"s=2 z=1"}},
		{"NewestOfItsOwnName", `{"definitions":{"s":{},"z":{"match_params":{"k":{"value":1,"operator":">="}}}}}`, func(t *testing.T, p *process) {
			p.announce(t, "z", "k", 0)
			p.announce(t, "s", "n", 1)
			p.announce(t, "z", "k", 1)
		}, []string{"s=1 z=2"}},
		{"ThreeWayJoin", `{"definitions":{"s":{"join_keys":["a"]},"y":{"join_keys":["a"]},"z":{"join_keys":["a"]}}}`, func(t *testing.T, p *process) {
			p.announce(t, "s", "a", "k")
			p.announce(t, "z", "a", "k")
			p.announce(t, "y", "a", "j")
			p.announce(t, "y", "a", "k")
		}, []string{"s=1 y=2 z=1"}},
		{"ConditionFalse", `{"definitions":{"s":{}},"condition":"return params.getFromSignal('s','n') > 1;"}`, func(t *testing.T, p *process) {
			p.announce(t, "s", "n", 1)
			p.announce(t, "s", "n", 2)
		}, []string{"s=2"}},
		{"ConditionText", `{"definitions":{"s":{}},"condition":"'TRUE'"}`, func(t *testing.T, p *process) { p.announce(t, "s") }, []string{"s=1"}},
		{"ConditionOtherText", `{"definitions":{"s":{}},"condition":"'yes'"}`, func(t *testing.T, p *process) { p.announce(t, "s") }, nil},
		{"ConditionNumber", `{"definitions":{"s":{}},"condition":"1"}`, func(t *testing.T, p *process) { p.announce(t, "s") }, nil},
		{"ConditionOverParams", `{"definitions":{"s":{}},"params":{"p":{"value":4,"type":"LONG"}},"condition":"params.getFromSignal('p') == 4"}`,
			func(t *testing.T, p *process) { p.announce(t, "s") }, []string{"s=1"}},
		{"ParamsDoNotSeeEachOther", `{"definitions":{"s":{}},"params":{"a":{"value":1,"type":"LONG"},"b":{"expression":"a + 1","type":"LONG"}}}`,
			func(t *testing.T, p *process) { p.announce(t, "s") }, nil},
		{"DedupConstant", `{"definitions":{"s":{}},"dedup_expr":"return 'once';"}`, func(t *testing.T, p *process) {
			p.announce(t, "s", "n", 1)
			p.announce(t, "s", "n", 2)
		}, []string{"s=1"}},
		{"DedupFails", `{"definitions":{"s":{}},"dedup_expr":"return nope;"}`, func(t *testing.T, p *process) {
			p.announce(t, "s", "n", 1)
			p.announce(t, "s", "n", 2)
		}, []string{"s=1", "s=2"}},
		{"DedupOverSignal", `{"definitions":{"s":{}},"dedup_expr":"'' + params.getFromSignal('s','d')"}`, func(t *testing.T, p *process) {
			p.announce(t, "s", "d", 1, "n", 1)
			p.announce(t, "s", "d", 1, "n", 2)
			p.announce(t, "s", "d", 2, "n", 2)
		}, []string{"s=1", "s=3"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := w.open(t, nil)
			defer p.close()
			p.push(t, "w", tt.trigger)
			tt.say(t, p)
			check(t, w, "w", tt.want...)
		})
	}
}

func TestInitiator(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := w.open(t, nil)
	defer p.close()
	p.push(t, "w", `{"definitions":{"s":{}},"params":{"x":{"expression":"params.getFromSignal('s','n') + 1","type":"LONG"}}}`)
	p.announce(t, "s", "n", 41)
	got := w.runs["w"][0].json
	want := `"depth":0,"type":"SIGNAL","signal_id_map":{"s":1},"params":{"x":{"expression":"params.getFromSignal('s','n') + 1","type":"LONG","evaluated_result":42,"evaluated_time":1}}}`
	if !strings.HasSuffix(got, want) {
		t.Errorf("got %s want ...%s", got, want)
	}
}

// TestLife holds what changes of a workflow do to its triggers (spec 5.3).
func TestLife(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := w.open(t, nil)
	defer func() { p.close() }()
	pair := `{"definitions":{"s":{},"z":{}}}`
	v1, v2 := definition(t, "w", one, pair), definition(t, "w", one)
	p.announce(t, "s", "n", 1) // before anybody has subscribed
	p.change(t, "w", catalog.Pushed, v1, false)
	p.announce(t, "s", "n", 2)
	p.announce(t, "z", "n", 1)
	check(t, w, "w", "s=2", "s=2 z=1")

	p.change(t, "w", catalog.Deactivated, nil, false)
	p.announce(t, "s", "n", 3)
	p.change(t, "w", catalog.Activated, v1, false)
	p.announce(t, "z", "n", 2)
	p.announce(t, "s", "n", 4) // s=3 came while nobody listened
	check(t, w, "w", "s=2", "s=2 z=1", "s=4", "s=4 z=2")

	p.change(t, "w", catalog.Properties, v1, true)
	p.announce(t, "s", "n", 5)
	p.change(t, "w", catalog.Properties, v1, false)
	p.announce(t, "s", "n", 6)
	check(t, w, "w", "s=2", "s=2 z=1", "s=4", "s=4 z=2", "s=6")

	p.change(t, "w", catalog.Pushed, v1, false) // s=6 goes on waiting for its other half
	p.close()
	p = w.open(t, p) // also over a restart
	p.announce(t, "z", "n", 3)
	p.change(t, "w", catalog.Pushed, v2, false)
	p.announce(t, "z", "n", 4)
	p.announce(t, "s", "n", 7)
	check(t, w, "w", "s=2", "s=2 z=1", "s=4", "s=4 z=2", "s=6", "s=6 z=3", "s=7")

	p.change(t, "w", catalog.Deleted, nil, false)
	p.announce(t, "s", "n", 8)
	p.change(t, "w", catalog.Pushed, v2, false) // another workflow of that name
	p.announce(t, "s", "n", 9)
	check(t, w, "w", "s=2", "s=2 z=1", "s=4", "s=4 z=2", "s=6", "s=6 z=3", "s=7", "s=9")

	if rows, _ := w.store.Scan(t.Context(), "signal_trigger", "", "", 100); len(rows) != 1 {
		t.Errorf("%d subscriptions are stored, want 1", len(rows))
	}
	for _, kind := range []string{"signal_news", "signal_fire"} {
		if rows, _ := w.store.Scan(t.Context(), kind, "", "", 100); len(rows) != 0 {
			t.Errorf("%d records of %s are left, want none", len(rows), kind)
		}
	}
}

func TestSameTriggerTwice(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := w.open(t, nil)
	defer p.close()
	d := definition(t, "w", one, one)
	c := catalog.Change{Kind: catalog.Pushed, After: &catalog.Head{}, ActiveAfter: d}
	if _, err := p.Subscribe(t.Context(), c); err == nil {
		t.Error("two triggers that say the same are accepted")
	}
}

// TestStartRefused holds what becomes of a trigger whose run is refused (spec 5.5).
func TestStartRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err   error
		stays bool
		again bool
	}{
		{api.Conflict, false, false},
		{api.NotFound, false, false},
		{api.UnprocessableEntity, false, false},
		{api.BadRequest, true, false},
		{api.TooManyRequests, true, true},
		{errors.New("store in trouble"), true, true},
	} {
		t.Run(fmt.Sprint(tt.err), func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := w.open(t, nil)
			defer p.close()
			p.push(t, "w", one)
			left := 3
			w.refuse = func(string) error {
				if left--; left < 0 || left < 2 && !tt.again {
					return nil
				}
				return fmt.Errorf("%w: no", tt.err)
			}
			p.announce(t, "s", "n", 1)
			p.announce(t, "s", "n", 2)
			switch {
			case tt.again:
				check(t, w, "w", "s=1", "s=2")
			case tt.stays:
				check(t, w, "w", "s=2")
			default:
				check(t, w, "w")
			}
			rows, _ := w.store.Scan(t.Context(), "signal_trigger", "", "", 100)
			if (len(rows) == 1) != tt.stays {
				t.Errorf("%d subscriptions are stored", len(rows))
			}
		})
	}
}

// TestOneWaitsAlone holds that a workflow that cannot be started holds up no other.
func TestOneWaitsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := w.open(t, nil)
	defer p.close()
	w.refuse = func(id string) error {
		if id == "bad" {
			return api.TooManyRequests
		}
		return nil
	}
	p.push(t, "bad", one)
	p.push(t, "good", one)
	p.say(t, "s", "n", 1)
	p.say(t, "s", "n", 2)
	for late := time.Now().Add(20 * time.Second); len(w.started("good")) < 2 && time.Now().Before(late); {
		time.Sleep(200 * time.Microsecond)
	}
	check(t, w, "good", "s=1", "s=2")
	check(t, w, "bad")
	w.mu.Lock()
	w.refuse = nil
	w.mu.Unlock()
	p.settle()
	check(t, w, "bad", "s=1", "s=2")
}
