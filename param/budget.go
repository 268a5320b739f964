package param

import (
	"errors"
	"strconv"

	"maestro/internal/meter"
)

// What is charged for the work of this package, in steps of the meter and bytes. The sizes of texts are charged where they
// are made.
const (
	paramWork = 50  // a param, apart from its value
	entryWork = 30  // an entry of a map or an element of an array
	entrySize = 200 // likewise, its place in an index included
)

func entryCost(n int) (work, size int) { return entryWork * n, entrySize * n }

// conversionCost is what convert takes.
func conversionCost(v Value, to Type) (work, size int) {
	if v.typ == to {
		return 0, 0
	}
	switch {
	case v.typ == String:
		return len(v.text), 0 // read as a number or a truth
	case v.typ.IsScalar():
		return entryCost(1)
	}
	return entryCost(v.Len())
}

// charge asks the meter for what is about to be done.
func (e *Evaluation) charge(work, size int) error {
	if e.Meter == nil {
		e.Meter = meter.New(meter.Limits{})
	}
	if !e.Meter.Spend(int64(work), int64(size)) {
		return e.Meter.Err()
	}
	return nil
}

// refused tells which param it was that exceeded a limit, if that is what err says. The innermost param tells it.
func (e *Evaluation) refused(name string, d *Def, err error) error {
	if _, told := errors.AsType[*Error](err); told {
		return err
	}
	x, ok := errors.AsType[*meter.Exceeded](err)
	switch {
	case !ok:
		return err
	case x.What == meter.Stopped:
		return Wrap(Internal, err, "In %s, param [%s] is not evaluated: %s", e.Where, name, err)
	case d.HasExpression:
		return Wrap(InvalidExpression, err, "In %s, the expression of param [%s] is beyond a limit: %s", e.Where, name, err)
	}
	return Wrap(IllegalArgument, err, "In %s, param [%s] is beyond a limit: %s", e.Where, name, err)
}

// keep refuses a result with which the results so far are longer than all params may be. CheckSize would refuse them, but
// only after all of them, each larger than the one before it, had been made.
func (e *Evaluation) keep(name string, v Value) error {
	size := 2 + len(v.text)/3
	if !v.typ.IsScalar() || len(v.text) > shortText {
		var err error
		if size, err = e.leastSize(v); err != nil {
			return e.refused(name, &Def{}, err)
		}
	}
	if e.size += size; e.size > MaxSize {
		return Errorf(IllegalArgument, "Parameters' total size [%d] is larger than system limit [%d]: in %s, the result of param [%s] takes [%d] of it; make it shorter",
			e.size, MaxSize, e.Where, name, size)
	}
	return nil
}

// shortText is a text whose length need not be known exactly. It has at least a third as many units as bytes.
const shortText = 64

// leastSize is at most the length of the JSON of v, in UTF-16 units, and nearly that.
func (e *Evaluation) leastSize(v Value) (int, error) {
	size := 2
	switch v.typ {
	case String:
		return e.textSize(v.text)
	case StringArray:
		if err := e.charge(v.Len(), 0); err != nil {
			return 0, err
		}
		for _, s := range v.Strings() {
			n, err := e.textSize(s)
			if err != nil {
				return 0, err
			}
			size += n + 1
		}
	case LongArray, DoubleArray, BooleanArray:
		size += 2 * v.Len()
	case StringMap:
		if err := e.charge(2*v.Len(), 0); err != nil {
			return 0, err
		}
		for k, s := range v.Texts().All() {
			n, err := e.textSize(s)
			if err != nil {
				return 0, err
			}
			size += n + len(k)/3 + 4
		}
	case Map:
		if err := e.charge(2*v.Len(), 0); err != nil {
			return 0, err
		}
		for k, entry := range v.Values().All() {
			n, err := e.leastSize(entry)
			if err != nil {
				return 0, err
			}
			size += n + len(k)/3 + 4
		}
	}
	return size, nil
}

func (e *Evaluation) textSize(s string) (int, error) {
	if len(s) > 3*MaxSize {
		return len(s) / 3, nil // more than MaxSize, whatever it consists of
	}
	return 2 + units(s), e.charge(len(s)>>3, 0)
}

// units counts UTF-16 units, in which the reference measures texts.
func units[T string | []byte](s T) int {
	n := len(s)
	for i := range len(s) {
		c := s[i]
		n -= int(c >> 7 &^ (c >> 6) & 1)                      // a byte that continues a character
		n += int(c >> 7 & (c >> 6) & (c >> 5) & (c >> 4) & 1) // the first byte of a character of two units
	}
	return n
}

// brief is the text of v for a message. Of a value with a long text it says only what it is.
func (v Value) brief() string {
	switch {
	case v.typ == String:
		return clip(v.text)
	case valueBound(v) > 1<<12:
		return v.typ.String() + " of " + strconv.Itoa(v.Len()) + " entries"
	}
	return clip(v.String())
}
