package sel

import "sync"

// Script is a compiled text. It is immutable and safe for concurrent use.
type Script struct {
	text   string
	prog   *program
	names  []string
	length int // of the text in UTF-16 units
	engine bool

	machines sync.Pool // of *machine, to be used again
}

// Compile compiles a script as it is. Run returns whatever value it ends with.
func Compile(text string) (*Script, error) { return build(text, Limits{}, false) }

// CompileEngine compiles a parameter's expression: the text is completed as the engine does, see [Prepare], and Run
// applies the engine's rules for results, see [Script.Run].
func CompileEngine(text string) (*Script, error) { return build(Prepare(text), Limits{}, true) }

// Compile is like the function Compile with another limit for the length of the text.
func (l Limits) Compile(text string) (*Script, error) { return build(text, l, false) }

// CompileEngine is like the function CompileEngine with another limit for the length of the text.
func (l Limits) CompileEngine(text string) (*Script, error) {
	return build(Prepare(text), l, true)
}

func build(prepared string, limits Limits, engine bool) (*Script, error) {
	length := utf16Len(prepared)
	if limit := limits.withDefaults().Length; length >= limit {
		return nil, fail(FailLengthLimit, "expression has ", itoa(length), " characters; the limit is ", itoa(limit-1))
	}
	t, err := parse(prepared)
	if err != nil {
		return nil, err
	}
	return &Script{text: t.src.orig, prog: compile(t), names: freeNames(t), length: length, engine: engine}, nil
}

// Names are the free names of the script, in the order of their first appearance: those that it reads before it assigns
// them, and params if it is used. Names of classes and other objects are not among them. The slice must not be changed.
func (s *Script) Names() []string { return s.names }

// Run evaluates the script once. A nil env is the zero Env. The error is an [*Error].
//
// The result of a script from [Compile] is of any kind; a throw gives KindError, and no value at all KindVoid. A script
// from [CompileEngine] gives only what a parameter can hold: a STRING, LONG, DOUBLE, BOOLEAN, array of these, or MAP
// whose entries are of the same kinds, and fails with [FailThrown], [FailReturnType] or [FailUnsupported] otherwise.
func (s *Script) Run(env *Env) (Value, error) {
	if env == nil {
		env = &Env{}
	}
	v, err := s.run(env)
	if err != nil {
		s.place(err)
		return Value{}, err
	}
	return v, nil
}

func (s *Script) run(env *Env) (Value, *Error) {
	m, _ := s.machines.Get().(*machine)
	if m == nil {
		m = &machine{}
	}
	v, err := s.runOn(m, env)
	if !s.prog.shared {
		m.reset()
		s.machines.Put(m)
	}
	return v, err
}

func (s *Script) runOn(m *machine, env *Env) (Value, *Error) {
	if err := m.start(s.prog, env); err != nil {
		return Value{}, err
	}
	if s.length >= m.limits.Length {
		return Value{}, fail(FailLengthLimit, "expression has ", itoa(s.length), " characters; the limit is ", itoa(m.limits.Length-1))
	}
	sig, err := m.script(&s.prog.body)
	switch {
	case err != nil:
		return Value{}, err
	case sig == sigNone:
		m.result = Value{kind: KindVoid}
	case sig >= sigBreak:
		return Value{}, fail(FailControl, "script ends in break or continue")
	}
	if s.engine {
		return m.engineResult()
	}
	return m.result, m.check(m.result, false, 0)
}

// script runs the statements of a script. Unlike in a block, a break or continue stops nothing here; it is an error only
// at the very end.
func (m *machine) script(s *blockStep) (signal, *Error) {
	if err := m.enter(&s.cost); err != nil {
		return sigNone, err
	}
	last := sigNone
	for _, b := range s.body {
		sig, err := b.exec(m)
		if err != nil || sig == sigReturn {
			return sig, err
		}
		last = sig
	}
	return last, nil
}

// place completes the position of an error that a run ended with.
func (s *Script) place(err *Error) {
	if err.pos == 0 || err.Line != 0 {
		return
	}
	err.pos = newSource(s.text).place(err.pos-1) + 1
	err.locate(s.text)
}
