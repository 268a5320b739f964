package param

import (
	"math"
	"testing"
)

// The bound by which CheckSize spares itself the JSON is never below the JSON.
func TestValueBound(t *testing.T) {
	texts := &Texts{}
	texts.Set("k\x01", "\x02\x03\"\\é😀")
	values := &Values{}
	values.Set("n", LongValue(math.MinInt64))
	values.Set("d", DoubleArrayValue([]float64{-math.MaxFloat64, -math.SmallestNonzeroFloat64, -1.2345678901234567e-300}))
	values.Set("t", StringMapValue(texts))
	defs := &Defs{}
	defs.Set("\x01", &Def{Type: Map, Expression: "\x02\x03", HasExpression: true, Validator: "\x04", Mode: MutableOnStartRestart, Source: SourceWorkflowParam, Tags: []Tag{{Name: "t"}}})
	for _, v := range []Value{
		{}, StringValue("\x01\x02"), LongValue(math.MinInt64), DoubleValue(-math.MaxFloat64), BooleanValue(false),
		StringArrayValue([]string{"", "\x01"}), NullableStrings([]string{"", ""}, []bool{true, false}),
		LongArrayValue([]int64{math.MinInt64, math.MinInt64}), BooleanArrayValue([]bool{false, false, false}),
		StringMapValue(texts), MapValue(values), DefsValue(defs),
	} {
		if got, text := valueBound(v), v.AppendJSON(nil); got < len(text) {
			t.Errorf("bound %d is below %d: %s", got, len(text), text)
		}
	}
}
