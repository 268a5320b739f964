package language

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"sync"

	"maestro/internal/instance"
	"maestro/internal/scope"
	"maestro/param"
)

// A run keeps the default params it was started with: its stored results are restored over them, and its steps are
// evaluated with them until it ends. So a language knows many sets of defaults, each under its fingerprint. New runs are
// started with one of them, the current.

// sets are the sets of default params that a language knows.
type sets struct {
	current string
	mu      sync.RWMutex
	known   map[string]*param.Defaults
}

// Fingerprint names the set of default params that runs are started with.
func (l *Language) Fingerprint() string { return l.sets.current }

// Stored returns the stored form of the set of default params that runs are started with. Fingerprint is made of it.
func (l *Language) Stored() []byte { return l.cfg.Defaults.AppendStored(nil) }

// Knows reports whether runs with this set of default params can be restored.
func (l *Language) Knows(fingerprint string) bool {
	l.sets.mu.RLock()
	defer l.sets.mu.RUnlock()
	return l.sets.known[fingerprint] != nil
}

// Learn makes a stored set of default params known under its fingerprint.
func (l *Language) Learn(fingerprint string, stored []byte) error {
	if have := fingerprintOf(stored); have != fingerprint {
		return fmt.Errorf("the default params stored as [%s] are not those: theirs is [%s]", fingerprint, have)
	}
	d, err := param.DecodeDefaults(stored)
	if err != nil {
		return err
	}
	l.sets.mu.Lock()
	defer l.sets.mu.Unlock()
	if l.sets.known[fingerprint] == nil {
		l.sets.known[fingerprint] = d
	}
	return nil
}

// fingerprintOf returns the name of a stored set of default params.
func fingerprintOf(stored []byte) string {
	sum := sha256.Sum256(stored)
	return strconv.FormatUint(binary.BigEndian.Uint64(sum[:]), 36)
}

// merged is what follows from a plan and a set of default params, merged once for all their runs.
type merged struct {
	once     sync.Once
	defaults *param.Defaults
	base     *param.Defs // workflow params before run params
	fresh    definitions // workflow params of a run without run params
	steps    []definitions
	err      error
}

// definitions are merged definitions and their sum. No defs: they depend on more than was known.
type definitions struct {
	defs *param.Defs
	sum  uint32
}

func summed(defs *param.Defs) definitions { return definitions{defs, defs.Sum()} }

// merged returns what can be merged once for all runs of a plan that have the set of default params.
func (l *Language) merged(p *instance.Plan, fingerprint string) (*merged, error) {
	if fingerprint == "" { // of a run without evaluated params
		fingerprint = l.sets.current
	}
	l.sets.mu.RLock()
	d := l.sets.known[fingerprint]
	l.sets.mu.RUnlock()
	if d == nil {
		return nil, fmt.Errorf("%w: its default params [%s] are not known", instance.ErrNewer, fingerprint)
	}
	memo, ok := p.Memo.Load(fingerprint)
	if !ok {
		memo, _ = p.Memo.LoadOrStore(fingerprint, &merged{defaults: d})
	}
	m := memo.(*merged)
	m.once.Do(func() { m.merge(p) })
	return m, m.err
}

func (m *merged) merge(p *instance.Plan) {
	if m.base, m.err = scope.WorkflowBase(m.defaults, p.Workflow.Params, false); m.err != nil {
		return
	}
	if defs, err := scope.MergeWorkflow(m.base, &scope.Start{}); err == nil {
		m.fresh = summed(defs)
	}
	m.steps = make([]definitions, len(p.Nodes))
	for i := range p.Nodes {
		s := p.Nodes[i].Step
		if s.SubType.Set && s.SubType.Value != "" {
			continue // its template may change between attempts
		}
		if defs, err := mergeStep(m.defaults, s, nil, &scope.StepStart{}); err == nil {
			m.steps[i] = summed(defs)
		}
	}
}

// workflow returns the definitions of the params of a run.
func (m *merged) workflow(s *scope.Start) (definitions, error) {
	if !s.Restart && s.RunParams.Len() == 0 && m.fresh.defs != nil {
		return m.fresh, nil
	}
	defs, err := scope.MergeWorkflow(m.base, s)
	if err != nil {
		return definitions{}, err
	}
	return summed(defs), nil
}
