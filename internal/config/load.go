package config

import (
	"fmt"
	"strings"
)

// InvalidError says everything that is wrong with the settings, each problem with its place.
type InvalidError struct {
	Problems []string
}

// Error returns the problems, one per line.
func (e *InvalidError) Error() string { return strings.Join(e.Problems, "\n") }

// Sources is where settings come from, besides flags.
type Sources struct {
	File string // name of the file, for messages
	YAML []byte // its content, empty for none

	Env func(name string) (text string, ok bool) // such as os.LookupEnv; nil for none
}

// Load fills the Config from flags, the environment, the file and the defaults. The error is an *InvalidError.
func (t *Table) Load(from Sources) (*Config, error) {
	file, problems := t.parseFile(from.File, from.YAML)
	for _, s := range t.Settings {
		place, texts := s.source(from, file)
		if texts == nil {
			continue
		}
		if err := s.value.parse(texts); err != nil {
			problems = append(problems, place+": "+err.Error())
		}
	}
	if len(problems) > 0 {
		return nil, &InvalidError{Problems: problems}
	}
	if t.config.DataDir == "" {
		t.config.DataDir = t.config.Store.dataDir()
	}
	return t.config, nil
}

// source returns what the strongest source says about s, and how to name that place.
func (s *Setting) source(from Sources, file map[string]entry) (place string, texts []string) {
	if s.given != nil {
		return "--" + s.Flag(), s.given
	}
	if from.Env != nil {
		// Empty counts as unset: it is how shells and compose files pass on what they do not have.
		if text, ok := from.Env(s.Env()); ok && text != "" {
			return s.Env(), []string{text}
		}
	}
	if e, ok := file[s.Key]; ok {
		return fmt.Sprintf("%s:%d: %s", from.File, e.line, s.Key), e.texts
	}
	if s.Default == "" {
		return "", nil
	}
	return "default of " + s.Key, []string{s.Default}
}
