//go:build linux

package shell

import (
	"strings"
	"testing"

	"maestro/internal/step"
	"maestro/param"
)

// declared are the params of a step that reports output.
func declared() *param.Params {
	p := &param.Params{}
	set(p, "text", param.StringValue(""))
	set(p, "n", param.LongValue(0))
	set(p, "f", param.DoubleValue(0))
	set(p, "b", param.BooleanValue(false))
	set(p, "list", param.LongArrayValue(nil))
	set(p, "texts", param.StringMapValue(&param.Texts{}))
	entries := &param.Defs{}
	entries.Set("rate", param.Literal(param.DoubleValue(0)))
	p.Set("map", param.Param{Def: param.Literal(param.DefsValue(entries)), Evaluated: true})
	return p
}

func TestOutputData(t *testing.T) {
	t.Parallel()
	const dated = `,"evaluated_time":5`
	for _, c := range []struct {
		name, in, params, artifacts string
	}{
		{"empty", " \n", "", ""},
		{"plain values", `{"n": 42, "text": "a", "b": true, "f": 2}`,
			`{"n":{"value":42,"type":"LONG","evaluated_result":42` + dated + `},` +
				`"text":{"value":"a","type":"STRING","evaluated_result":"a"` + dated + `},` +
				`"b":{"value":true,"type":"BOOLEAN","evaluated_result":true` + dated + `},` +
				`"f":{"value":2,"type":"DOUBLE","evaluated_result":2.0` + dated + `}}`, ""},
		{"plain values of other looks", `{"n": "42", "text": 7}`,
			`{"n":{"value":42,"type":"LONG","evaluated_result":42` + dated + `},"text":{"value":"7","type":"STRING","evaluated_result":"7"` + dated + `}}`, ""},
		{"not declared", `{"x": 1, "y": [1, 2.5], "z": ["a"]}`,
			`{"x":{"value":1,"type":"LONG","evaluated_result":1` + dated + `},"y":{"value":[1,2.5],"type":"DOUBLE_ARRAY","evaluated_result":[1.0,2.5]` + dated + `},` +
				`"z":{"value":["a"],"type":"STRING_ARRAY","evaluated_result":["a"]` + dated + `}}`, ""},
		{"map", `{"map": {"rate": 1, "more": {"k": "v"}}}`,
			`{"map":{"value":{"rate":{"value":1,"type":"DOUBLE"},"more":{"value":{"k":{"value":"v","type":"STRING"}},"type":"MAP"}},"type":"MAP","evaluated_result":{"rate":1,"more":{"k":"v"}}` + dated + `}}`, ""},
		{"lines", "n=42\r\n# why\n\ntext=a=b c \nlist=[1,2]\nmap={\"rate\":0.5}",
			`{"n":{"value":42,"type":"LONG","evaluated_result":42` + dated + `},"text":{"value":"a=b c ","type":"STRING","evaluated_result":"a=b c "` + dated + `},` +
				`"list":{"value":[1,2],"type":"LONG_ARRAY","evaluated_result":[1,2]` + dated + `},` +
				`"map":{"value":{"rate":{"value":0.5,"type":"DOUBLE"}},"type":"MAP","evaluated_result":{"rate":0.5}` + dated + `}}`, ""},
		{"lines to an end", "text<<EOF\none\ntwo=2\nEOF\nn=1",
			`{"text":{"value":"one\ntwo=2","type":"STRING","evaluated_result":"one\ntwo=2"` + dated + `},"n":{"value":1,"type":"LONG","evaluated_result":1` + dated + `}}`, ""},
		{"full", `{"params":{"n":{"type":"LONG","value":42,"evaluated_result":42,"evaluated_time":1700}},"artifacts":{"report":{"url":"u"},"maestro_retry":{"type":"RETRY","retryable":false}}}`,
			`{"n":{"value":42,"type":"LONG","evaluated_result":42,"evaluated_time":1700}}`, `maestro_retry={"type":"RETRY","retryable":false} report={"url":"u"}`},
		{"full without results", `{"params":{"n":{"type":"long","value":42},"b":true,"map":{"type":"MAP","value":{"rate":{"type":"DOUBLE","value":1.5}}}}}`,
			`{"n":{"value":42,"type":"LONG","evaluated_result":42` + dated + `},"b":{"value":true,"type":"BOOLEAN","evaluated_result":true` + dated + `},` +
				`"map":{"value":{"rate":{"value":1.5,"type":"DOUBLE"}},"type":"MAP","evaluated_result":{"rate":1.5}` + dated + `}}`, ""},
		{"artifacts only", `{"artifacts":{"a":{}}}`, "", "a={}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := outputData{declared: declared(), time: 5}
			if err := o.add([]byte(c.in)); err != nil {
				t.Fatal(err)
			}
			got, err := o.result()
			if err != nil {
				t.Fatal(err)
			}
			if got == nil {
				got = &step.Output{}
			}
			if string(got.Params) != c.params {
				t.Errorf("params\n%s, want\n%s", got.Params, c.params)
			}
			var artifacts []string
			for _, name := range []string{"a", "maestro_retry", "report"} {
				if text, ok := got.Artifacts[name]; ok {
					artifacts = append(artifacts, name+"="+string(text))
				}
			}
			if text := strings.Join(artifacts, " "); text != c.artifacts {
				t.Errorf("artifacts %s, want %s", text, c.artifacts)
			}
		})
	}
}

func TestOutputDataRefused(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"n": 1`:                    "not valid JSON",
		`{"n": "many"}`:              `"many" is no valid LONG value (line 1, column 7)`,
		`{"n": null}`:                `param "n" is null`,
		"text=a\nn=many":             "(line 2, column 1)",
		"list=1,2":                   "LONG_ARRAY, so its value must be JSON",
		"text<<EOF\nabc":             `no line "EOF"`,
		"hello world":                "neither NAME=value nor JSON",
		`{"params": {}, "other": 1}`: `unknown field "other"`,
		`{"artifacts": {"a": 1}}`:    `artifact "a" must be an object, not number`,
		`{"params": {"n": {"type": "LONG", "expression": "1+1"}}}`: `param "n" has neither value nor evaluated_result`,
		"\xff":                                   "not UTF-8",
		"text=" + strings.Repeat("x", maxOutput): "more than the 750000",
	} {
		o := outputData{declared: declared(), time: 5}
		err := o.add([]byte(in))
		if err == nil {
			_, err = o.result()
		}
		if err == nil || strings.Count(err.Error(), want) != 1 {
			t.Errorf("%.40q: %v, want %q", in, err, want)
		}
	}
}

// TestOutput reports through real processes.
func TestOutput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script string
		want   step.State
		params string
		text   string // in the timeline
	}{
		"file":           {`echo n=1 >> $MAESTRO_OUTPUT_FILE; echo text=x >> $MAESTRO_OUTPUT_FILE`, step.Done, `"n":{"value":1,`, ""},
		"tokens":         {`echo $MAESTRO_OUTPUT_START'{"n":1}'$MAESTRO_OUTPUT_END; echo "$MAESTRO_OUTPUT_START{\"n\":2}$MAESTRO_OUTPUT_END"`, step.Done, `"n":{"value":2,`, ""},
		"file wins":      {`echo "$MAESTRO_OUTPUT_START{\"n\":2,\"f\":1}$MAESTRO_OUTPUT_END"; echo n=3 > $MAESTRO_OUTPUT_FILE`, step.Done, `"n":{"value":3,`, ""},
		"tokens dropped": {`echo "$MAESTRO_OUTPUT_START{\"n\":2}$MAESTRO_OUTPUT_END"; yes | head -c 1000000`, step.Done, `"n":{"value":2,`, ""},
		"environment":    {`env; export; set`, step.Done, "", ""},
		"bad file":       {`echo nonsense > $MAESTRO_OUTPUT_FILE`, step.UserError, "", `in the output file: line 1 is "nonsense"`},
		"bad tokens":     {`echo $MAESTRO_OUTPUT_START{$MAESTRO_OUTPUT_END`, step.UserError, "", "between the output tokens: it is not valid JSON"},
		"endless tokens": {`echo $MAESTRO_OUTPUT_START; yes | head -c 1000000; echo $MAESTRO_OUTPUT_END`, step.UserError, "", "between the output tokens: it has more"},
		"fifo":           {`mkfifo $MAESTRO_OUTPUT_FILE`, step.UserError, "", "it is not a file"},
		"directory":      {`mkdir $MAESTRO_OUTPUT_FILE`, step.UserError, "", "it is not a file"},
		"failed":         {`echo n=1 > $MAESTRO_OUTPUT_FILE; exit 1`, step.UserError, `"n":{"value":1,`, "exit code 1"},
		"failed and bad": {`echo n > $MAESTRO_OUTPUT_FILE; exit 1`, step.UserError, "", "output data is ignored"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params := declared()
			set(params, "shell", shellParams("script", c.script).Lookup("shell").Result)
			got := runParams(t, params)
			want(t, got, c.want)
			var params2 string
			if got.Output != nil {
				params2 = string(got.Output.Params)
			}
			if !strings.Contains(params2, c.params) || c.params == "" && params2 != "" {
				t.Errorf("params %s, want %s", params2, c.params)
			}
			var text []string
			for _, l := range got.Timeline {
				text = append(text, l.Message)
			}
			if !strings.Contains(strings.Join(text, "\n"), c.text) {
				t.Errorf("timeline %q, want %q", text, c.text)
			}
		})
	}
}
