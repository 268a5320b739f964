package main

import (
	"encoding/json"
	"testing"
)

func TestParseParam(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"n=5":                    `n {"type":"LONG","value":5}`,
		"n=-3":                   `n {"type":"LONG","value":-3}`,
		"n=2.50":                 `n {"type":"DOUBLE","value":2.50}`,
		"n=1e-3":                 `n {"type":"DOUBLE","value":1e-3}`,
		"n=007":                  `n {"type":"STRING","value":"007"}`,
		"n=1.2.3":                `n {"type":"STRING","value":"1.2.3"}`,
		"n=99999999999999999999": `99999999999999999999 is too large for a LONG; write NAME:string=99999999999999999999 for a text`,
		"b=true":                 `b {"type":"BOOLEAN","value":true}`,
		"b=True":                 `b {"type":"STRING","value":"True"}`,
		"s=":                     `s {"type":"STRING","value":""}`,
		"s=a=b:c":                `s {"type":"STRING","value":"a=b:c"}`,
		"s=[abc]":                `s {"type":"STRING","value":"[abc]"}`,
		"l=[1, 2]":               `l {"type":"LONG_ARRAY","value":[1,2]}`,
		"l=[1, 2.5]":             `l {"type":"DOUBLE_ARRAY","value":[1,2.5]}`,
		"l=[2.5, 1]":             `l {"type":"DOUBLE_ARRAY","value":[2.5,1]}`,
		`l=["a"]`:                `l {"type":"STRING_ARRAY","value":["a"]}`,
		"l=[true]":               `l {"type":"BOOLEAN_ARRAY","value":[true]}`,
		"l=[]":                   `l {"type":"STRING_ARRAY","value":[]}`,
		"l=[null]":               `null has no type; leave the param out, or use an empty text`,
		"l=[[1]]":                `there are no arrays of LONG_ARRAY`,
		`l=[1,"a"]`:              `the array holds a LONG and a STRING; an array has values of one type`,
		`m={"a":"b"}`:            `m {"type":"STRING_MAP","value":{"a":"b"}}`,
		`m={"a":1}`:              `m {"type":"MAP","value":{"a":{"type":"LONG","value":1}}}`,
		`m={"a":null}`:           `a: null has no type; leave the param out, or use an empty text`,
		"x:string=5":             `x {"type":"STRING","value":"5"}`,
		"x:LONG=5":               `x {"type":"LONG","value":5}`,
		"x:long=a":               `a is a STRING, not a LONG`,
		"x:double=5":             `x {"type":"DOUBLE","value":5}`,
		"x:bool=true":            `x {"type":"BOOLEAN","value":true}`,
		"x:long_array=1,2":       `x {"type":"LONG_ARRAY","value":[1,2]}`,
		"x:double_array=[1]":     `x {"type":"DOUBLE_ARRAY","value":[1]}`,
		"x:long_array=[]":        `x {"type":"LONG_ARRAY","value":[]}`,
		"x:long_array=":          `x {"type":"LONG_ARRAY","value":[]}`,
		"x:string_array=a, b":    `x {"type":"STRING_ARRAY","value":["a","b"]}`,
		`x:map={"a":"b"}`:        `x {"type":"MAP","value":{"a":{"type":"STRING","value":"b"}}}`,
		"x:date=1":               `"date" is no type; use string, long, double, boolean, string_map, map, or an array such as long_array`,
		"x":                      `there is no "="; write NAME=VALUE`,
		"=x":                     `there is no name before the "="; write NAME=VALUE`,
	} {
		name, param, err := parseParam(in)
		text, jsonErr := json.Marshal(param)
		if jsonErr != nil {
			t.Fatal(jsonErr)
		}
		got := name + " " + string(text)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", in, got, want)
		}
	}
}

// TestGivenParams_Map gives a map of texts to workflows that declare a MAP, a STRING_MAP and nothing.
func TestGivenParams_Map(t *testing.T) {
	t.Parallel()
	name, given, err := parseGiven(`m={"k":"v"}`)
	if err != nil {
		t.Fatal(err)
	}
	all := givenParams{name: given}
	if !all.ambiguous() {
		t.Error("the declared type makes no difference")
	}
	for declared, want := range map[string]string{
		"MAP":        `{"type":"MAP","value":{"k":{"type":"STRING","value":"v"}}}`,
		"STRING_MAP": `{"type":"STRING_MAP","value":{"k":"v"}}`,
		"":           `{"type":"STRING_MAP","value":{"k":"v"}}`,
	} {
		params, err := all.as(map[string]string{"m": declared})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(params["m"]); string(got) != want {
			t.Errorf("declared %q: got %s, want %s", declared, got, want)
		}
	}
}
