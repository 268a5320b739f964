package instance_test

import (
	"testing"

	"maestro/internal/instance"
	"maestro/internal/instance/instancetest"
)

// retried returns a run whose step a, of which two errors are retried after a minute, has failed at 2000.
func retried(t *testing.T, artifacts map[string][]byte) *instance.Run {
	t.Helper()
	r := newRun(t, []string{`{"step":{"id":"a","type":"Shell","retry_policy":{"error_retry_limit":2,"backoff":{"type":"FIXED_BACKOFF","error_retry_backoff_in_secs":60}}}}`})
	for _, ev := range []instance.Event{
		instance.Start{At: 1000},
		instance.Reported{At: 2000, Attempt: 1, Outcome: instance.OutcomeUserError, Begun: true, Artifacts: artifacts},
	} {
		if _, err := instancetest.Apply(r, ev); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// TestRetry_NotEarly wakes a run before the retry of a step is due: the retry waits for its time.
func TestRetry_NotEarly(t *testing.T) {
	t.Parallel()
	r := retried(t, nil)
	for at, want := range map[int64]int64{61_999: 1, 62_000: 2} {
		r := retried(t, nil)
		if _, err := instancetest.Apply(r, instance.Wake{At: at}); err != nil {
			t.Fatal(err)
		}
		if got := r.Steps[0].Number; got != want {
			t.Errorf("woken at %d it is attempt %d, want %d", at, got, want)
		}
	}
	if got := r.NextWake(); got != 62_000 {
		t.Errorf("the retry is due at %d, want 62000", got)
	}
}

// TestRetry_Pointless has a job say whether a retry has a point.
func TestRetry_Pointless(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]instance.StepStatus{
		`{"retryable":false}`: instance.FatallyFailed,
		`{"retryable":true}`:  instance.UserFailed,
		`{}`:                  instance.UserFailed,
	} {
		if got := retried(t, map[string][]byte{"maestro_retry": []byte(text)}).Steps[0].Status; got != want {
			t.Errorf("after %s the step is %s, want %s", text, got, want)
		}
	}
}
