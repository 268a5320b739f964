package output

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"maestro/internal/doc"
	"maestro/param"
)

// Reader reads what one job reports, place by place. Of a param that comes again the later one counts, and artifacts are
// merged by MergeArtifact. A report in which something is wrong counts for nothing.
type Reader struct {
	Declared *param.Params // of the step: they say what plain values are; may be nil
	Time     int64         // when values were computed that do not say so, epoch milliseconds
	Lines    bool          // sections may have lines NAME=value, like files

	params    *param.Params
	artifacts map[string][]byte
	ignored   []doc.Problem
}

// Section reads what a job printed between output tokens. What it printed after an object, or others did, is ignored: in
// a log, lines of several origins mix.
func (r *Reader) Section(s Section) error {
	if s.Open {
		r.ignore("an object after the last %s, since there is no %s after it", StartToken, EndToken)
	}
	if s.TooLong {
		return fmt.Errorf("it has more than the %d bytes that output data may have", MaxText)
	}
	if s.Text == nil {
		return nil
	}
	text, kind, err := open([]byte(*s.Text))
	if err != nil || kind == empty {
		return err
	}
	if r.Lines && kind != object {
		return r.lines(text)
	}
	n, rest, err := doc.ParseLeadingJSON(text, doc.Limits{Nodes: maxNodes})
	if err != nil {
		return fmt.Errorf("it is not valid JSON: %w", err)
	}
	if len(rest) > 0 {
		r.ignore("%q, which follows the object", shortened(string(rest)))
	}
	return r.object(n)
}

// File reads what a job wrote into its output file: an object, or lines.
func (r *Reader) File(text []byte) error {
	text, kind, err := open(text)
	if err != nil || kind == empty {
		return err
	}
	if kind != object {
		return r.lines(text)
	}
	n, err := doc.ParseJSON(text, doc.Limits{Nodes: maxNodes})
	if err != nil {
		return fmt.Errorf("it is not valid JSON: %w", err)
	}
	return r.object(n)
}

// kind is what a text has, as far as its first character tells.
type kind uint8

const (
	empty  kind = iota // white space
	object             // JSON, of which only objects are output data
	other
)

// open returns a text without the mark of its encoding, and what is in it. White space stays, so that positions are true.
func open(text []byte) ([]byte, kind, error) {
	if len(text) > MaxText {
		return nil, empty, fmt.Errorf("it has more than the %d bytes that output data may have", MaxText)
	}
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	switch core := bytes.TrimSpace(text); {
	case len(core) == 0:
		return nil, empty, nil
	case core[0] == '{':
		return text, object, nil
	}
	return text, other, nil
}

// object reads OutputData, or an object of plain values.
func (r *Reader) object(n *doc.Node) error {
	if n.Kind != doc.Object {
		return fmt.Errorf("it must be an object, not %s", n.Kind)
	}
	var p doc.Problems
	repeated(n, &p)
	if !r.full(n) {
		return r.take(values(n, false, r.Declared, r.Time, &p), nil, &p)
	}
	for _, m := range n.Members {
		if !slices.Contains(fields, m.Name) {
			p.Errorf(&doc.Node{Pos: m.Pos}, m.Name, "is an unknown field beside params and artifacts%s", doc.Suggest(m.Name, fields[:2]))
		}
	}
	return r.take(Params(n.Field("params"), r.Declared, r.Time, &p), Artifacts(n.Field("artifacts"), r.Time, &p), &p)
}

// full tells OutputData from an object of plain values, of which a step may have declared one that is called so.
func (r *Reader) full(n *doc.Node) bool {
	for _, name := range fields[:2] {
		if n.Field(name) != nil && definition(r.Declared, name) == nil {
			return true
		}
	}
	return false
}

// fields are those of OutputData. The ones after the first two are known better to whoever runs the job.
var fields = []string{"params", "artifacts", "external_job_type", "external_job_id", "workflow_id", "create_time", "modify_time"}

// take adds what was read to what is there, unless something was wrong with it.
func (r *Reader) take(params *param.Params, artifacts map[string][]byte, p *doc.Problems) error {
	if p.Failed() {
		return told(p.List)
	}
	r.ignored = append(r.ignored, p.List...)
	if params != nil {
		if r.params == nil {
			r.params = &param.Params{}
		}
		for name, one := range params.All() {
			r.params.Set(name, *one)
		}
	}
	for key, artifact := range artifacts {
		if r.artifacts == nil {
			r.artifacts = make(map[string][]byte)
		}
		r.artifacts[key] = MergeArtifact(r.artifacts[key], artifact)
	}
	return nil
}

// told puts problems into words, as many as people read.
func told(list []doc.Problem) error {
	const most = 10
	var texts []string
	for _, p := range list {
		if p.Severity == doc.Error {
			texts = append(texts, p.Error())
		}
	}
	if more := len(texts) - most; more > 0 {
		texts = append(texts[:most], fmt.Sprintf("and %d more", more))
	}
	return errors.New(strings.Join(texts, "; "))
}

func (r *Reader) ignore(format string, args ...any) {
	r.ignored = append(r.ignored, doc.Problem{Severity: doc.Warning, Message: fmt.Sprintf(format, args...)})
}

// Ignored tells in one line what was reported and is not used; it is empty if all is.
func (r *Reader) Ignored() string {
	const most = 5
	var texts []string
	for i, p := range r.ignored {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(r.ignored)-most))
			break
		}
		texts = append(texts, p.Error())
	}
	return strings.Join(texts, "; ")
}

// Data returns all that was reported, or nil if nothing was.
func (r *Reader) Data() (*Data, error) {
	d := &Data{Artifacts: r.artifacts}
	if r.params.Len() > 0 {
		d.Params = r.params.AppendJSON(nil)
	}
	if d.Params == nil && len(d.Artifacts) == 0 {
		return nil, nil
	}
	encoded, err := d.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode output data: %w", err)
	}
	if size := Size(encoded); size > Limit {
		return nil, fmt.Errorf("it has %d characters, more than the %d that output data may have", size, Limit)
	}
	return d, nil
}

// repeated notes the fields that an object has more than once.
func repeated(n *doc.Node, p *doc.Problems) {
	for _, item := range n.Items {
		repeated(item, p)
	}
	for _, m := range n.Members {
		if m.Repeated() {
			p.Warnf(&doc.Node{Pos: m.Pos}, m.Name, "is given more than once, of which the last counts")
		}
		repeated(m.Value, p)
	}
}

func shortened(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
