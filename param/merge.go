package param

// Context says on whose behalf one set of definitions is merged into another (params 6).
type Context struct {
	Source   Source // of what comes in; the system stages need no permission
	Upstream bool   // the run was started by a step of another run
	Restart  bool   // the run restarts an earlier one

	parent Mode // strictest mode of the MAPs around
}

// Merge returns base with incoming merged into it (params 6). Names of base keep their places, new names follow in
// incoming's order. Neither argument is changed, and what did not change is shared with them; the result may be base
// itself. On error nothing is returned: merging has no partial effect.
func Merge(base, incoming *Defs, ctx Context) (*Defs, error) {
	if incoming.Len() == 0 {
		if base == nil {
			base = &Defs{}
		}
		return base, nil
	}
	out := base.Clone(incoming.Len())
	for i := range incoming.Len() {
		name, m := incoming.At(i)
		d, err := mergeDef(name, out.Get(name), m, ctx)
		if err != nil {
			return nil, err
		}
		out.Set(name, d)
	}
	return out, nil
}

// MergeOne is Merge for a single name: m merged into b, which may be nil. What a name becomes depends on nothing else.
func MergeOne(name string, b, m *Def, ctx Context) (*Def, error) { return mergeDef(name, b, m, ctx) }

// mergeDef merges m into b, which may be nil.
func mergeDef(name string, b, m *Def, ctx Context) (*Def, error) {
	d := &Def{Type: m.Type, HasExpression: m.HasExpression, Expression: m.Expression, Evaluated: m.Evaluated}
	var err error
	if d.Value, err = mergeValue(name, b, m, ctx); err != nil {
		return nil, err
	}
	d.Validator, d.Mode, d.InternalMode, d.Tags = m.Validator, m.Mode, m.InternalMode, m.Tags
	if b != nil {
		d.Type = b.Type
		if d.Validator == "" {
			d.Validator = b.Validator
		}
		if d.Mode == NoMode {
			d.Mode = b.Mode
		}
		if b.InternalMode != NoInternalMode {
			d.InternalMode = b.InternalMode
		}
		d.Tags = unionTags(b.Tags, m.Tags)
	}
	if d.Tags == nil {
		d.Tags = noTags
	}
	d.Mode = max(d.Mode, d.InternalMode.implied(), Mutable)
	if ctx.Upstream && b != nil {
		d.Mode = max(d.Mode, b.Mode)
	}
	d.Mode = max(d.Mode, ctx.parent)

	changed := false
	if b != nil {
		if changed = !same(b, d); changed && d.IsLiteral() {
			if d.Value, err = cast(name, d.Value, d.Type); err != nil {
				return nil, err
			}
			changed = !same(b, d)
		}
	}
	if changed && !ctx.Source.System() {
		if err := permit(name, b, m, d, ctx); err != nil {
			return nil, err
		}
	}
	switch {
	case b != nil && !changed && b.Source != NoSource && (ctx.Source.System() || ctx.Upstream):
		d.Source = b.Source
	case b == nil && ctx.Source.System() && m.Source != NoSource:
		d.Source = m.Source
	default:
		d.Source = ctx.Source
	}
	return d, nil
}

var noTags = []Tag{} // printed as []; never appended to, having no capacity

// same compares what params 6.4 compares, after d has been completed.
func same(b, d *Def) bool {
	mode, validator := b.Mode, b.Validator
	if mode == NoMode {
		mode = Mutable
	}
	return d.Mode == mode && d.Validator == validator && d.HasExpression == b.HasExpression && d.Expression == b.Expression &&
		d.Value.Equal(b.Value) && tagsEqual(b.Tags, d.Tags)
}

// mergeValue returns the literal of the merged definition. The structured types are merged by name: MAP entries as
// definitions, STRING_MAP entries as texts; everything else is replaced (params 6.2).
func mergeValue(name string, b, m *Def, ctx Context) (Value, error) {
	if !m.IsLiteral() || m.Type != Map && m.Type != StringMap {
		return m.Value, nil
	}
	if b != nil {
		if b.Type != m.Type {
			return Value{}, Errorf(Validation, "ParameterDefinition type mismatch, [%s] is not a [%s] but [%s]", name, m.Type, b.Type)
		}
		if b.HasExpression && !b.IsLiteral() {
			return Value{}, Errorf(IllegalArgument, "%s param [%s] definition exp=[%s] is not a literal", m.Type, name, b.Expression)
		}
	}
	if m.Type == StringMap {
		return mergeTexts(b, m), nil
	}
	inner := ctx
	var base *Defs
	if b != nil {
		base = b.Value.Defs()
		inner.parent = max(ctx.parent, b.Mode)
	} else {
		inner.parent = max(ctx.parent, m.Mode)
	}
	entries, err := Merge(base, m.Value.Defs(), inner)
	if err != nil {
		return Value{}, err
	}
	return DefsValue(entries), nil
}

func mergeTexts(b, m *Def) Value {
	if b == nil || b.Value.Texts() == nil || b.Value.Len() == 0 {
		return m.Value
	}
	out := &Texts{b.Value.Texts().grown(m.Value.Len())}
	for name, text := range m.Value.Texts().All() {
		out.Set(name, text)
	}
	return StringMapValue(out)
}

// permit decides whether a user may change b into d by giving m (params 6.6).
func permit(name string, b, m, d *Def, ctx Context) error {
	if !ctx.Upstream || !m.hasSource() || m.Source == SourceDefinition {
		switch {
		case !mayChange(d.Mode, ctx):
			return Errorf(Validation, "Cannot modify param with mode [%s] for parameter [%s]", d.Mode, name)
		case d.Mode < b.Mode:
			return Errorf(Validation, "Cannot modify param mode to be less strict for parameter [%s] from [%s] to [%s]", name, b.Mode, d.Mode)
		case m.hasInternalMode():
			return Errorf(Validation, "Cannot modify system mode for parameter [%s]", name)
		case d.InternalMode == Reserved:
			return Errorf(Validation, "Cannot modify param with system mode [RESERVED] for parameter [%s]", name)
		}
	}
	if !ctx.Upstream && m.hasSource() {
		return Errorf(Validation, "Cannot modify source for parameter [%s]", name)
	}
	return nil
}

// mayChange reports whether mode allows a change from the source of ctx.
func mayChange(mode Mode, ctx Context) bool {
	switch {
	case ctx.Source == SourceOutput:
		return mode == Mutable
	case ctx.Source == SourceRestart || ctx.Restart:
		return mode <= MutableOnStartRestart
	default:
		return mode <= MutableOnStart
	}
}
