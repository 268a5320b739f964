package instance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
)

// ErrTooLarge says that the output data of an attempt would exceed its limit. Nothing changed.
var ErrTooLarge = errors.New("instance: output data is too large")

// maxOutput is how large the output data of an attempt may be, in bytes (spec/runtimes 6.1).
const maxOutput = 750_000

// mergeOutput returns output data with more merged into it: params and artifacts that come again replace what was
// there, the others stay. What is not JSON replaces all, and is complained about when the step finishes.
func mergeOutput(have, more []byte) []byte {
	if have == nil {
		return more
	}
	type output struct {
		Params    map[string]json.RawMessage `json:"params,omitempty"`
		Artifacts map[string]json.RawMessage `json:"artifacts,omitempty"`
	}
	var a, b output
	if json.Unmarshal(have, &a) != nil || json.Unmarshal(more, &b) != nil {
		return more
	}
	merge := func(to *map[string]json.RawMessage, from map[string]json.RawMessage) {
		if *to == nil {
			*to = from
			return
		}
		maps.Copy(*to, from)
	}
	merge(&a.Params, b.Params)
	merge(&a.Artifacts, b.Artifacts)
	merged, err := json.Marshal(a)
	if err != nil {
		return more
	}
	return merged
}

// MergeOutput returns output data with more merged into it, or ErrTooLarge.
func MergeOutput(have, more []byte) ([]byte, error) {
	merged := mergeOutput(have, more)
	if len(merged) > maxOutput {
		return nil, fmt.Errorf("%w: %d bytes together with what was reported before, the limit is %d", ErrTooLarge, len(merged), maxOutput)
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
	if s.Status.Terminal() {
		return ErrStale
	}
	merged, err := MergeOutput(s.Output, e.Output)
	if err != nil || bytes.Equal(merged, s.Output) {
		return err
	}
	r.record(Record{Kind: KindStepOutput, Step: e.Step, At: e.At, Data: merged})
	return nil
}
