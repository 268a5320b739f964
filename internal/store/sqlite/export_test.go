package sqlite

import (
	"os"

	"github.com/ncruces/go-sqlite3/vfs"
)

// Gather returns a file system that gathers writes to the log, as that of the connection that writes does, above base.
func Gather(base vfs.VFSFilename) vfs.VFSFilename { return gathering{base} }

// WithVFS returns opt for a connection that writes through the file system of this name.
func WithVFS(opt Options, name string) Options {
	opt.vfs = name
	return opt
}

// Lock locks an open file as a store does.
func Lock(f *os.File) error { return lock(f) }
