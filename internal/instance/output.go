package instance

import (
	"bytes"
	"errors"
	"fmt"

	"maestro/internal/output"
)

// ErrTooLarge says that the output data of an attempt would exceed its limit. Nothing changed.
var ErrTooLarge = errors.New("instance: output data is too large")

// MergeOutput returns output data with more merged into it, or ErrTooLarge.
func MergeOutput(have, more []byte) ([]byte, error) {
	merged := output.Merge(have, more)
	if n := output.Size(merged); n > output.Limit {
		return nil, fmt.Errorf("%w: %d characters together with what was reported before, the limit is %d", ErrTooLarge, n, output.Limit)
	}
	return merged, nil
}

// posted keeps output data that a job sent by itself, until the step finishes. Data that says nothing new is not kept
// again.
func (r *Run) posted(e Posted) error {
	s, err := r.latest(e.Step, e.Attempt)
	if err != nil {
		return err
	}
	if s.Status.Terminal() || s.Status == Finishing {
		return ErrStale
	}
	merged, err := MergeOutput(s.Output, e.Output)
	if err != nil || bytes.Equal(merged, s.Output) {
		return err
	}
	r.record(Record{Kind: KindStepOutput, Step: e.Step, At: e.At, Data: merged})
	return nil
}
