package instance

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"unsafe"

	"maestro/param"
	"maestro/spec"
)

// TestSnapshotForgetsNothing gives every field of an attempt, those of the future included, a value of its own and wants it
// back.
func TestSnapshotForgetsNothing(t *testing.T) {
	t.Parallel()
	r := newInner(t, fuzzSteps)
	r.Created = 1_700_000_000_000
	next := int64(0)
	for i := range r.Steps {
		a := &r.Steps[i].Attempt
		fill(reflect.ValueOf(a).Elem(), &next)
		a.Status, a.ending = Running, StepStopped
		a.Retryable = i%2 == 0 // either way
		a.Edges = a.Edges[:0]
		for range r.Plan.Nodes[i].Successors {
			a.Edges = append(a.Edges, EdgeResult{Done: true, True: true, At: 5 + next, Note: "n"})
		}
		for k := range a.Signals {
			a.Signals[k].Status = SignalMatched
		}
	}
	r.active = len(r.Steps)
	r.Status, r.Own, r.Started, r.Ended, r.Modified = InProgress, RunStopped, 7, 8, 9
	r.Lines = []Line{InfoLine("a"), DetailsLine("C", "m", "e")}
	r.Ending, r.EndedBy, r.EndedFor, r.nextSequence = Kill, "u", "why", 77

	r.Snapshots = SnapshotRule{Entries: 1}
	entry, snapshot := r.Append(nil, []Record{{Kind: KindRunLine, At: 3, Data: []byte("{}")}})
	if !snapshot {
		t.Fatal("no snapshot")
	}
	got := newInner(t, fuzzSteps)
	got.Created = r.Created
	if err := got.Begin(entry); err != nil {
		t.Fatal(err)
	}
	if diff := differ("run", reflect.ValueOf(got).Elem(), reflect.ValueOf(r).Elem()); diff != "" {
		t.Error(diff)
	}
}

// fill gives every field within v another value than zero.
func fill(v reflect.Value, next *int64) {
	*next++
	if tags, ok := v.Addr().Interface().(*spec.Tags); ok { // whose attributes are JSON
		*tags = spec.Tags{{Name: fmt.Sprint("s", *next)}}
		return
	}
	if _, ok := v.Interface().(param.Defs); ok { // which has its own codec
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			if !remembered[v.Type().Field(i).Name] {
				fill(reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem(), next) //nolint:gosec // fields without an exported name are to be kept, too
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), next)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), next)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, next)
			fill(value, next)
			v.SetMapIndex(key, value)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), next)
	case reflect.String:
		v.SetString(fmt.Sprint("s", *next))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8, reflect.Uint32:
		v.SetUint(uint64(*next%100) + 1)
	default:
		v.SetInt(*next)
	}
}

// TestSnapshotRule counts what snapshots cost and what they save: a journal of n entries over a state that stays small.
func TestSnapshotRule(t *testing.T) {
	t.Parallel()
	r := newInner(t, fuzzSteps)
	pass, err := r.Play(Start{At: 1}, free)
	if err != nil {
		t.Fatal(err)
	}
	entry, _ := r.Append(nil, pass.Records)
	all, plain, since, longest, snapshots := len(entry), len(AppendEntry(nil, pass.Records)), 1, 0, 0
	for i := range 5000 {
		pass, err := r.Play(Reported{At: int64(i + 2), Attempt: 1, Artifacts: map[string][]byte{"progress": fmt.Appendf(nil, `{"at":%d}`, i)}}, free)
		if err != nil {
			t.Fatal(err)
		}
		entry, snapshot := r.Append(nil, pass.Records)
		all, plain = all+len(entry), plain+len(AppendEntry(nil, pass.Records))
		since++
		if snapshot {
			since, snapshots = 0, snapshots+1
		}
		longest = max(longest, since)
	}
	if longest > 300 || snapshots > 5000/256 {
		t.Errorf("%d snapshots, and up to %d entries without one", snapshots, longest)
	}
	if all > plain*3/2 {
		t.Errorf("the journal has %d bytes, without snapshots %d", all, plain)
	}
	t.Logf("%d snapshots: %d bytes, without %d", snapshots, all, plain)
}

// TestSnapshotOfLargeState: a state that grows as the journal does is written now and then, and never more than half of it.
func TestSnapshotOfLargeState(t *testing.T) {
	t.Parallel()
	var steps []string
	const n = 300 // the limit
	for i := range n {
		next := ""
		if i+1 < n {
			next = fmt.Sprintf(`"transition":{"successors":{"s%d":"true"}},`, i+1)
		}
		steps = append(steps, fmt.Sprintf(`{"step":{%s"id":"s%d","type":"Shell"}}`, next, i))
	}
	r := newInner(t, steps)
	all, plain, tries := 0, 0, 0
	apply := func(ev Event) {
		pass, err := r.Play(ev, free)
		if err != nil {
			t.Fatal(err)
		}
		large := r.grown.snapshot
		entry, _ := r.Append(nil, pass.Records)
		if r.grown.snapshot != large {
			tries++
		}
		all, plain = all+len(entry), plain+len(AppendEntry(nil, pass.Records))
	}
	apply(Start{At: 1})
	for i := range n {
		step, _ := r.Plan.Ordinal(fmt.Sprint("s", i))
		apply(Reported{At: int64(i + 2), Step: step, Attempt: 1, Outcome: OutcomeContinue})
		apply(Reported{At: int64(i + 2), Step: step, Attempt: 1, Outcome: OutcomeDone})
	}
	if all > plain*3/2 {
		t.Errorf("the journal has %d bytes, without snapshots %d", all, plain)
	}
	if tries > 20 {
		t.Errorf("the state was encoded %d times to find that it is too large", tries)
	}
	t.Logf("%d bytes, without snapshots %d", all, plain)
}

// TestSnapshotDamaged: a snapshot that is cut, changed or of another version is refused; it never panics, and never gives a
// run that its journal does not.
func TestSnapshotDamaged(t *testing.T) {
	t.Parallel()
	r := newInner(t, fuzzSteps)
	r.Snapshots = SnapshotRule{Entries: 1}
	pass, err := r.Play(Start{At: 1}, free)
	if err != nil {
		t.Fatal(err)
	}
	entry, _ := r.Append(nil, pass.Records)
	all, err := DecodeEntry(entry)
	if err != nil {
		t.Fatal(err)
	}
	data := all[len(all)-1].Data
	begin := func(data []byte) error {
		return newInner(t, fuzzSteps).Begin(AppendEntry(nil, []Record{{Kind: KindSnapshot, Data: data}}))
	}
	if err := begin(data); err != nil {
		t.Fatal(err)
	}
	for n := range data {
		if begin(data[:n]) == nil {
			t.Errorf("the first %d of %d bytes are taken", n, len(data))
		}
	}
	if begin(append(data[:len(data):len(data)], 0)) == nil {
		t.Error("more bytes are taken")
	}
	other := append([]byte{snapshotVersion + 1}, data[1:]...)
	if err := begin(other); !errors.Is(err, ErrNewer) {
		t.Errorf("another version: %v", err)
	}
	if err := newInner(t, fuzzSteps).Begin(AppendEntry(nil, pass.Records)); err == nil {
		t.Error("an entry without a snapshot is taken")
	}
}

// FuzzSnapshot restores what is no snapshot.
func FuzzSnapshot(f *testing.F) {
	r := newInner(f, fuzzSteps)
	for _, ev := range []Event{Start{At: 1}, Reported{At: 2, Attempt: 1, Outcome: OutcomeUserError, Lines: []Line{InfoLine("x")}}} {
		if _, err := r.Play(ev, free); err != nil {
			f.Fatal(err)
		}
		f.Add(r.appendSnapshot(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		run := newInner(t, fuzzSteps)
		if run.restore(data) != nil {
			return
		}
		again := newInner(t, fuzzSteps)
		if err := again.restore(run.appendSnapshot(nil)); err != nil {
			t.Fatal(err)
		}
		if diff := differ("run", reflect.ValueOf(again).Elem(), reflect.ValueOf(run).Elem()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestHeaderForgetsNothing is TestSnapshotForgetsNothing for headers.
func TestHeaderForgetsNothing(t *testing.T) {
	t.Parallel()
	h, next := new(Header), int64(0)
	fill(reflect.ValueOf(h).Elem(), &next)
	h.RunParams = new(param.Defs)
	h.RunParams.Set("p", param.Literal(param.LongValue(5)))
	for id, v := range h.Baseline.Steps {
		v.Status = Running
		h.Baseline.Steps[id] = v
	}
	h.Baseline.Status = RunStopped
	for id, w := range h.Signals.Steps {
		w.States[0].Status, w.States[1].Status = SignalMatched, SignalSkipped
		h.Signals.Steps[id] = w
	}
	h.Line.At = h.Requested
	h.forget()
	got, err := DecodeHeader(h.AppendHeader(nil))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, h) {
		t.Errorf("got  %+v\nwant %+v", got, h)
	}
}
