package sqlite

import (
	"os"
)

// WithVFS returns opt for a connection that writes through the file system of this name.
func WithVFS(opt Options, name string) Options {
	opt.vfs = name
	return opt
}

// Lock locks an open file as a store does.
func Lock(f *os.File) error { return lock(f) }
