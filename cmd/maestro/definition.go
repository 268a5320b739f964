package main

import (
	"fmt"

	"maestro/client"
)

// pushable returns how a definition is sent to the server, which takes JSON, and YAML in either layout. A file that cannot
// be parsed is a usage error, before anything is sent.
func pushable(name string, text []byte) (client.Format, error) {
	if _, err := parse(name, text); err != nil {
		return "", &usageError{err: fmt.Errorf("%s: %w", name, err)}
	}
	return formatOf(name, text), nil
}
