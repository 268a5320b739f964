// Package yamldoc turns YAML text into the document tree of package doc, so that everything behind it reads JSON and
// YAML alike.
//
// Plain scalars get their types by the rules of YAML 1.1, as they do in the reference: yes and off are booleans, 010 is
// eight, 1_000 a thousand. Aliases are expanded and merge keys merged, up to a limit on the size of the result, so a
// small text cannot become a huge document.
package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"maestro/internal/doc"
)

// Limits of a YAML document where [doc.Limits] leaves them at zero. They are smaller than those of JSON, since people
// write YAML, and since its values may be repeated by aliases.
const (
	defaultBytes = 4 << 20
	defaultNodes = 500_000
)

// Parse parses one YAML document. Empty documents after it are ignored, others refused. The error is a doc.Problem.
func Parse(text []byte, limits doc.Limits) (*doc.Node, error) {
	if limits.Bytes == 0 {
		limits.Bytes = defaultBytes
	}
	if limits.Nodes == 0 {
		limits.Nodes = defaultNodes
	}
	limits = limits.OrDefaults()
	if len(text) > limits.Bytes {
		return nil, doc.Problem{Message: fmt.Sprintf("document has %d bytes, more than the limit %d", len(text), limits.Bytes)}
	}
	if err := checkText(text); err != nil {
		return nil, err
	}
	c := &converter{limits: limits, lines: bytes.SplitAfter(text, []byte{'\n'})}
	d := yaml.NewDecoder(bytes.NewReader(text))
	root, err := decode(d)
	if err != nil {
		return nil, err
	}
	n, err := c.node(root, 0)
	if err != nil {
		return nil, err
	}
	for {
		more, err := decode(d)
		if err != nil {
			return nil, err
		}
		if more == nil {
			return n, nil
		}
		if more.Kind != yaml.ScalarNode || more.Value != "" {
			return nil, doc.Problem{Pos: c.pos(more), Message: "more than one document; only one is allowed"}
		}
	}
}

// decode returns the root of the next document, or nil at the end of the text.
func decode(d *yaml.Decoder) (root *yaml.Node, err error) {
	defer func() { // the library reports some mistakes of the text by panicking
		if r := recover(); r != nil {
			err = doc.Problem{Message: fmt.Sprintf("malformed YAML: %v", r)}
		}
	}()
	var n yaml.Node
	switch err := d.Decode(&n); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, syntaxError(err)
	}
	if len(n.Content) == 0 {
		return &yaml.Node{Kind: yaml.ScalarNode, Line: 1, Column: 1}, nil
	}
	return n.Content[0], nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntaxError moves the line from the library's message to the position.
func syntaxError(err error) error {
	text := err.Error()
	p := doc.Problem{Message: yamlLine.ReplaceAllString(text, "")}
	if m := yamlLine.FindStringSubmatch(text); len(m) > 1 && m[1] != "" {
		line, _ := strconv.Atoi(m[1])
		p.Pos = doc.Pos{Line: int32(line), Col: 1}
	}
	p.Message = "malformed YAML: " + p.Message
	return p
}

func checkText(text []byte) error {
	if utf8.Valid(text) {
		return nil
	}
	line, col := int32(1), int32(1)
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n <= 1 {
			break
		}
		if col += int32(n); r == '\n' {
			line, col = line+1, 1
		}
		text = text[n:]
	}
	return doc.Problem{Pos: doc.Pos{Line: line, Col: col}, Message: "text is not UTF-8"}
}

// converter builds the tree.
type converter struct {
	limits doc.Limits
	lines  [][]byte
	count  int
}

// pos converts the library's column, which counts characters, to bytes.
func (c *converter) pos(n *yaml.Node) doc.Pos {
	p := doc.Pos{Line: int32(n.Line), Col: int32(n.Column)}
	if n.Line < 1 || n.Line > len(c.lines) {
		return p
	}
	line, col := c.lines[n.Line-1], 0
	for i := 1; i < n.Column && col < len(line); i++ {
		_, size := utf8.DecodeRune(line[col:])
		col += size
	}
	p.Col = int32(col + 1)
	return p
}

func (c *converter) node(n *yaml.Node, depth int) (*doc.Node, error) {
	if n == nil {
		return &doc.Node{}, nil
	}
	if n.Kind == yaml.AliasNode {
		return c.node(n.Alias, depth+1) // a cycle of aliases ends at the limit of depth
	}
	if depth > c.limits.Depth {
		return nil, doc.Problem{Pos: c.pos(n), Message: fmt.Sprintf("document is nested more than %d levels deep", c.limits.Depth)}
	}
	if c.count++; c.count > c.limits.Nodes {
		return nil, doc.Problem{Pos: c.pos(n), Message: fmt.Sprintf("document has more than %d values, those repeated by aliases included", c.limits.Nodes)}
	}
	out := &doc.Node{Pos: c.pos(n)}
	switch n.Kind {
	case yaml.SequenceNode:
		out.Kind = doc.List
		out.Items = make([]*doc.Node, len(n.Content))
		for i, item := range n.Content {
			v, err := c.node(item, depth+1)
			if err != nil {
				return nil, err
			}
			out.Items[i] = v
		}
	case yaml.MappingNode:
		out.Kind = doc.Object
		return out, c.mapping(out, n, depth)
	default:
		scalar(out, n)
	}
	return out, nil
}

// mapping fills out with the members of n. As in JSON the last of two equal keys wins, in the place of the first. Merge
// keys add what n does not have itself.
func (c *converter) mapping(out *doc.Node, n *yaml.Node, depth int) error {
	index := make(map[string]int, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		for key.Kind == yaml.AliasNode && key.Alias != nil {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return doc.Problem{Pos: c.pos(n.Content[i]), Message: "a key must be a scalar"}
		}
		if key.Value == "<<" && key.Style == 0 {
			merges = append(merges, value)
			continue
		}
		v, err := c.node(value, depth+1)
		if err != nil {
			return err
		}
		m := doc.Member{Name: key.Value, Pos: c.pos(n.Content[i]), Value: v}
		if at, ok := index[m.Name]; ok {
			m.Repeated = true
			out.Members[at] = m
			continue
		}
		index[m.Name] = len(out.Members)
		out.Members = append(out.Members, m)
	}
	for _, m := range merges {
		if err := c.merge(out, index, m, depth); err != nil {
			return err
		}
	}
	return nil
}

// merge adds the members of the mapping n, or of each mapping of the list n, that out does not have.
func (c *converter) merge(out *doc.Node, index map[string]int, n *yaml.Node, depth int) error {
	v, err := c.node(n, depth+1)
	if err != nil {
		return err
	}
	sources := []*doc.Node{v}
	if v.Kind == doc.List {
		sources = v.Items
	}
	for _, s := range sources {
		if s.Kind != doc.Object {
			return doc.Problem{Pos: c.pos(n), Message: "a merge key (<<) needs a mapping or a list of mappings"}
		}
		for _, m := range s.Members {
			if _, ok := index[m.Name]; !ok {
				index[m.Name] = len(out.Members)
				out.Members = append(out.Members, m)
			}
		}
	}
	return nil
}

// scalar gives a scalar its kind: quoted and block scalars are texts, plain ones what they look like, and a tag decides
// where there is one.
func scalar(out *doc.Node, n *yaml.Node) {
	out.Kind, out.Text = doc.String, n.Value
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	if n.Style&yaml.TaggedStyle != 0 {
		if n.Tag == "!!str" || n.Tag == "!!binary" {
			return
		}
	} else if n.Style&quoted != 0 {
		return
	}
	out.Kind, out.Text = resolve(n.Value)
}

// The words and numbers of YAML 1.1, as SnakeYAML has them. A number to the base of 60 stays a text, as in the reference.
var (
	floats  = regexp.MustCompile(`^[-+]?([0-9][0-9_]*)?\.?[0-9_]*([eE][-+]?[0-9]+)?$`)
	integer = regexp.MustCompile(`^[-+]?(0|[1-9][0-9_]*)$`)
	octal   = regexp.MustCompile(`^[-+]?0[0-7_]+$`)
	hex     = regexp.MustCompile(`^[-+]?0x[0-9a-fA-F_]+$`)
	binary  = regexp.MustCompile(`^[-+]?0b[01_]+$`)
)

func resolve(s string) (doc.Kind, string) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return doc.Null, ""
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON":
		return doc.Bool, "true"
	case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF":
		return doc.Bool, "false"
	}
	if c := s[0]; len(s) > 1000 || c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') {
		return doc.String, s
	}
	base := 0
	switch {
	case integer.MatchString(s):
		return doc.Number, decimal(s)
	case octal.MatchString(s):
		base = 8
	case hex.MatchString(s):
		base = 16
	case binary.MatchString(s):
		base = 2
	case floats.MatchString(s) && strings.ContainsAny(s, "0123456789") && strings.ContainsAny(s, ".eE"):
		return float(s)
	default:
		return doc.String, s
	}
	if n, err := strconv.ParseInt(digits(s, base), base, 64); err == nil {
		return doc.Number, strconv.FormatInt(n, 10)
	}
	return doc.String, s
}

// digits returns sign and digits of an integer without its prefix.
func digits(s string, base int) string {
	s = strings.ReplaceAll(s, "_", "")
	sign := ""
	if s[0] == '-' || s[0] == '+' {
		sign, s = s[:1], s[1:]
	}
	if base != 8 {
		s = s[2:]
	}
	return sign + s
}

func decimal(s string) string { return strings.TrimPrefix(strings.ReplaceAll(s, "_", ""), "+") }

// float writes a float in JSON's syntax.
func float(s string) (doc.Kind, string) {
	t := decimal(s)
	sign := ""
	if strings.HasPrefix(t, "-") {
		sign, t = "-", t[1:]
	}
	mantissa, exponent := t, ""
	if i := strings.IndexAny(t, "eE"); i >= 0 {
		mantissa, exponent = t[:i], t[i:]
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	if whole == "" && fraction == "" {
		return doc.String, s
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if point && fraction == "" {
		fraction = "0"
	}
	if point {
		whole += "." + fraction
	}
	return doc.Number, sign + whole + exponent
}
