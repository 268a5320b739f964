package instance

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"maestro/internal/output"
	"maestro/spec"
)

// reported takes what a runtime says about an attempt.
func (r *Run) reported(e Reported) error {
	s, err := r.latest(e.Step, e.Attempt)
	if err != nil {
		return err
	}
	if s.Status != Starting && s.Status != Running {
		return ErrStale
	}
	if e.Waits != "" && e.Waits == s.Waits {
		return nil // told again, as after a restart
	}
	for _, key := range slices.Sorted(maps.Keys(e.Artifacts)) {
		r.artifact(e.Step, key, e.Artifacts[key], e.At)
	}
	for _, l := range e.Lines {
		r.line(e.Step, l, e.At)
	}
	if e.Output != nil {
		r.record(Record{Kind: KindStepOutput, Step: e.Step, At: e.At, Data: output.Merge(s.Output, e.Output)})
	}
	if e.Outcome == OutcomeContinue {
		if s.Status == Starting && e.Waits != "" {
			r.record(Record{Kind: KindStepWait, Step: e.Step, Text: e.Waits, At: e.At})
		} else if s.Status == Starting {
			r.to(e.Step, Running, e.At)
		}
		return nil
	}
	if s.ending != NotCreated {
		if e.Outcome == OutcomeDone && (s.ending == StepTimedOut || s.ending == TimeoutFailed) {
			// Done, but too late: what the work left is kept, and counts for nothing.
			if s.Status == Starting {
				r.to(e.Step, Running, e.At)
			}
			r.to(e.Step, Finishing, e.At)
		}
		r.end(e.Step, s.ending, s.endingFrom, e.At)
		return nil
	}
	if s.Status == Starting && (e.Begun || e.Outcome == OutcomeDone) {
		r.to(e.Step, Running, e.At)
	}
	switch e.Outcome {
	case OutcomeDone:
		r.to(e.Step, Finishing, e.At)
		r.push(e.Step)
	case OutcomeUserError:
		r.failed(e.Step, UserFailed, e.At)
	case OutcomePlatformError:
		r.failed(e.Step, PlatformFailed, e.At)
	case OutcomeFatalError:
		r.failed(e.Step, FatallyFailed, e.At)
	case OutcomeTimedOut:
		r.to(e.Step, StepTimedOut, e.At)
	case OutcomeInternal:
		r.to(e.Step, InternallyFailed, e.At)
	default:
		r.to(e.Step, StepStopped, e.At)
	}
	return nil
}

// latest returns the step if attempt is its latest one and the run is live.
func (r *Run) latest(step int, attempt int64) (*Step, error) {
	if step < 0 || step >= len(r.Steps) || r.Own != InProgress || attempt == 0 || r.Steps[step].Number != attempt {
		return nil, ErrStale
	}
	return &r.Steps[step], nil
}

// artifact merges one artifact into those of an attempt.
func (r *Run) artifact(step int, key string, data []byte, at int64) {
	data = output.MergeArtifact(r.Steps[step].Artifacts[key], data)
	r.record(Record{Kind: KindStepArtifact, Step: step, Text: key, Data: data, At: at})
}

// failed decides between a retry and the end for an attempt whose work failed (spec/engine 8.1).
func (r *Run) failed(step int, as StepStatus, at int64) {
	s := &r.Steps[step]
	if as.Retryable() {
		kind := retryKind(as)
		policy := r.RetryPolicy(step)
		retries := s.Retryable && s.Retries[kind] < int64(policy.Limits[kind])
		if retries && as != TimeoutFailed && r.retryRefused(step) {
			r.to(step, as, at)
			r.line(step, InfoLine("Not retrying, as the job's output says that a retry is pointless"), at)
			r.fatal(step, 0, at)
			return
		}
		if retries {
			r.to(step, as, at)
			r.line(step, InfoLine("Retrying task in ["+durationText(policy.Delay(kind, int(s.Retries[kind])).Milliseconds())+"]"), at)
			return
		}
		if as == TimeoutFailed {
			r.to(step, StepTimedOut, at)
			return
		}
	}
	r.fatal(step, 0, at)
}

// retryRefused reports whether the job said that a retry is pointless (spec/runtimes 2.3).
func (r *Run) retryRefused(step int) bool {
	s := &r.Steps[step]
	refuses := func(artifact []byte) bool {
		var a struct {
			Retryable *bool `json:"retryable"`
		}
		return artifact != nil && json.Unmarshal(artifact, &a) == nil && a.Retryable != nil && !*a.Retryable
	}
	if refuses(s.Artifacts["maestro_retry"]) {
		return true
	}
	var out struct {
		Artifacts map[string]json.RawMessage `json:"artifacts"`
	}
	return s.Output != nil && json.Unmarshal(s.Output, &out) == nil && refuses(out.Artifacts["maestro_retry"])
}

// fatal ends an attempt as failed for good and lets the failure mode say what follows (spec/engine 6.3).
func (r *Run) fatal(step int, flags int64, at int64) {
	r.to(step, FatallyFailed, at)
	if flags&endingByRun != 0 {
		return
	}
	switch r.Plan.Nodes[step].Step.FailureMode.Or(spec.FailAfterRunning) {
	case spec.IgnoreFailure:
		r.to(step, CompletedWithError, at)
		r.push(step)
	case spec.FailImmediately:
		r.endAll(Stop, "", "Step ["+r.Plan.Nodes[step].ID+"] is failed and its failure mode is FAIL_IMMEDIATELY", at)
	default:
	}
}

// durationText renders milliseconds as users read them: 1m, 7h 15m, 500ms.
func durationText(ms int64) string {
	units := []struct {
		size int64
		name string
	}{{86_400_000, "d"}, {3_600_000, "h"}, {60_000, "m"}, {1000, "s"}, {1, "ms"}}
	var parts []string
	for _, u := range units {
		if n := ms / u.size; n > 0 {
			parts = append(parts, itoa(n)+u.name)
			ms -= n * u.size
		}
	}
	if parts == nil {
		return "0s"
	}
	return strings.Join(parts, " ")
}
