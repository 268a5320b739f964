package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"maestro/client"
	"maestro/internal/doc"
	"maestro/internal/yamldoc"
)

// readNamedFile reads a file; that it cannot is a usage error, since nothing was done yet.
func readNamedFile(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("there is no file %s", name)
	case err != nil:
		if pe, ok := errors.AsType[*fs.PathError](err); ok {
			err = pe.Err
		}
		return nil, &usageError{err: fmt.Errorf("read %s: %w", name, err)}
	}
	return text, nil
}

// formatOf says how a file is written: by its name, and where that says nothing by its first character. Everything
// that is not JSON is taken for YAML.
func formatOf(name string, text []byte) client.Format {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".json":
		return client.JSON
	case ".yaml", ".yml":
		return client.YAML
	}
	if bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n\ufeff"), []byte("{")) {
		return client.JSON
	}
	return client.YAML
}

// parse reads a JSON or YAML file into a tree.
func parse(name string, text []byte) (*doc.Node, error) {
	if formatOf(name, text) == client.JSON {
		return doc.ParseJSON(text, doc.Limits{})
	}
	return yamldoc.Parse(text, doc.Limits{})
}
