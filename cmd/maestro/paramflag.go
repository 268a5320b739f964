package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"maestro/client"
	"maestro/internal/doc"
)

const paramHelp = `A param is given as --param NAME=VALUE. Its type follows from the value:

  5, -3              LONG
  2.5, 1e-3          DOUBLE
  true, false        BOOLEAN
  [1, 2], ["a","b"]  LONG_ARRAY, STRING_ARRAY and so on, written as JSON
  {"k": "v"}         STRING_MAP when all values are texts, else MAP
  anything else      STRING, also numbers with leading zeros such as 007

NAME:TYPE=VALUE says the type instead, in any case: zip:string=12345,
ratio:double=2, days:long_array=1,2,3. An array may then be written with commas.

--param-file FILE reads a JSON or YAML object of names and values; "-" is
standard input. A value may be a whole definition, such as
{"type": "LONG", "expression": "1 + 2"}. --param wins over --param-file.

Where the workflow declares a param as a text, or as texts, what is given is
taken as it is written: 1.10 stays 1.10, and the no of a YAML file is no false.

In texts the server replaces $name and ${name} by other params; write $$ for a
dollar sign.`

func newParamsTopic(*program) *cobra.Command {
	return &cobra.Command{Use: "params", Short: "How to write params", Long: paramHelp}
}

// paramFlags are the flags of commands that take params.
type paramFlags struct {
	texts []string
	files []string
}

func (f *paramFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.texts, "param", "p", nil, "param as `NAME=VALUE` or NAME:TYPE=VALUE, repeatable; see \"maestro help params\"")
	cmd.Flags().StringArrayVar(&f.files, "param-file", nil, "JSON or YAML `FILE` of params, repeatable; - for standard input")
}

// params reads all that was given. What comes later wins.
func (f *paramFlags) params(p *program) (givenParams, error) {
	given := givenParams{}
	for _, name := range f.files {
		text, err := p.readFile(name)
		if err != nil {
			return nil, err
		}
		if err := given.addFile(p, name, text); err != nil {
			return nil, usagef("--param-file %s: %w", name, err)
		}
	}
	for _, text := range f.texts {
		name, param, err := parseGiven(text)
		if err != nil {
			return nil, usagef("--param %s: %w", text, err)
		}
		given[name] = param
	}
	return given, nil
}

// parseParam reads NAME=VALUE or NAME:TYPE=VALUE.
func parseParam(s string) (string, client.Param, error) {
	name, given, err := parseGiven(s)
	return name, given.param, err
}

func parseGiven(s string) (string, givenParam, error) {
	name, value, ok := strings.Cut(s, "=")
	name, kind, forced := strings.Cut(name, ":")
	switch {
	case !ok:
		return "", givenParam{}, fmt.Errorf("there is no \"=\"; write NAME=VALUE")
	case name == "":
		return "", givenParam{}, fmt.Errorf("there is no name before the \"=\"; write NAME=VALUE")
	case forced:
		param, err := typed(kind, value)
		return name, givenParam{param: param}, err
	}
	param, err := infer(value)
	return name, givenParam{param: param, written: writtenValue(value)}, err
}

var (
	wholeNumber   = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	decimalNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
)

// infer gives a value the type that a person expects of it.
func infer(value string) (client.Param, error) {
	switch {
	case wholeNumber.MatchString(value):
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return client.Param{}, fmt.Errorf("%s is too large for a LONG; write NAME:string=%s for a text", value, value)
		}
		return client.Long(n), nil
	case decimalNumber.MatchString(value):
		return client.Param{Type: "DOUBLE", Value: json.RawMessage(value)}, nil
	case value == "true" || value == "false":
		return client.Bool(value == "true"), nil
	case strings.HasPrefix(value, "[") || strings.HasPrefix(value, "{"):
		if n, err := doc.ParseJSON([]byte(value), doc.Limits{}); err == nil {
			return inferNode(n)
		}
	}
	return client.String(value), nil
}

// paramTypes are the types that can be forced, with the words people use for them.
var paramTypes = []struct{ word, kind string }{
	{"string", "STRING"}, {"long", "LONG"}, {"int", "LONG"}, {"double", "DOUBLE"}, {"float", "DOUBLE"},
	{"boolean", "BOOLEAN"}, {"bool", "BOOLEAN"}, {"string_map", "STRING_MAP"}, {"map", "MAP"},
	{"string_array", "STRING_ARRAY"}, {"long_array", "LONG_ARRAY"}, {"double_array", "DOUBLE_ARRAY"},
	{"boolean_array", "BOOLEAN_ARRAY"},
}

// typed reads a value of a type that was said.
func typed(word, value string) (client.Param, error) {
	kind := ""
	for _, t := range paramTypes {
		if strings.EqualFold(word, t.word) {
			kind = t.kind
		}
	}
	switch kind {
	case "":
		return client.Param{}, fmt.Errorf("%q is no type; use string, long, double, boolean, string_map, map, or an array such as long_array", word)
	case "STRING":
		return client.String(value), nil
	}
	if element, isArray := strings.CutSuffix(kind, "_ARRAY"); isArray && !strings.HasPrefix(value, "[") {
		return arrayOf(element, value)
	}
	param, err := infer(value)
	if err != nil {
		return client.Param{}, err
	}
	fits := param.Type == kind ||
		kind == "DOUBLE" && param.Type == "LONG" ||
		kind == "DOUBLE_ARRAY" && param.Type == "LONG_ARRAY" ||
		strings.HasSuffix(kind, "_ARRAY") && strings.ReplaceAll(value, " ", "") == "[]" ||
		kind == "MAP" && param.Type == "STRING_MAP"
	if !fits {
		return client.Param{}, fmt.Errorf("%s is a %s, not a %s", value, param.Type, kind)
	}
	if kind == "MAP" && param.Type == "STRING_MAP" {
		return mapOfTexts(param.Value)
	}
	return client.Param{Type: kind, Value: param.Value}, nil
}

// arrayOf reads values with commas between them.
func arrayOf(element, value string) (client.Param, error) {
	items := []json.RawMessage{}
	if value != "" {
		for s := range strings.SplitSeq(value, ",") {
			param, err := typed(element, strings.TrimSpace(s))
			if err != nil {
				return client.Param{}, err
			}
			items = append(items, param.Value)
		}
	}
	text, err := json.Marshal(items)
	return client.Param{Type: element + "_ARRAY", Value: text}, err
}

// mapOfTexts writes an object of texts in the form that a MAP wants, where each entry has its own type.
func mapOfTexts(value json.RawMessage) (client.Param, error) {
	var texts map[string]string
	if err := json.Unmarshal(value, &texts); err != nil {
		return client.Param{}, err
	}
	entries := map[string]client.Param{}
	for name, text := range texts {
		entries[name] = client.String(text)
	}
	text, err := json.Marshal(entries)
	return client.Param{Type: "MAP", Value: text}, err
}

// readFile reads a file that was named on the command line; "-" is standard input.
func (p *program) readFile(name string) ([]byte, error) {
	if name == "-" {
		text, err := io.ReadAll(p.in)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return text, nil
	}
	return readNamedFile(name)
}
