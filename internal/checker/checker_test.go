package checker_test

import (
	"strings"
	"testing"

	"maestro/internal/checker"
	"maestro/internal/instance"
	"maestro/internal/store"
	"maestro/internal/store/sqlite"
)

func status(to instance.RunStatus) instance.Record {
	return instance.Record{Kind: instance.KindRunStatus, Status: uint8(to), At: 10}
}

func stepTo(to instance.StepStatus) instance.Record {
	return instance.Record{Kind: instance.KindStepStatus, Status: uint8(to), At: 10}
}

var created = instance.Record{Kind: instance.KindStepCreated, Attempt: 1, A: 3, At: 10}

// good is the journal of a run of one step, an entry each.
func good() [][]instance.Record {
	return [][]instance.Record{
		{status(instance.Created), status(instance.InProgress), created, stepTo(instance.Initialized), stepTo(instance.WaitingForSignals),
			stepTo(instance.EvaluatingParams), stepTo(instance.WaitingForPermits), stepTo(instance.Starting)},
		{stepTo(instance.Running), stepTo(instance.Finishing), stepTo(instance.Succeeded), status(instance.RunSucceeded)},
	}
}

func encode(journal [][]instance.Record) []store.Entry {
	var out []store.Entry
	for i, records := range journal {
		e := store.Entry{Pos: int64(i) + 1, Run: 1, Seq: int64(i) + 1, Data: instance.AppendEntry(nil, records)}
		if len(records) > 0 {
			e.At = records[len(records)-1].At
		}
		out = append(out, e)
	}
	return out
}

// TestJournal damages a journal in every way that the checker is there for.
func TestJournal(t *testing.T) {
	t.Parallel()
	row := func() *store.Run {
		return &store.Run{ID: 1, Status: uint8(instance.RunSucceeded), Ended: 10, Entries: 2}
	}
	if _, problems := checker.Journal(row(), encode(good())); len(problems) > 0 {
		t.Fatalf("a good journal: %v", problems)
	}
	for _, c := range []struct {
		name   string
		change func(j [][]instance.Record, row *store.Run) [][]instance.Record
		want   string
	}{
		{"a transition twice", func(j [][]instance.Record, _ *store.Run) [][]instance.Record {
			j[0] = append(j[0], stepTo(instance.Starting))
			return j
		}, "from STARTING to STARTING"},
		{"a transition left out", func(j [][]instance.Record, _ *store.Run) [][]instance.Record {
			j[1] = j[1][1:]
			return j
		}, "from STARTING to FINISHING"},
		{"a terminal status changes", func(j [][]instance.Record, row *store.Run) [][]instance.Record {
			row.Entries++
			j[1] = j[1][:3]
			return append(j, []instance.Record{stepTo(instance.InternallyFailed), status(instance.RunFailed)})
		}, "SUCCEEDED since entry 2, becomes INTERNALLY_FAILED"},
		{"the run ends twice", func(j [][]instance.Record, row *store.Run) [][]instance.Record {
			row.Entries++
			return append(j, []instance.Record{status(instance.RunSucceeded)})
		}, "run goes from SUCCEEDED to SUCCEEDED"},
		{"a record after the end", func(j [][]instance.Record, row *store.Run) [][]instance.Record {
			row.Entries++
			return append(j, []instance.Record{{Kind: instance.KindStepOutput, At: 10}})
		}, "after the run ended"},
		{"the run ends while a step lives", func(j [][]instance.Record, _ *store.Run) [][]instance.Record {
			j[1] = j[1][3:]
			return j
		}, "run ends while step 0 is STARTING"},
		{"an attempt too many", func(j [][]instance.Record, _ *store.Run) [][]instance.Record {
			j[0] = append(j[0], instance.Record{Kind: instance.KindStepCreated, Attempt: 2, At: 10})
			return j
		}, "attempt 2 after attempt 1, STARTING"},
		{"time goes back", func(j [][]instance.Record, _ *store.Run) [][]instance.Record {
			j[1][0].At = 9
			return j
		}, "comes after"},
		{"an entry is missing", func(j [][]instance.Record, row *store.Run) [][]instance.Record {
			row.Entries = 1
			return j[1:]
		}, "before it has an attempt"},
		{"an entry is empty", func(j [][]instance.Record, row *store.Run) [][]instance.Record {
			row.Entries++
			return append(j, nil)
		}, "says nothing"},
		{"the row says something else", func(j [][]instance.Record, row *store.Run) [][]instance.Record {
			row.Status = uint8(instance.RunFailed)
			return j
		}, "row is FAILED"},
		{"the row ended at another time", func(j [][]instance.Record, row *store.Run) [][]instance.Record {
			row.Ended = 11
			return j
		}, "row ended at 11"},
		{"the row counts wrong", func(j [][]instance.Record, row *store.Run) [][]instance.Record {
			row.Entries = 3
			return j
		}, "row counts 3"},
		{"nothing wakes it", func(j [][]instance.Record, row *store.Run) [][]instance.Record {
			*row = store.Run{Status: uint8(instance.InProgress), Entries: 1}
			return j[:1]
		}, "its wake is 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := row()
			_, problems := checker.Journal(r, encode(c.change(good(), r)))
			if all := strings.Join(problems, "\n"); !strings.Contains(all, c.want) {
				t.Errorf("got %q, want %q in it", all, c.want)
			}
		})
	}
}

// TestStore compares a store with what clients were told.
func TestStore(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(t.Context(), sqlite.Memory, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w, err := s.Define(t.Context(), store.DefinitionChange{Workflow: store.Workflow{ID: "wf", ModifyTime: 1, Properties: []byte("{}")}, At: 1})
	if err != nil {
		t.Fatal(err)
	}
	leases, err := s.Claim(t.Context(), "node", 1, 1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	entries := encode(good())
	row := &store.Run{ID: 1, Workflow: w.Internal, Instance: 1, Run: 1, UUID: [16]byte{15: 1}, Status: uint8(instance.InProgress), Wake: 99}
	if errs := s.Commit(t.Context(), []store.Change{{Epoch: leases[0].Epoch, Runs: []store.RunChange{{ID: 1, Insert: row, Entry: entries[0].Data, Seq: 1, At: 10}}}}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	acks, err := checker.ReadAcks(strings.NewReader(`
{"workflow":"wf","instance":1,"run":1,"uuid":"00000000-0000-0000-0000-000000000001"}
{"workflow":"wf","instance":0,"uuid":"00000000-0000-0000-0000-000000000001"}
{"workflow":"wf","instance":2,"run":1,"uuid":"00000000-0000-0000-0000-000000000001"}
{"workflow":"wf","instance":3,"run":1,"uuid":"00000000-0000-0000-0000-000000000002"}
{"workflow":"wf","instance":4,"ru`))
	if err != nil || len(acks) != 4 {
		t.Fatalf("%d acks, %v", len(acks), err)
	}
	r, err := checker.Store(t.Context(), s, acks[:2], false)
	if err != nil || len(r.Problems) > 0 || r.Runs != 1 || r.Entries != 1 {
		t.Errorf("a good store: %+v, %v", r, err)
	}
	r, err = checker.Store(t.Context(), s, acks, true)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(r.Problems, "\n")
	for _, want := range []string{"has not ended: IN_PROGRESS", "it is run [1][1]", "there is no such run"} {
		if !strings.Contains(all, want) {
			t.Errorf("got %q, want %q in it", all, want)
		}
	}
}
