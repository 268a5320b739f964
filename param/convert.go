package param

import (
	"math"
	"strconv"
	"strings"
)

// convert turns the result v of param name into its declared type (params 11). note tells of an implicit conversion
// in the words of the reference, since clients see it.
func convert(name string, v Value, to Type) (result Value, note string, err error) {
	if v.typ == to && to != Double { // a DOUBLE may be none that a param can have
		return v, "", nil
	}
	switch to {
	case String:
		switch v.typ {
		case Long, Double, Boolean:
			return StringValue(v.String()), notes[noteStringFromLong+int(v.typ-Long)], nil
		}
		return Value{}, "", Errorf(IllegalArgument, "Param [%s] is expected to be a String compatible type but is [%s]", name, className(v))
	case Long:
		if v.typ != String {
			return Value{}, "", Errorf(IllegalArgument, "Param [%s] is expected to be a Long compatible type but is [%s]", name, className(v))
		}
		n, err := strconv.ParseInt(v.text, 10, 64)
		if err != nil {
			return Value{}, "", Errorf(NumberFormat, "For input string: %s", strconv.Quote(clip(v.text)))
		}
		return LongValue(n), notes[noteLongFromString], nil
	case Double:
		f, err := toDouble(v)
		return f, "", err
	case Boolean:
		if v.typ != String {
			return Value{}, "", Errorf(IllegalArgument, "Param [%s] is expected to be a Boolean compatible type but is [%s]", name, className(v))
		}
		switch {
		case strings.EqualFold(v.text, "true"):
			return BooleanValue(true), notes[noteBooleanFromString], nil
		case strings.EqualFold(v.text, "false"):
			return BooleanValue(false), notes[noteBooleanFromString], nil
		}
		return Value{}, "", Errorf(IllegalArgument, "Param [%s] is expected to have a Boolean compatible result but is [%s]", name, clip(v.text))
	case StringArray:
		if v.typ.IsArray() {
			items := make([]string, v.Len())
			for i := range items {
				items[i] = v.Index(i).String()
			}
			return StringArrayValue(items), notes[noteArrayFromLong+int(v.typ-LongArray)], nil
		}
	case DoubleArray:
		if v.typ == LongArray { // the reference refuses this one (params 17.5)
			items := make([]float64, v.Len())
			for i, n := range v.Longs() {
				items[i] = float64(n)
			}
			return DoubleArrayValue(items), "", nil
		}
	case StringMap:
		if m := v.Values(); m != nil {
			return textsOf(name, m)
		}
	case Map:
		if v.typ == StringMap {
			out := &Values{}
			for k, text := range v.Texts().All() {
				out.Set(k, StringValue(text))
			}
			return MapValue(out), "", nil
		}
	}
	return Value{}, "", Errorf(Internal, "Param [%s] has an invalid evaluated result [%s]", name, v.brief())
}

// The notes a conversion leaves, in the words of the reference.
const (
	noteNone = iota
	noteStringFromLong
	noteStringFromDouble
	noteStringFromBoolean
	noteLongFromString
	noteBooleanFromString
	noteArrayFromLong
	noteArrayFromDouble
	noteArrayFromBoolean
)

var notes = [...]string{
	noteNone:              "",
	noteStringFromLong:    "Implicitly converted the evaluated result to a string for type class java.lang.Long",
	noteStringFromDouble:  "Implicitly converted the evaluated result to a string for type class java.lang.Double",
	noteStringFromBoolean: "Implicitly converted the evaluated result to a string for type class java.lang.Boolean",
	noteLongFromString:    "Implicitly converted the evaluated result to a long for type String",
	noteBooleanFromString: "Implicitly converted the evaluated result to a boolean for type String",
	noteArrayFromLong:     "Implicitly converted the evaluated result to a string array for type class [J",
	noteArrayFromDouble:   "Implicitly converted the evaluated result to a string array for type class [D",
	noteArrayFromBoolean:  "Implicitly converted the evaluated result to a string array for type class [Z",
}

// className names the type of a result the way the reference's messages do.
func className(v Value) string {
	switch v.typ {
	case String:
		return "class java.lang.String"
	case Long:
		return "class java.lang.Long"
	case Double:
		return "class java.lang.Double"
	case Boolean:
		return "class java.lang.Boolean"
	}
	return v.typ.String()
}

func toDouble(v Value) (Value, error) {
	text := v.text
	switch v.typ {
	case Double:
		if f := v.Double(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return DoubleValue(unsigned(f)), nil
		}
		text = v.brief()
	case Long:
		return DoubleValue(float64(v.Long())), nil
	case String:
		if _, f, ok := parseDecimal(v.text); ok {
			return DoubleValue(f), nil
		}
	default:
		text = v.brief()
	}
	return Value{}, Errorf(NumberFormat, "For input string: %s is no decimal number", strconv.Quote(clip(text)))
}

// textsOf makes a STRING_MAP of a result. Scalars become text; the reference lets anything pass (params 17.5).
func textsOf(name string, m *Values) (Value, string, error) {
	out := &Texts{}
	for k, v := range m.All() {
		if !v.typ.IsScalar() {
			return Value{}, "", Errorf(Internal, "Param [%s] has an invalid evaluated result [%s]", name, MapValue(m).brief())
		}
		out.Set(k, v.String())
	}
	return StringMapValue(out), "", nil
}

// cast turns a literal into the type of the definition it is merged into (params 6.5). Doubles lose the decimal text
// their author wrote.
func cast(name string, v Value, to Type) (Value, error) {
	from := v.typ
	if from == to {
		return v.plainLiteral(), nil
	}
	result, err := Value{}, error(nil)
	switch {
	case to == Map || to == StringMap || from == Map || from == StringMap:
		err = Errorf(Internal, "maps are not converted")
	case v.HasNull():
		err = Errorf(Internal, "array has a null element")
	default:
		result, _, err = convert(name, v.plain(), to)
	}
	if err != nil {
		return Value{}, Wrap(Validation, err, "BAD_REQUEST - ParameterDefinition type mismatch name [%s] from [%s] != to [%s]", name, from, to)
	}
	return result.plainLiteral(), nil
}

// plainLiteral gives doubles the text of their float64.
func (v Value) plainLiteral() Value {
	v = v.plain()
	if v.typ == Double {
		v.text = string(appendDecimal(nil, v.Double()))
	}
	return v
}
