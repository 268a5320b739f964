package instance_test

import (
	"testing"

	"maestro/internal/instance"
)

// TestAttemptIdentity changes everything that an attempt's identity is made of, one thing at a time: each makes another one.
func TestAttemptIdentity(t *testing.T) {
	t.Parallel()
	fresh := func() *instance.Run {
		r := newRun(t, []string{`{"step":{"id":"a","type":"Shell"}}`, `{"step":{"id":"b","type":"Shell"}}`})
		r.Origin, r.ID, r.Internal = [16]byte{1, 2, 3}, 77, 5
		return r
	}
	same := fresh()
	same.UUID, same.WorkflowID, same.Instance, same.Number = "another", "another", 9, 9 // these are said again elsewhere, or the caller's
	if got, want := same.AttemptUUID(0, 1), fresh().AttemptUUID(0, 1); got != want {
		t.Errorf("the identity of an attempt is %s, then %s", want, got)
	}
	seen := map[string]string{fresh().AttemptUUID(0, 1): "the first attempt"}
	for what, id := range map[string]string{
		"another step":    fresh().AttemptUUID(1, 1),
		"another attempt": fresh().AttemptUUID(0, 2),
		"another store":   func() string { r := fresh(); r.Origin[15]++; return r.AttemptUUID(0, 1) }(),
		"another run":     func() string { r := fresh(); r.ID++; return r.AttemptUUID(0, 1) }(),
		"another workflow": func() string {
			r := fresh()
			r.Internal++
			return r.AttemptUUID(0, 1)
		}(),
	} {
		if other, taken := seen[id]; taken {
			t.Errorf("%s has the identity of %s", what, other)
		}
		seen[id] = what
	}
}
