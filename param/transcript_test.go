package param_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"maestro/internal/doc"
	"maestro/param"
)

var rewrite = flag.Bool("rewrite", false, "write what the transcripts give into their files")

// TestTranscripts plays testdata/*.txt. A case is a comment, commands, ---- and what they give:
//
//	base {…}                           merge {…} as the definition of something new
//	merge SOURCE [upstream] [restart] {…}
//	cleanup | eval | todefs | results
//	output {…}                         merge reported params into evaluated ones
//	decode {…} | params {…}            what reading and writing gives
//
// The state at the end is printed, a param per line; a failure is printed with its kind and ends the case.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			for _, c := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
				in, want, _ := strings.Cut(c, "\n----")
				got := "\n" + play(in)
				out.WriteString(in + "\n----" + got + "\n\n")
				if !*rewrite && got != want {
					t.Errorf("%s\n---- got%s\n---- want%s", in, got, want)
				}
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(strings.TrimSpace(out.String())+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

type state struct {
	defs   *param.Defs
	params *param.Params
	extra  string
}

func play(in string) string {
	var s state
	for _, line := range strings.Split(in, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		if err := s.command(line); err != nil {
			if e, ok := errors.AsType[*param.Error](err); ok {
				return "error: " + e.Detail()
			}
			return "error: " + strings.ReplaceAll(err.Error(), "; ", "\nerror: ")
		}
	}
	var b strings.Builder
	if s.params != nil {
		for name, p := range s.params.All() {
			b.WriteString(name + ": " + string(p.AppendJSON(nil)) + "\n")
		}
	} else {
		for name, d := range s.defs.All() {
			b.WriteString(name + ": " + string(d.AppendJSON(nil)) + "\n")
		}
	}
	b.WriteString(s.extra)
	return strings.TrimSuffix(b.String(), "\n")
}

func (s *state) command(line string) (err error) {
	head, body := line, ""
	if i := strings.IndexByte(line, '{'); i >= 0 {
		head, body = line[:i], line[i:]
	}
	words := strings.Fields(head)
	opts := param.DecodeOptions{}
	switch words[0] {
	case "base":
		return s.merge(body, param.Context{Source: param.SourceDefinition}, opts)
	case "merge":
		ctx := param.Context{}
		ctx.Source, _ = param.ParseSource(words[1])
		for _, w := range words[2:] {
			ctx.Upstream = ctx.Upstream || w == "upstream"
			ctx.Restart = ctx.Restart || w == "restart"
			opts.Lenient = opts.Lenient || w == "lenient"
		}
		return s.merge(body, ctx, opts)
	case "cleanup":
		s.defs, err = param.Cleanup(s.defs)
		return err
	case "eval":
		s.params, err = evaluate(s.defs)
		return err
	case "todefs":
		s.defs, err = s.params.ToDefs()
		s.params = nil
		return err
	case "output":
		reported, err := decodeParams(body)
		if err != nil {
			return err
		}
		s.params, err = param.MergeOutput(s.params, reported)
		return err
	case "decode":
		s.defs, err = decodeDefs(body, opts)
		return err
	case "params":
		s.params, err = decodeParams(body)
		return err
	}
	return errors.New("unknown command " + line)
}

func (s *state) merge(body string, ctx param.Context, opts param.DecodeOptions) error {
	in, err := decodeDefs(body, opts)
	if err != nil {
		return err
	}
	s.defs, err = param.Merge(s.defs, in, ctx)
	return err
}

func decodeDefs(text string, opts param.DecodeOptions) (*param.Defs, error) {
	n, err := doc.ParseJSON([]byte(text), doc.Limits{})
	if err != nil {
		return nil, err
	}
	var p doc.Problems
	defs := param.DecodeDefs(n, "params", &p, opts)
	return defs, p.Err()
}

func decodeParams(text string) (*param.Params, error) {
	n, err := doc.ParseJSON([]byte(text), doc.Limits{})
	if err != nil {
		return nil, err
	}
	var p doc.Problems
	params := param.DecodeParams(n, "params", &p, param.DecodeOptions{})
	return params, p.Err()
}

func mustDefs(t testing.TB, text string) *param.Defs {
	t.Helper()
	defs, err := decodeDefs(text, param.DecodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return defs
}
