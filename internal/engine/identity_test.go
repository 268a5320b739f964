package engine_test

import (
	"crypto/sha1"
	"encoding/hex"
	"path/filepath"
	"testing"

	"maestro/internal/engine"
	"maestro/internal/instance"
	"maestro/internal/store"
)

// TestIdentitiesNeverMeet starts runs that are alike in all that callers choose, in two installations that gave out the
// same numbers: no two attempts have the same identity, and an attempt keeps its own.
func TestIdentitiesNeverMeet(t *testing.T) {
	t.Parallel()
	const request = "11111111-2222-4333-8444-555555555555"
	shell := func(id string) string { return `{"step":{"id":"` + id + `","type":"Shell"}}` }
	seen := make(map[string]string)
	for _, installation := range []string{"here", "there"} {
		path := filepath.Join(t.TempDir(), "s.db")
		db := openStore(t, path)
		b := &book{byID: make(map[string]*engine.Definition)}
		b.push(t, "a", "", shell("s"), shell("s1"))
		b.push(t, "b", "", shell("s"), shell("s1"))
		f := newFixture(t, db, b, &work{}, engine.Config{})
		var runs []*instance.Run
		begin := func(id string) {
			s, err := tryStart(f.Engine, id, request)
			if err != nil {
				t.Fatal(err)
			}
			runs = append(runs, f.await(t, s))
		}
		begin("a")
		begin("b")
		b.byID["a"].Internal += 1000 // deleted and pushed again
		begin("a")
		uuids := func(r *instance.Run) (all []string) {
			for n := range r.Steps {
				for number := range int64(12) {
					all = append(all, r.AttemptUUID(n, number))
				}
			}
			return all
		}
		for _, r := range runs {
			for _, u := range uuids(r) {
				if before, taken := seen[u]; taken {
					t.Errorf("%s: an attempt of %s has the identity of one of %s", installation, r.Identity(), before)
				}
				seen[u] = installation + r.Identity()
			}
		}
		f.close(t)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}

		db = openStore(t, path)
		f = newFixture(t, db, b, &work{}, engine.Config{})
		last := runs[len(runs)-1]
		again, err := f.Load(t.Context(), "a", last.Instance, last.Number)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := again.AttemptUUID(1, 1), last.AttemptUUID(1, 1); got != want {
			t.Errorf("after a restart the attempt is %s, was %s", got, want)
		}
		f.close(t)
		db.Close()
	}
}

// TestJobsOfOneName has output data sent for jobs whose type and id run into each other.
func TestJobsOfOneName(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		e, _ := l.open(engine.Config{}, nil)
		if _, err := e.PostOutput(t.Context(), engine.JobOutput{Type: "shell/a", Job: "b", Data: []byte(`{"params":{}}`)}); err == nil {
			t.Error("output data of a type with a slash is taken")
		}
		l.close(e)
	})
}

// TestWorkOfOlderStores keeps the names of what runs have under way that were started before stores had an identity.
func TestWorkOfOlderStores(t *testing.T) {
	inLab(t, func(t *testing.T, l *lab) {
		l.push("wf", parallel, shell)
		l.work.onStart = hold
		e, s := l.open(engine.Config{}, nil)
		old := l.start(e, "wf")
		l.crash(e, s)
		forget := store.Record{Kind: "store", Key: "identity"} // as if nobody had ever asked for it
		if err := l.disk.PutRecords(t.Context(), forget); err != nil {
			t.Fatal(err)
		}
		name := func(e *engine.Engine, s engine.Started) string {
			r, err := e.LoadAny(l.row(s).ID)
			if err != nil {
				t.Fatal(err)
			}
			return r.AttemptUUID(0, 1)
		}
		e, s = l.open(engine.Config{}, nil)
		sum := sha1.Sum([]byte(old.UUID + "a\x001"))
		if got, want := name(e, old), hex.EncodeToString(sum[:4]); got[:8] != want {
			t.Errorf("the attempt is called %s, and was called %s-…", got, want)
		}
		later := l.start(e, "wf")
		before := name(e, later)
		l.crash(e, s)
		e, _ = l.open(engine.Config{}, nil)
		if got := name(e, later); got != before {
			t.Errorf("a later run's attempt is called %s, and was called %s", got, before)
		}
		l.close(e)
	})
}
