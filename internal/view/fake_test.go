package view_test

import (
	"errors"

	"maestro/internal/instance"
	"maestro/param"
	"maestro/spec"
)

// fakeLanguage knows the answers beforehand: by ordinal of the step, or by the stored results.
type fakeLanguage struct {
	params   map[string]*param.Params // by stored results
	timeouts map[int]int64            // milliseconds; others have none
	retries  map[int]spec.Retry
	fails    map[int]bool // steps whose params cannot be evaluated
	untrue   map[int]bool // steps whose conditions are false
}

var errFake = errors.New("MaestroInternalError: no such param")

func (f *fakeLanguage) StepParams(_ *instance.Run, step int, now int64) (*param.Params, []byte, error) {
	if f.fails[step] {
		return nil, nil, errFake
	}
	return numbered(3, now), []byte("numbered"), nil
}

func (f *fakeLanguage) RestoreStepParams(_ *instance.Run, _ int, _ *instance.Attempt, results []byte) (*param.Params, error) {
	if p := f.params[string(results)]; p != nil {
		return p, nil
	}
	return numbered(3, 1), nil
}

func (f *fakeLanguage) Conditions(r *instance.Run, step int, now int64) ([]instance.EdgeResult, []byte, error) {
	out := make([]instance.EdgeResult, len(r.Plan.Nodes[step].Successors))
	for i := range out {
		out[i] = instance.EdgeResult{Done: true, True: !f.untrue[step], At: now}
	}
	return out, nil, nil
}

func (f *fakeLanguage) Timeout(_ *instance.Run, step int) (int64, error) {
	if ms, ok := f.timeouts[step]; ok {
		return ms, nil
	}
	return 864_000_000, nil
}

func (f *fakeLanguage) Retry(_ *instance.Run, step int) spec.Retry {
	if p, ok := f.retries[step]; ok {
		return p
	}
	return spec.DefaultRetry()
}

func (f *fakeLanguage) Output(*instance.Run, int, []byte, int64) (*param.Params, []byte, map[string][]byte, error) {
	return nil, nil, nil, nil
}

func (f *fakeLanguage) Dependencies(*instance.Run, int, int64) ([]byte, error) {
	return []byte(`[{"name":"s"}]`), nil
}

func (f *fakeLanguage) Signals(*instance.Run, int, int64) ([]byte, error) { return nil, nil }

// numbered returns n evaluated params.
func numbered(n int, at int64) *param.Params {
	defs := &param.Defs{}
	for i := range n {
		defs.Set(string(rune('a'+i)), param.Literal(param.LongValue(int64(i))))
	}
	p := param.NewParams(defs)
	for i := range n {
		ref := p.Ref(i)
		ref.Result, ref.Time, ref.Evaluated = ref.Def.Value, at, true
	}
	return p
}
