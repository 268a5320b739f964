package instance

import (
	"bytes"
	"reflect"
	"testing"

	"maestro/param"
)

var fuzzSteps = []string{
	`{"step":{"id":"a","type":"Shell","transition":{"successors":{"b":"1 < 2","c":"true"}}}}`,
	`{"step":{"id":"b","type":"Sleep"}}`, `{"step":{"id":"c","type":"NoOp","transition":{"successors":{"b":"true"}}}}`,
}

// FuzzFold folds what is no journal. It may be refused; it must not panic, and what is accepted must be read again as it
// is written.
func FuzzFold(f *testing.F) {
	r := newInner(f, fuzzSteps)
	for _, ev := range []Event{
		Start{At: 1}, Reported{At: 2, Attempt: 1, Outcome: OutcomeUserError, Lines: []Line{InfoLine("x")}}, Wake{At: 1 << 40},
		ActOnRun{At: 1 << 41, Action: Stop, User: "u", Reason: "r"},
	} {
		pass, _ := r.Play(ev, free) // what is refused makes no records
		f.Add(AppendEntry(nil, pass.Records))
	}
	every := []Record{{Kind: KindRunStatus, Status: uint8(Created)}, {Kind: KindRunStatus, Status: uint8(InProgress)}, {Kind: KindStepCreated, Attempt: 1, A: 3}}
	for k := KindRunLine; k <= KindSnapshot; k++ {
		every = append(every, Record{Kind: k, Step: 1, Status: 4, At: 5, A: -1, B: 7, Text: "t", Data: []byte("{}")})
	}
	for n := range every {
		f.Add(AppendEntry(nil, every[:n+1]))
		f.Add(AppendEntry(nil, []Record{every[2], every[n]}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		records, err := DecodeEntry(data)
		if err == nil {
			again, err := DecodeEntry(AppendEntry(nil, records))
			if err != nil || len(records) != len(again) || len(records) > 0 && !reflect.DeepEqual(records, again) {
				t.Errorf("%v is read again as %v, %v", records, again, err)
			}
		}
		run, ruin := newInner(t, fuzzSteps), newInner(t, fuzzSteps)
		ruin.Salvage(data, true)
		for i := range ruin.Steps {
			ruin.AtWork(i)
			ruin.StepParams(i)
		}
		if run.Fold(data) != nil {
			return
		}
		for i := range run.Steps {
			if run.AtWork(i) != ruin.AtWork(i) {
				t.Errorf("step %d of a sound journal is %s, and %s when it is salvaged", i, run.Steps[i].Status, ruin.Steps[i].Status)
			}
		}
		for i := range run.Steps { // what readers ask
			run.EdgeResults(i, &run.Steps[i].Attempt)
			run.StepParams(i)
		}
		run.Aggregate()
		_ = run.Fold(data)
	})
}

// FuzzHeader decodes what is no header.
func FuzzHeader(f *testing.F) {
	f.Add([]byte{1})
	line := InfoLine("x")
	f.Add((&Header{
		Start: []int{1, 2}, Target: 1, Skip: []int{0}, Params: []byte{1}, HasParams: true, Line: &line,
		Baseline: &Baseline{Status: RunFailed, Steps: map[string]View{"a": {Run: 1, Status: Succeeded, Start: 5, End: 6}}},
		Signals:  &Signals{Instances: map[string][]byte{"s": []byte("{}")}, Steps: map[string]Waited{"a": {States: []Dependency{{Status: SignalMatched, Sequence: 3}}}}},
		Tags:     decodeTags([]byte(`[{"name":"t","k":1}]`)), RunParams: new(param.Defs),
	}).AppendHeader(nil))
	f.Add((&Header{Initiator: []byte(`{"user":{"name":"n"}}`), Properties: []byte(`{"owner":7}`), Timeout: -1}).AppendHeader(nil))
	f.Add((&Header{Start: []int{-1}, Target: -5, Skip: []int{-1}}).AppendHeader(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := DecodeHeader(data)
		if err != nil {
			return
		}
		h.ParsedInitiator()
		h.Owner()
		h.StepConcurrency()
		stored := h.AppendHeader(nil)
		again, err := DecodeHeader(stored)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.AppendHeader(nil), stored) {
			t.Errorf("%+v is read again as %+v", h, again)
		}
	})
}
