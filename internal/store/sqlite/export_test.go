package sqlite

import "github.com/ncruces/go-sqlite3/vfs"

// LogVFS returns the file system that the connection that writes uses, so that tests can put their own above it.
func LogVFS() vfs.VFSFilename {
	registerLog()
	return vfs.Find(logVFS).(vfs.VFSFilename)
}

// WithVFS returns opt for a connection that writes through the file system of this name.
func WithVFS(opt Options, name string) Options {
	opt.vfs = name
	return opt
}
