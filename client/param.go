package client

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Param is a parameter given to a run: a literal, or an expression for the server to evaluate.
type Param struct {
	Type       string          `json:"type"` // STRING, LONG, DOUBLE, BOOLEAN, STRING_MAP, MAP, or an array such as LONG_ARRAY
	Value      json.RawMessage `json:"value,omitempty"`
	Expression string          `json:"expression,omitempty"`
	Mode       string          `json:"mode,omitempty"`
}

// String returns a STRING param. The server interpolates $name and ${name} in it; write $$ for a dollar sign.
func String(s string) Param { return literal("STRING", s) }

// Long returns a LONG param.
func Long(n int64) Param { return literal("LONG", n) }

// Double returns a DOUBLE param. Infinities and NaN have no JSON form and are refused by the server.
func Double(f float64) Param {
	return Param{Type: "DOUBLE", Value: json.RawMessage(strconv.FormatFloat(f, 'g', -1, 64))}
}

// Bool returns a BOOLEAN param.
func Bool(b bool) Param { return literal("BOOLEAN", b) }

// Strings returns a STRING_ARRAY param.
func Strings(list ...string) Param { return literal("STRING_ARRAY", append([]string{}, list...)) }

// Longs returns a LONG_ARRAY param.
func Longs(list ...int64) Param { return literal("LONG_ARRAY", append([]int64{}, list...)) }

// Expression returns a param of the given type that the server computes.
func Expression(kind, text string) Param { return Param{Type: kind, Expression: text} }

func literal(kind string, v any) Param {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("client: a %s literal cannot be encoded: %v", kind, err)) // only plain values come here
	}
	return Param{Type: kind, Value: text}
}
