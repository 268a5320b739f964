package spec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"maestro/internal/doc"
	"maestro/internal/yamldoc"
	"maestro/spec"
	"maestro/spec/dsl"
)

// TestTranscripts plays testdata/*.txt: documents, and what is said about them. A transcript is a sequence of
//
//	# comment
//	push | workflow-yaml | template | properties   [strict]
//	<document>
//	----
//	<rendered problems, or "ok">
//
// separated by lines of ====. Run with -rewrite to accept what comes out, then read the difference.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		text := string(read(t, file))
		var out []string
		for _, block := range strings.Split(text, "\n====\n") {
			input, want, _ := strings.Cut(block+"\n", "\n----\n")
			got := strings.TrimRight(play(t, input), "\n")
			out = append(out, input+"\n----\n"+got)
			if !*rewrite && got != strings.TrimRight(want, "\n") {
				t.Errorf("%s: %s\ngot\n%s\nwant\n%s", file, input, got, want)
			}
		}
		if *rewrite {
			if err := os.WriteFile(file, []byte(strings.Join(out, "\n====\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func play(t *testing.T, input string) string {
	t.Helper()
	for strings.HasPrefix(input, "#") {
		_, input, _ = strings.Cut(input, "\n")
	}
	head, body, _ := strings.Cut(input, "\n")
	rules := spec.Rules{Strict: strings.HasSuffix(head, " strict"), Now: time.Date(2025, 6, 4, 12, 0, 0, 0, time.UTC)}
	kind := strings.Fields(head)[0]
	text := []byte(body)
	var p doc.Problems
	fail := func(err error) string {
		problem, ok := err.(doc.Problem)
		if !ok {
			t.Fatalf("got %T %v, want a doc.Problem", err, err)
		}
		return doc.Render(text, kind, []doc.Problem{problem})
	}
	parse := doc.ParseJSON
	if kind == "workflow-yaml" {
		parse = yamldoc.Parse
	}
	n, err := parse(text, doc.Limits{})
	if err != nil {
		return fail(err)
	}
	switch kind {
	case "workflow-yaml":
		if n = dsl.Convert(n, dsl.Options{}, &p); n == nil {
			break
		}
		fallthrough
	case "push":
		req := spec.DecodePushRequest(n, rules, &p)
		req.Validate(n, rules, &p)
		req.ValidatePush(n, &p)
	case "template":
		spec.DecodeJobTemplateRequest(n, rules, &p)
	case "properties":
		spec.DecodePropertiesUpdate(n, rules, &p)
	default:
		t.Fatalf("unknown kind %q", kind)
	}
	p.Sort()
	if len(p.List) == 0 {
		return "ok\n"
	}
	return doc.Render(text, kind, p.List)
}
