package instance

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"maestro/internal/output"
)

// ErrTooLarge says that the output data of an attempt would exceed its limit. Nothing changed.
var ErrTooLarge = errors.New("output data is too large")

// ErrUnfit says that output data cannot be merged into the step, whatever follows. Nothing changed.
var ErrUnfit = errors.New("output data does not fit the step")

// maxPosted is how many bytes of an attempt's output data are recorded altogether. Each part that a job sends is recorded
// together with all before it.
const maxPosted = 16 << 20

// MergeOutput returns output data with more merged into it, or ErrTooLarge.
func MergeOutput(have, more []byte) ([]byte, error) {
	merged := output.Merge(have, more)
	if n := output.Size(merged); n > output.Limit {
		return nil, fmt.Errorf("%w: %d characters together with what was reported before, the limit is %d", ErrTooLarge, n, output.Limit)
	}
	return merged, nil
}

// posted keeps output data that a job sent by itself, until the step finishes. Data that says nothing new is not kept
// again. What could not be merged then is refused now, when its sender can be told: a step that succeeds does not fail
// for what somebody sent.
func (r *Run) posted(e Posted) error {
	s, err := r.latest(e.Step, e.Attempt)
	if err != nil {
		return err
	}
	if s.Status.Terminal() || s.Status == Finishing {
		return ErrStale
	}
	merged, err := r.fitting(e)
	switch {
	case err != nil && e.Kept:
		line := WarnLine("Output data that the job sent before it was known was not taken: " + err.Error())
		if !slices.ContainsFunc(s.Lines, line.same) { // it comes again after a restart
			r.line(e.Step, line, e.At)
		}
		return nil
	case err != nil || bytes.Equal(merged, s.Output):
		return err
	}
	r.record(Record{Kind: KindStepOutput, Step: e.Step, At: e.At, Data: merged})
	return nil
}

// fitting returns the output data of an attempt together with what was posted, if all of that can be merged.
func (r *Run) fitting(e Posted) ([]byte, error) {
	s := &r.Steps[e.Step]
	merged, err := MergeOutput(s.Output, e.Output)
	if err != nil || bytes.Equal(merged, s.Output) {
		return merged, err
	}
	if s.Posted+len(merged) > maxPosted {
		return nil, fmt.Errorf("%w: %d bytes were sent altogether, each time with all before, the limit is %d; send it in fewer parts", ErrTooLarge, s.Posted+len(merged), maxPosted)
	}
	if _, _, _, err := r.Language.Output(r, e.Step, e.Output, e.At); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	return merged, nil
}
