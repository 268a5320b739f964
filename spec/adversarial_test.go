package spec_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
	"maestro/spec"
	"maestro/spec/dsl"
)

// largest is how long a text of a push may be at all.
const largest = 4 << 20

// hostile are texts of the largest size, each of one shape: head, what is repeated, tail. The repeated part may hold one
// %d for its number.
var hostile = map[string][3]string{
	"one line of zeros":       {"[0", ",0", "]"},
	"one long name":           {`{"workflow":{"`, "n", `":1}}`},
	"one long id":             {`{"workflow":{"id":"`, "n", `","steps":[{"step":{"id":"a","type":"noop"}}]}}`},
	"one long text":           {`{"workflow":{"id":"w","params":{"p":{"type":"STRING","value":"`, "x", `"}},"steps":[{"step":{"id":"a","type":"noop"}}]}}`},
	"escapes":                 {`{"workflow":{"id":"w","params":{"p":{"type":"STRING","value":"`, `\u0041`, `"}},"steps":[{"step":{"id":"a","type":"noop"}}]}}`},
	"quotes":                  {`{"workflow":{"id":"w","params":{"p":{"type":"STRING","value":"`, `\"`, `"}},"steps":[{"step":{"id":"a","type":"noop"}}]}}`},
	"same key":                {`{"workflow":{"id":"w"`, `,"id":"w"`, `}}`},
	"same key of extras":      {`{"a":1`, `,"a":1`, `}`},
	"unknown keys":            {`{"workflow":{"id":"w"`, `,"idd%d":1`, `}}`},
	"extras":                  {`{"properties":{}`, `,"propertie%d":1`, `}`},
	"params":                  {`{"workflow":{"id":"w","params":{"p":{"type":"LONG","value":1}`, `,"p%d":{"type":"LONG","value":1}`, `}}}`},
	"wrong params":            {`{"workflow":{"id":"w","params":{"p":1`, `,"p%d":1`, `}}}`},
	"wrong names":             {`{"workflow":{"id":"w","params":{"p":{"type":"LONG","value":1}`, `,"1p%d":{"type":"LONG","value":1}`, `}}}`},
	"wrong elements":          {`{"workflow":{"id":"w","params":{"p":{"type":"LONG_ARRAY","value":[1`, `,"x"`, `]}}}}`},
	"elements":                {`{"workflow":{"id":"w","params":{"p":{"type":"LONG_ARRAY","value":[1`, `,1`, `]}}}}`},
	"doubles":                 {`{"workflow":{"id":"w","params":{"p":{"type":"DOUBLE_ARRAY","value":[1`, `,1`, `]}}}}`},
	"large doubles":           {`{"workflow":{"id":"w","params":{"p":{"type":"DOUBLE_ARRAY","value":[1`, `,1e999999999`, `]}}}}`},
	"entries":                 {`{"workflow":{"id":"w","params":{"p":{"type":"STRING_MAP","value":{"a":1`, `,"k%d":1`, `}}}}}`},
	"steps":                   {`{"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"noop"}}`, `,{"step":{"id":"a%d","type":"noop"}}`, `]}}`},
	"same steps":              {`{"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"noop"}}`, `,{"step":{"id":"a","type":"noop"}}`, `]}}`},
	"empty steps":             {`{"workflow":{"id":"w","steps":[{}`, `,{}`, `]}}`},
	"wrong steps":             {`{"workflow":{"id":"w","steps":[{"stepp":{}}`, `,{"stepp":{}}`, `]}}`},
	"successors":              {`{"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"noop","transition":{"successors":{"b":"true"`, `,"b%d":"true"`, `}}}}]}}`},
	"predecessors":            {`{"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"noop","transition":{"predecessors":["b"`, `,"b%d"`, `]}}}]}}`},
	"same predecessors":       {`{"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"noop","transition":{"predecessors":["b"`, `,"b"`, `]}}}]}}`},
	"tags":                    {`{"workflow":{"id":"w","tags":["t"`, `,"t%d"`, `]}}`},
	"same tags":               {`{"workflow":{"id":"w","tags":["t"`, `,"t"`, `]}}`},
	"tags of a param":         {`{"workflow":{"id":"w","params":{"p":{"type":"LONG","value":1,"tags":["t"`, `,"t%d"`, `]}}}}`},
	"same tags of a param":    {`{"workflow":{"id":"w","params":{"p":{"type":"LONG","value":1,"tags":["t"`, `,"t"`, `]}}}}`},
	"time triggers":           {`{"workflow":{"id":"w","time_triggers":[{"type":"CRON","cron":"0 0 29 2 *"}`, `,{"type":"CRON","cron":"0 0 29 2 *"}`, `],"steps":[{"step":{"id":"a","type":"noop"}}]}}`},
	"hard time triggers":      {`{"workflow":{"id":"w","time_triggers":[{"type":"CRON","cron":"0 0 30 2 *"}`, `,{"type":"CRON","cron":"0 0 0 30 2 ? *","timezone":"Europe/Paris"}`, `],"steps":[{"step":{"id":"a","type":"noop"}}]}}`},
	"signal triggers":         {`{"workflow":{"id":"w","signal_triggers":[{"definitions":{"s":{}}}`, `,{"definitions":{"s%d":{}}}`, `],"steps":[{"step":{"id":"a","type":"noop"}}]}}`},
	"dependencies":            {`{"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"noop","signal_dependencies":[{"name":"s"}`, `,{"name":"s%d"}`, `]}}]}}`},
	"emails":                  {`{"properties":{"alerting":{"emails":["a"`, `,"a%d"`, `]}}}`},
	"depth":                   {strings.Repeat("[", 199) + "0", ",0", strings.Repeat("]", 199)},
	"deep steps":              {`{"workflow":{"id":"w","steps":[` + strings.Repeat(`{"foreach":{"id":"f","steps":[`, 60) + "{}", ",{}", strings.Repeat("]}}", 60) + "]}}"},
	"deep maps":               {`{"workflow":{"id":"w","params":{"p":` + strings.Repeat(`{"type":"MAP","value":{"p":`, 90) + `{"type":"LONG","value":1}`, `,"q%d":{"type":"LONG"}`, strings.Repeat("}}", 90) + "}}}"},
	"long names around":       {`{"workflow":{"id":"w","params":{"` + strings.Repeat("n", 100_000) + `":{"type":"MAP","value":{"` + strings.Repeat("m", 100_000) + `":{"type":"MAP","value":{"a":1`, `,"q%d":1`, `}}}}}}}`},
	"long keys of one length": {`{"a":1`, `,"` + strings.Repeat("k", 5000) + `%07d":1`, `}`},

	"lines":              {"", "- a: b\n", ""},
	"aliases":            {"x: &x [1, 2, 3]\ny:\n", "- *x\n", ""},
	"aliases of aliases": {"x: &x0 [" + strings.Repeat("1,", 1000) + "]\n", "y%d: [*x0]\n", ""},
	"anchors":            {"", "- &a%d x\n", ""},
	"merges":             {"x: &x {a: 1}\ny:\n", "  <<: *x\n", ""},
	"wide merges":        {"x: &x {" + strings.Repeat("aaa: 1, ", 1) + "b: 1}\ny:\n", "- {<<: *x, c: 1}\n", ""},
	"many merges":        {"x: &x {a: 1}\ny:\n  <<: [*x", ", *x", "]"},
	"block text":         {"a: |\n", "  x\n", ""},
	"words":              {"a:", " word", ""},
	"short params":       {"workflow:\n  id: w\n  jobs: [{job: {id: a, type: noop}}]\n", "  jbos%d: 1\n", ""},
	"short same params":  {"workflow:\n  id: w\n  jobs: [{job: {id: a, type: noop}}]\n", "  x: 1\n", ""},
	"short same hints":   {"workflow:\n  id: w\n  jobs: [{job: {id: a, type: noop}}]\n", "  'x<long>(mutable)%[1]d': 1\n", ""},
	"short wrong params": {"workflow:\n  id: w\n  jobs: [{job: {id: a, type: noop}}]\n", "  x%d:\n", ""},
	"short lists":        {"workflow:\n  id: w\n  p: [a", ", b", "]\n"},
	"short maps":         {"workflow:\n  id: w\n  p: {a: 1", ", b%d: 2", "}\n"},
	"short long names":   {"workflow:\n  id: w\n  " + strings.Repeat("n", 100_000) + ": {" + strings.Repeat("m", 100_000) + ": {a: 1", ", b%d: 2", "}}\n"},
	"short jobs":         {"workflow:\n  id: w\n  dag: sequential\n  jobs:\n", "  - job: {id: a%d, type: noop}\n", ""},
	"short wrong jobs":   {"workflow:\n  id: w\n  jobs:\n", "  - jbo: {}\n", ""},
	"short transitions":  {"workflow:\n  id: w\n  jobs:\n  - job: {id: a, type: noop, transition: [a", ", if x then y%d", ", otherwise z]}\n"},
	"short wrong rows":   {"workflow:\n  id: w\n  jobs:\n  - job: {id: a, type: noop, transition: [a", ", x y %d", "]}\n"},
	"short misplaced":    {"workflow:\n  id: w\n  jobs:\n  - job: {id: a, type: noop, transition: [a", ", otherwise x", "]}\n"},
	"short dag":          {"workflow:\n  id: w\n  jobs: [{job: {id: a, type: noop}}]\n  dag:\n", "    b%d: [a]\n", ""},
	"short ranges":       {"workflow:\n  id: w\n  jobs:\n  - foreach:\n      id: f\n      jobs: []\n      ranges:\n", "        r%d: {to: 1}\n", ""},
	"short tags":         {"workflow:\n  id: w\n  jobs: []\n  tags: [a", ", b%d", "]\n"},
	"short long id":      {"workflow:\n  id: w\n  jobs:\n  - job: {id: " + strings.Repeat("i", 200_000) + ", type: noop, transition: [a", ", y%d", "]}\n"},
	"one long condition": {"workflow:\n  id: w\n  jobs:\n  - job: {id: a, type: noop, transition: [\"if x", " then y", " then a\"]}\n"},
}

func hostileText(shape [3]string, size int) []byte {
	var b strings.Builder
	b.WriteString(shape[0])
	counted := strings.Contains(shape[1], "%")
	for i := 0; b.Len()+len(shape[1])+len(shape[2])+8 < size; i++ {
		if counted {
			fmt.Fprintf(&b, shape[1], i)
		} else {
			b.WriteString(shape[1])
		}
	}
	b.WriteString(shape[2])
	return []byte(b.String())
}

// pushText does with a text what a push does before it meets the store.
func pushText(text []byte, parse func([]byte, doc.Limits) (*doc.Node, error)) doc.Problems {
	var p doc.Problems
	rules := spec.Rules{Now: benchRules.Now}
	n, err := parse(text, rules.Limits())
	if err != nil {
		p.Add(doc.AsProblem(err))
		return p
	}
	if dsl.IsShort(n) {
		n = dsl.Convert(n, dsl.Options{}, &p)
	}
	if n == nil {
		return p
	}
	req := spec.DecodePushRequest(n, rules, &p)
	req.Validate(n, rules, &p)
	req.ValidatePush(n, &p)
	p.Sort()
	return p
}

// TestHostileTexts measures what texts of the worst shapes cost before they are accepted or refused: in memory, which also
// bounds the work that makes things, and in what is said about them. That reading the text takes time in proportion to it is
// tested where it is read.
func TestHostileTexts(t *testing.T) { // not parallel: it counts what the process allocates
	const mostBytes, mostText = 120 << 20, 1 << 20
	for name, shape := range hostile {
		for _, size := range []int{largest, 300_000} {
			text := hostileText(shape, size)
			for format, parse := range map[string]func([]byte, doc.Limits) (*doc.Node, error){"json": doc.ParseJSON, "yaml": yamldoc.Parse} {
				isJSON := text[0] == '{' || text[0] == '['
				if format == "json" && !isJSON || format == "yaml" && isJSON && size == largest {
					continue // the other format has it
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				p := pushText(text, parse)
				said := len(doc.Render(text, "f", p.List))
				runtime.ReadMemStats(&after)
				if used := after.TotalAlloc - before.TotalAlloc; used > mostBytes {
					t.Errorf("%s: %d bytes of %s cost %d MB", name, size, format, used>>20)
				}
				if said > mostText {
					t.Errorf("%s: %d bytes are said about %d of %s", name, said, size, format)
				}
				if size > 1<<20 && !p.Failed() {
					t.Errorf("%s: %d bytes of %s are accepted", name, size, format)
				}
			}
		}
	}
}

// TestRefusedEarly has texts that are too large in one way or another. They cost no more than the limit that they break.
func TestRefusedEarly(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		most uint64 // bytes allocated
		want string
	}{
		"380,000 zeros":  {`{"workflow":{"params":{"p":{"type":"LONG_ARRAY","value":[0` + strings.Repeat(",0", 380_000) + `]}}}}`, 4 << 10, "more than 131072 values"},
		"1,000,000 jobs": {`{"workflow":{"steps":[{}` + strings.Repeat(",{}", 1_000_000) + `]}}`, 4 << 10, "more than 131072 values"},
		"10,000 steps":   {`{"workflow":{"id":"w","steps":[{"step":{"id":"a","type":"noop"}}` + strings.Repeat(`,{"step":{"id":"a","type":"noop"}}`, 9_999) + `]}}`, 9 << 20, "[workflow step list] is too large [10000] and over the size limit [300]"},
	} {
		text := []byte(c.text)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p := pushText(text, doc.ParseJSON)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > c.most {
			t.Errorf("%s: costs %d bytes, want at most %d", name, used, c.most)
		}
		if len(p.List) != 1 || !strings.Contains(p.List[0].Message, c.want) {
			t.Errorf("%s: got %v, want %s", name, p.List, c.want)
		}
	}
	yaml := []byte("workflow:\n  p: [0" + strings.Repeat(",0", 850_000) + "]\n")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p := pushText(yaml, yamldoc.Parse)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 || !p.Failed() {
		t.Errorf("850,000 zeros of YAML cost %d bytes: %v", used, p.List)
	}
}
