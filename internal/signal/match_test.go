package signal_test

import (
	"testing"

	"maestro/internal/signal"
)

// TestHolds is the table of spec 2.1.
func TestHolds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		have  signal.Value
		op    string
		want  signal.Value
		holds bool
	}{
		{signal.Long(5), "=", signal.Long(5), true},
		{signal.Long(5), "=", signal.Long(6), false},
		{signal.Long(5), ">", signal.Long(4), true},
		{signal.Long(5), ">", signal.Long(5), false},
		{signal.Long(5), ">=", signal.Long(5), true},
		{signal.Long(5), ">=", signal.Long(6), false},
		{signal.Long(5), "<", signal.Long(6), true},
		{signal.Long(5), "<", signal.Long(5), false},
		{signal.Long(5), "<=", signal.Long(5), true},
		{signal.Long(5), "<=", signal.Long(4), false},
		{signal.Long(-2000), "<", signal.Long(-100), true},
		{signal.Long(0), ">", signal.Long(-1), true},
		{signal.Long(9223372036854775807), ">", signal.Long(9000000000000000000), true},
		{signal.Long(-9223372036854775808), "<", signal.Long(-9223372036854775807), true},
		{signal.Text("b"), "=", signal.Text("b"), true},
		{signal.Text("ab"), "=", signal.Text("Ab"), false},
		{signal.Text("Ab "), "=", signal.Text("Ab"), false},
		{signal.Text("ba"), ">=", signal.Text("b"), true},
		{signal.Text("B"), ">=", signal.Text("b"), false},
		{signal.Text(""), "<", signal.Text("a"), true},
		{signal.Text("10"), "<", signal.Text("9"), true},
		{signal.Text("\U0001F600"), ">", signal.Text("\uFFFD"), true}, // by bytes, not by UTF-16 units
		{signal.Text("1"), "=", signal.Long(1), false},                // kinds never mix
		{signal.Long(1), "=", signal.Text("1"), false},
		{signal.Long(1), ">", signal.Text("0"), false},
		{signal.Text("a"), "<", signal.Long(1), false},
	} {
		op, ok := signal.ParseOp(tt.op)
		if !ok {
			t.Fatalf("operator %q is not known", tt.op)
		}
		m := signal.Match{Param: "p", Op: op, Value: tt.want}
		if got := m.Holds(tt.have); got != tt.holds {
			t.Errorf("%v %s %v: got %v", tt.have, tt.op, tt.want, got)
		}
	}
	for _, op := range []string{"!=", "==", "in", "", "=>"} {
		if _, ok := signal.ParseOp(op); ok {
			t.Errorf("operator %q is accepted", op)
		}
	}
}

// TestMatches holds that all matches must hold on the same instance, that an absent param never does, and that further
// params do not matter.
func TestMatches(t *testing.T) {
	t.Parallel()
	m := signal.Matches{{Param: "p", Value: signal.Long(1)}, {Param: "q", Op: signal.GreaterOrEqual, Value: signal.Long(2)}}
	for _, tt := range []struct {
		params signal.Params
		holds  bool
	}{
		{signal.Params{{Name: "p", Value: signal.Long(1)}, {Name: "q", Value: signal.Long(1)}}, false},
		{signal.Params{{Name: "p", Value: signal.Long(2)}, {Name: "q", Value: signal.Long(2)}}, false},
		{signal.Params{{Name: "p", Value: signal.Long(1)}}, false},
		{signal.Params{{Name: "p", Value: signal.Long(1)}, {Name: "q", Value: signal.Long(3)}, {Name: "r", Value: signal.Text("more")}}, true},
		{nil, false},
	} {
		if got := m.Hold(tt.params); got != tt.holds {
			t.Errorf("%v: got %v", tt.params, got)
		}
	}
	if !(signal.Matches)(nil).Hold(nil) {
		t.Error("no matches at all must hold")
	}
}

// TestIdentity holds that name and params make the instance, and nothing else does (spec 1.1).
func TestIdentity(t *testing.T) {
	t.Parallel()
	id := func(a signal.Announcement) string { return a.Identity() }
	base := signal.Announcement{Name: "s", Params: signal.Params{{Name: "a", Value: signal.Long(1)}, {Name: "b", Value: signal.Text("x")}}}
	same := base
	same.Params = signal.Params{base.Params[1], base.Params[0]}
	same.Payload, same.Requested = []byte(`{"k":1}`), 7
	if id(base) != id(same) {
		t.Error("order, payload or time are part of the identity")
	}
	kind := signal.Announcement{Name: "s", Params: signal.Params{{Name: "a", Value: signal.Text("1")}, {Name: "b", Value: signal.Text("x")}}}
	if id(kind) == id(base) {
		t.Error("the kind of a param is not part of the identity")
	}
	if id(signal.Announcement{Name: "t"}) == id(signal.Announcement{Name: "s"}) {
		t.Error("the name is not part of the identity")
	}
	if got := id(signal.Announcement{Name: "s", ID: "verbatim"}); got != "verbatim" {
		t.Errorf("a request id becomes %q", got)
	}
}

// TestInstanceJSON holds that what is stored is what is shown, in the order of spec 1.1.
func TestInstanceJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"name":"db/x","seq_id":17,"instance_id":"r","params":{"q":"1","p":9007199254740993},"payload":{"b":[1,null],"a":{}},"request_time":5,"create_time":6}`,
		`{"name":"s","seq_id":1,"instance_id":"i","request_time":1,"create_time":2}`,
	} {
		i, err := signal.DecodeInstance([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(i.AppendJSON(nil)); got != text {
			t.Errorf("got  %s\nwant %s", got, text)
		}
	}
}

func TestDependenciesJSON(t *testing.T) {
	t.Parallel()
	text := `[{"name":"db/x","match_params":{"p":{"value":20240131,"operator":">="},"q":{"value":"us","operator":"="}}},{"name":"manual-approval"}]`
	list, err := signal.DecodeDependencies([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(signal.AppendDependencies(nil, list)); got != text {
		t.Errorf("got  %s\nwant %s", got, text)
	}
}

func TestOutputsJSON(t *testing.T) {
	t.Parallel()
	text := `[{"name":"a","params":{"p":1},"payload":{"rows":42}},{"name":"b"}]`
	list, err := signal.DecodeOutputs([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(signal.AppendOutputs(nil, list)); got != text {
		t.Errorf("got  %s\nwant %s", got, text)
	}
	list[0].Seq, list[0].Announced, list[1].Seq = 7, 99, signal.Repeated
	want := `[{"name":"a","params":{"p":1},"signal_id":7,"announce_time":99,"payload":{"rows":42}},{"name":"b","signal_id":-1}]`
	if got := string(signal.AppendOutputs(nil, list)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
