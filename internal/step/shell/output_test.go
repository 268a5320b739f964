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

// TestOutput reports through real processes.
func TestOutput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script string
		want   step.State
		params string
		text   string // in the timeline
	}{
		"file":            {`echo n=1 >> $MAESTRO_OUTPUT_FILE; echo text=x >> $MAESTRO_OUTPUT_FILE`, step.Done, `"n":{"value":1,`, ""},
		"tokens":          {`echo $MAESTRO_OUTPUT_START'{"n":1}'$MAESTRO_OUTPUT_END; echo "$MAESTRO_OUTPUT_START{\"n\":2}$MAESTRO_OUTPUT_END"`, step.Done, `"n":{"value":2,`, ""},
		"file wins":       {`echo "$MAESTRO_OUTPUT_START{\"n\":2,\"f\":1}$MAESTRO_OUTPUT_END"; echo n=3 > $MAESTRO_OUTPUT_FILE`, step.Done, `"n":{"value":3,`, ""},
		"tokens dropped":  {`echo "$MAESTRO_OUTPUT_START{\"n\":2}$MAESTRO_OUTPUT_END"; yes | head -c 1000000`, step.Done, `"n":{"value":2,`, ""},
		"environment":     {`env; export; set`, step.Done, "", ""},
		"bad file":        {`echo nonsense > $MAESTRO_OUTPUT_FILE`, step.UserError, "", `in the output file: line 1 is "nonsense"`},
		"lines in tokens": {`echo $MAESTRO_OUTPUT_START; echo n=2; echo text=a; echo $MAESTRO_OUTPUT_END`, step.Done, `"text":{"value":"a",`, ""},
		"tokens mixed":    {`echo $MAESTRO_OUTPUT_START'{"n":2}'; echo + echo; echo $MAESTRO_OUTPUT_END`, step.Done, `"n":{"value":2,`, `Ignored in the output data: "+ echo\n", which follows the object`},
		"tokens open":     {`echo $MAESTRO_OUTPUT_START{; echo n=1 > $MAESTRO_OUTPUT_FILE`, step.Done, `"n":{"value":1,`, "Ignored in the output data: an object after the last MAESTRO_OUTPUT_START_TOKEN"},
		"declared":        {`echo '{"n":"1","list":[]}' > $MAESTRO_OUTPUT_FILE`, step.Done, `"list":{"value":[],"type":"LONG_ARRAY",`, ""},
		"bad tokens":      {`echo $MAESTRO_OUTPUT_START{$MAESTRO_OUTPUT_END`, step.UserError, "", "between the output tokens: it is not valid JSON"},
		"endless tokens":  {`echo $MAESTRO_OUTPUT_START; yes | head -c 4000000; echo $MAESTRO_OUTPUT_END`, step.UserError, "", "between the output tokens: it has more"},
		"endless file":    {`yes n=1 | head -c 4000000 > $MAESTRO_OUTPUT_FILE`, step.UserError, "", "in the output file: it has more"},
		"too much":        {`(echo -n text=; yes | tr -d '\n' | head -c 800000) > $MAESTRO_OUTPUT_FILE`, step.UserError, "", "characters, more than the 750000"},
		"unknown field":   {`echo '{"params":{"n":1},"n":1}' > $MAESTRO_OUTPUT_FILE`, step.UserError, "", "in the output file: n is an unknown field"},
		"fifo":            {`mkfifo $MAESTRO_OUTPUT_FILE`, step.UserError, "", "it is not a file"},
		"directory":       {`mkdir $MAESTRO_OUTPUT_FILE`, step.UserError, "", "it is not a file"},
		"failed":          {`echo n=1 > $MAESTRO_OUTPUT_FILE; exit 1`, step.UserError, `"n":{"value":1,`, "exit code 1"},
		"failed and bad":  {`echo n > $MAESTRO_OUTPUT_FILE; exit 1`, step.UserError, "", "output data is ignored"},
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
