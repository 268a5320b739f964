package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"maestro/client"
	"maestro/internal/config"
)

// checker reads and checks one definition without a server, and returns all that is wrong with it.
type checker func(name string, text []byte) []finding

// finding is one thing that is wrong with a definition.
type finding struct {
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"` // from 1, 0 where unknown
	Column   int    `json:"column,omitempty"`
	Severity string `json:"severity"` // error or warning
	Path     string `json:"path,omitempty"`
	Message  string `json:"message"`
	excerpt  string // the line and a caret below it, "" where the place is unknown
}

func newValidateCmd(p *program) *cobra.Command {
	var (
		output string
		remote bool
	)
	cmd := &cobra.Command{
		Use:     "validate FILE...",
		Short:   "Check definitions without storing them",
		GroupID: groupDefine,
		Long: `Check definitions without storing them, and exit with 1 if one is not valid.

This needs no server and reports every problem at once with its place in the
file. With --remote a server checks, which also tries to evaluate the params.`,
		Example: `  maestro validate demo.yaml
  maestro validate workflows/*.yaml --output github    # annotations in a pull request
  maestro validate demo.yaml --remote`,
		Args: args("at least one FILE", 1, -1),
		RunE: func(cmd *cobra.Command, names []string) error {
			if output != "table" && output != "json" && output != "github" {
				return usageOf(cmd, fmt.Errorf("--output: %q is not one of table, json and github", output))
			}
			check := p.check
			if remote {
				var err error
				if check, err = p.remoteChecker(cmd); err != nil {
					return err
				}
			}
			if check == nil {
				return errors.New("validate: this build cannot check definitions itself; add --remote to ask a server")
			}
			var all []finding
			for _, name := range names {
				text, err := p.readFile(name)
				if err != nil {
					return err
				}
				all = append(all, check(name, text)...)
			}
			return p.findings(all, len(names), output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "`FORM` of the output: table, json or github")
	cmd.Flags().BoolVar(&remote, "remote", false, "let the server check")
	completeWith(cmd, "output", "table", "json", "github")
	return cmd
}

// remoteChecker asks the server. Its answers have no places in the file.
func (p *program) remoteChecker(cmd *cobra.Command) (checker, error) {
	c, err := p.client()
	if err != nil {
		return nil, err
	}
	if _, err := c.Health(cmd.Context()); err != nil {
		if _, away := errors.AsType[*client.UnreachableError](err); away {
			return nil, err // not a problem of the first file
		}
	}
	return func(name string, text []byte) []finding {
		format, bad := sendable(name, text)
		if bad != nil {
			return bad
		}
		_, err := c.Validate(cmd.Context(), format, text)
		if err == nil {
			return nil
		}
		refused, ok := errors.AsType[*client.Error](err)
		if !ok || len(refused.Errors) == 0 {
			return []finding{{File: name, Severity: "error", Message: err.Error()}}
		}
		var all []finding
		for _, detail := range refused.Errors {
			all = append(all, finding{File: name, Severity: "error", Message: detail})
		}
		return all
	}, nil
}

// findings prints what is wrong. Only errors make the command fail.
func (p *program) findings(all []finding, files int, output string) error {
	bad := 0
	for _, f := range all {
		if f.Severity == "error" {
			bad++
		}
	}
	switch output {
	case "json":
		if all == nil {
			all = []finding{}
		}
		text, err := json.Marshal(all)
		if err != nil {
			return fmt.Errorf("validate: %w", err)
		}
		if err := p.json(text); err != nil {
			return err
		}
	case "github":
		for _, f := range all {
			p.printf("%s\n", f.github())
		}
	default:
		for _, f := range all {
			p.printf("%s\n%s", f.text(p.color()), f.excerpt)
		}
		if bad == 0 {
			p.note("%s valid", plural(files, "file"))
		}
	}
	if bad > 0 {
		p.note("%s", plural(bad, "error"))
		return errInvalid
	}
	return nil
}

// noteWarnings tells what is allowed in a definition but was hardly meant. Errors are left to the server.
func (p *program) noteWarnings(name string, text []byte) {
	if p.check == nil {
		return
	}
	for _, f := range p.check(name, text) {
		if guess := guessed.FindStringSubmatch(f.Message); guess != nil && 3*config.Edits(guess[1], guess[2]) > len(guess[1]) {
			continue // a param's name of its own: few would mean jobs and write rows
		}
		if f.Severity == "warning" {
			p.note("%s", f.text(false))
		}
	}
}

// guessed matches a warning that a key may be a misspelling of another.
var guessed = regexp.MustCompile("^`(\\w+)` .*did you mean `(\\w+)`")

// text is a finding in the form that compilers use and editors understand.
func (f finding) text(color bool) string {
	severity := paint(color, red, f.Severity)
	if f.Severity != "error" {
		severity = paint(color, yellow, f.Severity)
	}
	where := f.File
	if f.Line > 0 {
		where += fmt.Sprintf(":%d:%d", f.Line, f.Column)
	}
	return fmt.Sprintf("%s: %s: %s", paint(color, bold, where), severity, f.sentence())
}

func (f finding) sentence() string {
	if f.Path == "" {
		return f.Message
	}
	return f.Path + ": " + f.Message
}

// github is a finding as a workflow command of GitHub Actions, which shows it on its line of the pull request.
func (f finding) github() string {
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	message := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	place := "file=" + property.Replace(f.File)
	if f.Line > 0 {
		place += fmt.Sprintf(",line=%d,col=%d", f.Line, f.Column)
	}
	return fmt.Sprintf("::%s %s::%s", f.Severity, place, message.Replace(f.sentence()))
}
