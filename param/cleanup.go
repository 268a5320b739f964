package param

// Cleanup ends merging (params 8): definitions of optional params without value and expression go, other empty ones are
// errors, and internal modes disappear. It descends into MAPs. It returns defs itself when there is nothing to do.
func Cleanup(defs *Defs) (*Defs, error) {
	var out *Defs // made when the first difference is found
	for i := range defs.Len() {
		name, d := defs.At(i)
		c := d.clean
		if c == nil || d.IsEmpty() {
			var err error
			if c, err = cleanDef(name, d); err != nil {
				return nil, err
			}
		}
		if out == nil {
			if c == d {
				continue
			}
			out = head(defs, i)
		}
		if c != nil {
			out.Set(name, c)
		}
	}
	if out != nil {
		return out, nil
	}
	if defs == nil {
		defs = &Defs{}
	}
	return defs, nil
}

// cleanDef returns the cleaned definition, nil when it is dropped.
func cleanDef(name string, d *Def) (*Def, error) {
	if d.IsEmpty() {
		if d.InternalMode == Optional {
			return nil, nil
		}
		return nil, Errorf(IllegalArgument, "[%s] is a required parameter (type=[%s])", name, d.Type)
	}
	value := d.Value
	if entries := value.Defs(); entries != nil {
		cleaned, err := Cleanup(entries)
		if err != nil {
			return nil, err
		}
		if cleaned.Len() == 0 && d.InternalMode == Optional {
			return nil, nil
		}
		if cleaned != entries {
			value = DefsValue(cleaned)
		} else if !d.hasInternalMode() {
			return d, nil
		}
	} else if !d.hasInternalMode() {
		return d, nil
	}
	c := *d
	c.Value = value
	c.InternalMode = NoInternalMode
	c.clean = nil
	for i := range c.Meta {
		if c.Meta[i].Name == "internal_mode" {
			c.Meta = append(append([]Meta(nil), d.Meta[:i]...), d.Meta[i+1:]...)
			break
		}
	}
	return &c, nil
}

// head returns a new Defs of the first n entries, with room for the rest.
func head(defs *Defs, n int) *Defs {
	out := &Defs{}
	out.names = make([]string, 0, defs.Len())
	out.vals = make([]*Def, 0, defs.Len())
	for i := range n {
		out.Set(defs.At(i))
	}
	return out
}
