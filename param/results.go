package param

import (
	"encoding/binary"

	"maestro/internal/doc"
)

// Stored results. A run's definitions are stored anyway, so its params are stored as what merging them again cannot
// give: results of expressions and interpolated texts, conversion notes, times, and definitions that output replaced.
// Literals without $ and results that the caller can derive (a step's own id) cost nothing: the params of a NOOP step
// fit into a dozen bytes.
//
//	results = count of params, common time (ms), record*        both uvarint; empty when there are no params
//	record  = distance to the position of the previous record, flags, [time], [definition], [result], [note]
//
// Params without record were evaluated at the common time and have a derivable result.

const (
	hasResult  = 1 << iota // a result follows
	hasTime                // its own time follows
	hasNote                // a conversion note follows
	hasDef                 // a definition follows: it is not what merging gives
	notDone                // not evaluated
	sameResult             // the result is that of an earlier record: its position follows instead
)

// Derive gives the result of an expression that need not be stored because the caller knows it, such as the id of the
// step. It must be a function of name and d and of what is stored elsewhere.
type Derive func(name string, d *Def) (Value, bool)

// AppendResults appends what RestoreResults needs beyond the merged definitions. derive may be nil.
func (p *Params) AppendResults(dst []byte, derive Derive) []byte {
	if p.Len() == 0 {
		return dst
	}
	base := p.commonTime()
	dst = binary.AppendUvarint(dst, uint64(p.Len()))
	dst = binary.AppendUvarint(dst, uint64(base))
	last := -1
	var texts recent
	for i := range p.vals {
		v := &p.vals[i]
		flags := v.recordFlags(p.names[i], base, derive)
		if flags == 0 {
			continue
		}
		earlier := -1
		if flags&hasResult != 0 {
			if earlier = texts.find(p, i); earlier >= 0 {
				flags |= sameResult
			}
		}
		dst = binary.AppendUvarint(dst, uint64(i-last-1))
		last = i
		dst = append(dst, flags)
		if flags&hasTime != 0 {
			dst = binary.AppendVarint(dst, v.Time-base)
		}
		if flags&hasDef != 0 {
			dst = appendText(dst, string(v.Def.appendStored(nil)))
		}
		switch {
		case flags&sameResult != 0:
			dst = binary.AppendUvarint(dst, uint64(earlier))
		case flags&hasResult != 0:
			dst = appendValue(dst, v.Result)
		}
		if flags&hasNote != 0 {
			dst = appendNote(dst, v.Note)
		}
	}
	return dst
}

// recordFlags tells what has to be stored of v, 0 for nothing.
func (v *Param) recordFlags(name string, base int64, derive Derive) (flags byte) {
	if v.Def.Source == SourceOutput {
		flags |= hasDef
	}
	if !v.Evaluated {
		return flags | notDone
	}
	if v.Time != base {
		flags |= hasTime
	}
	if v.Note != "" {
		flags |= hasNote
	}
	if known, ok := derivable(name, v.Def, derive); !ok || !known.identical(v.Result) {
		flags |= hasResult
	}
	return flags
}

func derivable(name string, d *Def, derive Derive) (Value, bool) {
	if v, ok := static(d); ok {
		return v, true
	}
	if derive != nil && !d.IsLiteral() {
		return derive(name, d)
	}
	return Value{}, false
}

// identical is Equal that also holds order and the sign of zero dear: what is restored prints as before.
func (v Value) identical(w Value) bool {
	if v.typ == Double {
		return w.typ == Double && v.bits == w.bits
	}
	if v.typ == StringMap || v.typ == Map || v.typ == DoubleArray {
		return v.typ == w.typ && string(appendValue(nil, v)) == string(appendValue(nil, w))
	}
	return v.Equal(w)
}

// commonTime is the time of most params, or near enough: that of the first evaluated one.
func (p *Params) commonTime() int64 {
	for i := range p.vals {
		if p.vals[i].Evaluated && p.vals[i].Time > 0 {
			return p.vals[i].Time
		}
	}
	return 0
}

// recent remembers the latest stored texts: dates repeat.
type recent struct {
	at   [32]int
	next int
}

// find returns the position of a remembered param whose text is that of param i, or -1, and remembers i.
func (r *recent) find(p *Params, i int) int {
	want := &p.vals[i].Result
	if want.typ != String || len(want.text) < 3 {
		return -1
	}
	for _, j := range r.at[:min(r.next, len(r.at))] {
		if p.vals[j].Result.text == want.text {
			return j
		}
	}
	r.at[r.next%len(r.at)] = i
	r.next++
	return -1
}

// RestoreResults returns the params of the merged definitions defs with the results that AppendResults wrote, given the
// same derive.
func RestoreResults(defs *Defs, data []byte, derive Derive) (*Params, error) {
	p := NewParams(defs)
	if p.Len() == 0 && len(data) == 0 {
		return p, nil
	}
	in := input{data: data}
	if n := in.uvarint(); in.bad || n != uint64(p.Len()) {
		return nil, Errorf(Internal, "stored results are of %d params, the definitions of %d", n, p.Len())
	}
	base := int64(in.uvarint())
	for i := range p.vals {
		p.vals[i].Time, p.vals[i].Evaluated = base, true
	}
	stored := make([]bool, p.Len())
	for at := -1; !in.bad && len(in.data) > 0; {
		gap := in.uvarint()
		if gap >= uint64(p.Len()-at-1) {
			return nil, errStored
		}
		at += 1 + int(gap)
		stored[at] = in.record(p, at)
	}
	if in.bad {
		return nil, errStored
	}
	for i := range p.vals {
		if v := &p.vals[i]; v.Evaluated && !stored[i] {
			known, ok := derivable(p.names[i], v.Def, derive)
			if !ok {
				return nil, Errorf(Internal, "stored results lack param [%s]", p.names[i])
			}
			v.Result = known
		}
	}
	return p, nil
}

var errStored = Errorf(Internal, "stored results are damaged")

// record reads one record into the param at position at and reports whether it had a result.
func (in *input) record(p *Params, at int) bool {
	v := &p.vals[at]
	flags := in.byte()
	if flags&notDone != 0 {
		v.Time, v.Evaluated = 0, false
	}
	if flags&hasTime != 0 {
		v.Time += in.varint()
	}
	if flags&hasDef != 0 {
		n, err := doc.ParseJSON([]byte(in.text()), doc.Limits{})
		if err != nil {
			in.bad = true
			return false
		}
		var problems doc.Problems
		v.Def = DecodeDef(n, p.names[at], "", &problems, DecodeOptions{Lenient: true, Stored: true})
		if problems.Failed() {
			in.bad = true
			return false
		}
	}
	switch {
	case flags&sameResult != 0:
		j := in.uvarint()
		if j >= uint64(at) {
			in.bad = true
			return false
		}
		v.Result = p.vals[j].Result
	case flags&hasResult != 0:
		v.Result = in.value(0)
	}
	if flags&hasNote != 0 {
		v.Note = in.note()
	}
	return flags&hasResult != 0
}
