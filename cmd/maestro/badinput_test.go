package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

const oneStep = `{"properties":{"owner":"tester"},"workflow":{"id":"demo","steps":[{"step":{"id":"a","type":"NoOp"}}]}}`

// TestBadInput sends what must be refused: the answer says where, why and, where it is not plain, what to do. The server
// goes on serving, and what it had is as it was.
func TestBadInput(t *testing.T) {
	t.Parallel()
	d := serve(t)
	d.push(oneStep)
	if got := d.ends("demo", d.begin("demo")); got != "SUCCEEDED" {
		t.Fatal(got)
	}
	before := d.call("GET", "/api/v3/workflows/demo/versions/active", "").body

	const (
		js   = "application/json"
		yml  = "application/yaml"
		push = "POST /api/v3/workflows"
		y    = "POST /api/v3/workflows/yaml"
		go_  = "POST /api/v3/workflows/demo/versions/active/actions/start"
	)
	flow := func(rest string) string {
		return `{"properties":{"owner":"tester"},"workflow":{"id":"demo",` + rest + `"steps":[{"step":{"id":"a","type":"NoOp"}}]}}`
	}
	step := func(rest string) string {
		return `{"properties":{"owner":"tester"},"workflow":{"id":"demo","steps":[{"step":{"id":"a","type":"NoOp"` + rest + `}}]}}`
	}
	long := func(v string) string { return flow(`"params":{"p":{"type":"LONG","value":` + v + `}},`) }
	laughs := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := range 8 {
		laughs += fmt.Sprintf("%c: &%c [%s]\n", 'b'+i, 'b'+i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", 'a'+i), 9), ","))
	}
	tests := map[string]struct {
		to, kind, body string
		status         int
		want           []string
	}{
		"truncated":       {push, js, flow("")[:60], 400, []string{"unexpected end", "line 1, column"}},
		"trailing":        {push, js, flow("") + "x", 400, []string{"line 1, column"}},
		"second line":     {push, js, "{\n \"workflow\": nope}", 400, []string{"line 2, column"}},
		"text for a list": {push, js, `{"properties":{"owner":"t"},"workflow":{"id":"demo","steps":"no"}}`, 400, []string{"workflow.steps must be an array", "column"}},
		"list for object": {push, js, `[]`, 400, []string{"must be an object, not an array"}},
		"unknown field":   {push, js, flow(`"stepz":[],`), 400, []string{"unknown field `stepz`", "did you mean `steps`"}},
		"unknown in step": {push, js, step(`,"retry_polcy":{}`), 400, []string{"workflow.steps[0]", "`retry_polcy`", "did you mean `retry_policy`"}},
		"unknown type":    {push, js, `{"properties":{"owner":"t"},"workflow":{"id":"demo","steps":[{"step":{"id":"a","type":"Sheell"}}]}}`, 400, []string{"`Sheell`", "did you mean `Shell`"}},
		"cycle":           {push, js, `{"properties":{"owner":"t"},"workflow":{"id":"demo","steps":[{"step":{"id":"a","type":"NoOp","transition":{"successors":{"b":"true"}}}},{"step":{"id":"b","type":"NoOp","transition":{"successors":{"a":"true"}}}}]}}`, 400, []string{"cycle", "a -> b -> a"}},
		"own successor":   {push, js, step(`,"transition":{"successors":{"a":"true"}}`), 400, []string{"cycle", "a -> a"}},
		"no successor":    {push, js, step(`,"transition":{"successors":{"zz":"true"}}`), 400, []string{"zz"}},
		"step twice":      {push, js, `{"properties":{"owner":"t"},"workflow":{"id":"demo","steps":[{"step":{"id":"a","type":"NoOp"}},{"step":{"id":"a","type":"NoOp"}}]}}`, 400, []string{"a"}},
		"no steps":        {push, js, `{"properties":{"owner":"t"},"workflow":{"id":"demo","steps":[]}}`, 400, []string{"steps"}},
		"bad id":          {push, js, strings.Replace(oneStep, `"demo"`, `"a b/c"`, 1), 400, []string{"workflow.id", "[a b/c]"}},
		"1e999":           {push, js, long("1e999"), 400, []string{"workflow.params[p].value", "out of range of LONG"}},
		"2^63":            {push, js, long("9223372036854775808"), 400, []string{"workflow.params[p].value", "out of range of LONG"}},
		"text for LONG":   {push, js, long(`"abc"`), 400, []string{`"abc" is no valid LONG`}},
		"double 1e999":    {push, js, flow(`"params":{"p":{"type":"DOUBLE","value":1e999}},`), 400, []string{"no valid DOUBLE"}},
		"unknown param":   {push, js, flow(`"params":{"p":{"type":"LOONG","value":1}},`), 400, []string{"LOONG"}},
		"negative":        {push, js, step(`,"timeout":-1`), 400, []string{"workflow.steps[0].timeout", "non-negative"}},
		"no number":       {push, js, step(`,"retry_policy":{"error_retry_limit":"abc"}`), 400, []string{"error_retry_limit", "not a number"}},
		"huge number":     {push, js, step(`,"timeout":1e999`), 400, []string{"workflow.steps[0].timeout", "64 bits"}},
		"concurrency":     {push, js, strings.Replace(oneStep, `"tester"`, `"tester","run_strategy":{"rule":"PARALLEL","workflow_concurrency":-1}`, 1), 400, []string{"workflow_concurrency should be positive", "[-1]"}},
		"expression":      {push, js, flow(`"params":{"p":{"type":"LONG","expression":"1 +"}},`), 400, []string{"p"}},
		"deep JSON":       {push, js, strings.Repeat("[", 100_000), 400, []string{"nested more than"}},
		"deep objects":    {push, js, strings.Repeat(`{"a":`, 100_000), 400, []string{"nested more than"}},
		"deep YAML":       {y, yml, "a: " + strings.Repeat("[", 50_000), 400, []string{"depth"}},
		"laughs":          {y, yml, laughs, 400, []string{"more than", "values", "aliases"}},
		"no YAML":         {y, yml, "workflow: [\n", 400, []string{"YAML parse error", "line "}},
		"wrong YAML root": {y, yml, "workflw:\n  id: x\n", 400, []string{"exactly one key at its root, `Workflow`", "line 1"}},
		"UTF-8":           {push, js, strings.Replace(oneStep, "tester", "\xff\xfe", 1), 400, []string{"not UTF-8", "line 1, column"}},
		"UTF-8 YAML":      {y, yml, "workflow:\n  id: \"\xff\"\n", 400, []string{"not UTF-8", "line 2"}},
		"curl's type":     {push, "application/x-www-form-urlencoded", oneStep, 415, []string{"application/json", "curl", "-H 'Content-Type"}},
		"JSON as YAML":    {y, js, oneStep, 415, []string{"application/yaml"}},
		"nothing":         {push, js, "", 400, []string{"no body"}},
		"no workflow":     {"POST /api/v3/workflows/nope/versions/active/actions/start", js, `{"initiator":{"type":"manual"}}`, 404, []string{"nope"}},
		"no version":      {"POST /api/v3/workflows/demo/versions/99/actions/start", js, `{"initiator":{"type":"manual"}}`, 404, []string{"99"}},
		"bad version":     {"POST /api/v3/workflows/demo/versions/new/actions/start", js, `{"initiator":{"type":"manual"}}`, 400, []string{"new"}},
		"bad request id":  {go_, js, `{"initiator":{"type":"manual"},"request_id":"7"}`, 400, []string{"request_id", "UUID"}},
		"bad initiator":   {go_, js, `{"initiator":{"type":"robot"}}`, 400, []string{"initiator.type must be one of MANUAL"}},
		"param's type":    {go_, js, `{"initiator":{"type":"manual"},"run_params":{"p":{"type":"LONG","value":[1]}}}`, 400, []string{"run_params[p]"}},
		"unknown request": {go_, js, `{"initiator":{"type":"manual"},"run_parms":{}}`, 400, []string{"unknown field `run_parms`", "did you mean `run_params`"}},
		"no instance":     {"GET /api/v3/workflows/demo/instances/99", "", "", 404, []string{"99", "not found"}},
		"odd instance":    {"GET /api/v3/workflows/demo/instances/one", "", "", 400, []string{"one"}},
		"huge instance":   {"GET /api/v3/workflows/demo/instances/9223372036854775808", "", "", 400, []string{"9223372036854775808"}},
		"no route":        {"GET /api/v3/workflowz", "", "", 404, []string{"/api/v3/workflowz"}},
		"wrong method":    {"DELETE /api/v3/workflows/demo/instances/1", "", "", 405, []string{"DELETE"}},
		"bad cursor":      {"GET /api/v3/workflows/demo/instances?first=10&cursor=zzz", "", "", 400, []string{"zzz"}},
		"page of 0":       {"GET /api/v3/workflows/demo/instances?first=0", "", "", 400, []string{"200"}},
		"bad event id":    {"GET /api/v3/workflows/demo/instances/1/events?after=zzz", "", "", 400, []string{"zzz"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			method, path, _ := strings.Cut(test.to, " ")
			var body io.Reader
			if test.kind != "" {
				body = strings.NewReader(test.body)
			}
			got, err := d.try(method, path, test.kind, body)
			if err != nil {
				t.Fatal(err)
			}
			if got.status != test.status {
				t.Errorf("got status %d, want %d: %s", got.status, test.status, got.body)
			}
			if _, ok := got.json("status").(string); !ok {
				t.Errorf("the answer has no status: %s", got.body)
			}
			message, _ := got.json("message").(string)
			wants(t, message+" "+fmt.Sprint(got.json("errors")), test.want...)
		})
	}
	if after := d.call("GET", "/api/v3/workflows/demo/versions/active", "").body; after != before {
		t.Errorf("the definition has changed:\n%s\n%s", before, after)
	}
	if got := d.ends("demo", d.begin("demo")); got != "SUCCEEDED" {
		t.Error(got)
	}
	if log := d.errs.String(); strings.Contains(log, "panic") || strings.Contains(log, "level=ERROR") {
		t.Errorf("the log has errors:\n%s", log)
	}
	d.stop()
}

// TestHugeBodies sends bodies of 100 MB. They are refused as they stream by, and the server's memory does not show it.
func TestHugeBodies(t *testing.T) {
	t.Parallel()
	d := serve(t)
	for range 20 { // what serving needs at all
		d.push(oneStep)
	}
	before, _ := d.memory()
	const size = 100 << 20
	for _, to := range []struct{ path, kind string }{
		{"/api/v3/workflows", "application/json"},
		{"/api/v3/workflows/yaml", "application/yaml"},
		{"/api/v3/workflows/demo/versions/active/actions/start", "application/json"},
		{"/api/v3/workflows", "text/plain"},
	} {
		for _, length := range []int64{-1, size} { // not said beforehand, and said
			req, err := http.NewRequestWithContext(t.Context(), "POST", d.url+to.path, io.LimitReader(spaces{}, size))
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = length
			req.Header.Set("user", "tester")
			req.Header.Set("Content-Type", to.kind)
			resp, err := http.DefaultClient.Do(req)
			if err != nil { // the server has answered and closed while we were writing: it need not hear us out
				t.Logf("%s: %v", to.path, err)
				continue
			}
			text, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != 400 && resp.StatusCode != 415 {
				t.Errorf("%s: got %d %s", to.path, resp.StatusCode, text)
			}
			if resp.StatusCode == 400 {
				wants(t, string(text), "larger than the limit of")
			}
		}
	}
	now, peak := d.memory()
	t.Logf("resident: %d MB before, %d MB after, %d MB at most", before>>20, now>>20, peak>>20)
	if grown := peak - before; grown > 20<<20 {
		t.Errorf("memory grew by %d MB", grown>>20)
	}
	d.push(oneStep)
}

// spaces is an endless body that a parser could skip for ever.
type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

// TestBadStore starts the server on what is no store of it. It says what to do, and leaves everything as it was.
func TestBadStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sql := func(name string, statements ...string) {
		c, err := sqlite3.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, s := range statements {
			if err := c.Exec(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(t, dir, "text.db", strings.Repeat("this is no database\n", 1000))
	write(t, dir, "short.db", "hello")
	write(t, dir, "file", "")
	sql("theirs.db", "CREATE TABLE customers (name TEXT)", "INSERT INTO customers VALUES ('alice')")
	sql("newer.db", "PRAGMA journal_mode = WAL", "PRAGMA application_id = 0x4d737447", "PRAGMA user_version = 999", "CREATE TABLE later (x)")
	if err := os.MkdirAll(filepath.Join(dir, "sub", "maestro.db"), 0o755); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		store string
		code  int
		want  []string
	}{
		"directory":         {"sqlite:sub/maestro.db", 1, []string{"sub/maestro.db", "is a directory", "name a file in it"}},
		"no database":       {"sqlite:text.db", 1, []string{"text.db", "no database of this program", "left as it is"}},
		"short":             {"sqlite:short.db", 1, []string{"short.db", "no database of this program"}},
		"another program's": {"sqlite:theirs.db", 1, []string{"theirs.db", "no database of this program", "left as it is"}},
		"newer":             {"sqlite:newer.db", 1, []string{"newer.db", "newer version", "999", "use another file"}},
		"no directory":      {"sqlite:none/m.db", 1, []string{"none/m.db", "there is no directory none", "make it first"}},
		"below a file":      {"sqlite:file/m.db", 1, []string{"file/m.db"}},
		"postgres":          {"postgres://u@h/d", 1, []string{"SQLite only", "sqlite:maestro.db"}},
		"no path":           {"sqlite:", 2, []string{`--store: "sqlite:"`, "write sqlite:PATH"}},
		"no driver":         {"maestro.db", 2, []string{`--store: "maestro.db"`, "write sqlite:PATH"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, strings.TrimPrefix(test.store, "sqlite:"))
			before, _ := os.ReadFile(path)
			out, errs, code := maestro(t, dir, nil, "server", "--listen", "127.0.0.1:0", "--store", test.store)
			if code != test.code || out != "" {
				t.Errorf("got exit code %d and output %q, want %d and none", code, out, test.code)
			}
			wants(t, errs, test.want...)
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file has changed")
			}
		})
	}
}

// TestOneServerPerFile starts a second server on the file of one that runs, and on its port.
func TestOneServerPerFile(t *testing.T) {
	t.Parallel()
	d := serve(t)
	d.push(oneStep)
	_, errs, code := maestro(t, d.dir, nil, "server", "--listen", "127.0.0.1:0", "--store", "sqlite:m.db")
	if code != 1 {
		t.Errorf("got exit code %d", code)
	}
	wants(t, errs, "m.db", "another process has it open", "use another file")

	addr := strings.TrimPrefix(d.url, "http://")
	_, errs, code = maestro(t, d.dir, nil, "server", "--listen", addr, "--store", "sqlite:other.db")
	if code != 1 {
		t.Errorf("got exit code %d", code)
	}
	wants(t, errs, "listen on "+addr, "another program listens there", "--listen")
	if _, err := os.Stat(filepath.Join(d.dir, "other.db")); err == nil {
		t.Error("a server that could not listen has made a store")
	}

	_, errs, code = maestro(t, d.dir, nil, "run", write(t, d.dir, "d.json", oneStep), "--db", "m.db")
	if code != 1 {
		t.Errorf("got exit code %d", code)
	}
	wants(t, errs, "another process has it open", "--server")
	if got := d.ends("demo", d.begin("demo")); got != "SUCCEEDED" {
		t.Error(got)
	}
}

// TestBadSettings makes mistakes in every place where settings come from.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "typo.yaml", "listen: 127.0.0.1:1\nlog:\n  levl: debug\nshell:\n  enabled: perhaps\nserver:\n  port: 80\n")
	write(t, dir, "broken.yaml", "listen: a\nlog: [\n")
	write(t, dir, "twice.yaml", "log:\n  level: info\nlog.level: debug\n")
	tests := map[string]struct {
		args []string
		env  []string
		code int
		want []string
	}{
		"unknown flag":   {[]string{"--lisen", "x"}, nil, 2, []string{"--lisen", "did you mean --listen?", "maestro server --help"}},
		"unknown flag 2": {[]string{"--frobnicate"}, nil, 2, []string{"unknown flag: --frobnicate", "maestro server --help"}},
		"argument":       {[]string{"maestro.db"}, nil, 2, []string{"takes no arguments", "maestro.db"}},
		"flag values":    {[]string{"--engine-groups", "0", "--log-level", "loud"}, nil, 2, []string{`--engine-groups: "0"`, "from 1 to 4096", `--log-level: "loud"`, "debug, info, warn, error"}},
		"no port":        {[]string{"--listen", "8080"}, nil, 2, []string{`--listen: "8080"`, "write HOST:PORT"}},
		"no such port":   {[]string{"--listen", "127.0.0.1:99999"}, nil, 2, []string{"--listen", "99999"}},
		"environment":    {nil, []string{"MAESTRO_ENGINE_GROUPS=x", "MAESTRO_LOG_FORMAT=xml"}, 2, []string{`MAESTRO_ENGINE_GROUPS: "x"`, `MAESTRO_LOG_FORMAT: "xml"`, "text, json"}},
		"file": {[]string{"--config", "typo.yaml"}, nil, 2, []string{
			"typo.yaml:3: there is no setting log.levl; did you mean log.level?", `typo.yaml:5: shell.enabled: "perhaps"`,
			"typo.yaml:6: there is no setting server; what Maestro calls server.port is listen here",
		}},
		"broken file":  {[]string{"--config", "broken.yaml"}, nil, 2, []string{"broken.yaml:"}},
		"twice":        {[]string{"--config", "twice.yaml"}, nil, 2, []string{"twice.yaml:3: log.level is already set in line 2"}},
		"no file":      {[]string{"--config", "none.yaml"}, nil, 2, []string{"there is no file none.yaml"}},
		"no file 2":    {nil, []string{"MAESTRO_CONFIG=none.yaml"}, 2, []string{"there is no file none.yaml"}},
		"no directory": {[]string{"--config", "."}, nil, 2, []string{"is a directory"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, errs, code := maestro(t, dir, test.env, append([]string{"server"}, test.args...)...)
			if code != test.code {
				t.Errorf("got exit code %d, want %d", code, test.code)
			}
			wants(t, errs, test.want...)
		})
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "maestro*")); found != nil {
		t.Errorf("mistakes have made %v", found)
	}
}

// TestSettingsPrecedence sets one thing in three places and looks at what the server does.
func TestSettingsPrecedence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "m.yaml", "listen: 127.0.0.1:0\nstore: sqlite:file.db\nlog:\n  format: json\n")
	const text, js = `level=INFO msg=serving`, `"msg":"serving"`
	tests := map[string]struct {
		args []string
		env  []string
		want string
	}{
		"file":                 {[]string{"--config", "m.yaml"}, nil, js},
		"file named by a name": {nil, []string{"MAESTRO_CONFIG=m.yaml"}, js},
		"environment":          {[]string{"--config", "m.yaml"}, []string{"MAESTRO_LOG_FORMAT=text"}, text},
		"empty is not set":     {[]string{"--config", "m.yaml"}, []string{"MAESTRO_LOG_FORMAT="}, js},
		"flag":                 {[]string{"--config", "m.yaml", "--log-format", "json"}, []string{"MAESTRO_LOG_FORMAT=text"}, js},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := spawn(t, dir, test.env, append([]string{"server"}, test.args...)...)
			p.says(test.want)
			p.says(`sqlite:file\.db`)
			p.kill()
		})
	}
	p := spawn(t, dir, []string{"MAESTRO_LISTN=127.0.0.1:1", "MAESTRO_SERVICE_HOST=10.0.0.1"}, "server", "--config", "m.yaml")
	p.says(`MAESTRO_LISTN is not a setting and is not used; did you mean MAESTRO_LISTEN`)
	p.says(`"msg":"serving"`)
	if strings.Contains(p.errs.String(), "SERVICE_HOST") {
		t.Error("complains of a variable that is not ours")
	}
}
