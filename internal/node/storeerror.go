package node

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"

	"maestro/internal/store"
)

// checkStore refuses a file that is a database of another program. Opening it would be enough to change it: the store
// switches a database to write-ahead logging before it can look inside. A file with a log of its own is switched already.
func checkStore(path string) error {
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil // it does not exist, or opening it tells more
	}
	defer f.Close()
	var h [100]byte // https://sqlite.org/fileformat.html, 1.3
	if _, err := io.ReadFull(f, h[:]); err != nil || string(h[:16]) != "SQLite format 3\x00" {
		return nil
	}
	schema, version, application := h[40:44], h[60:64], h[68:72]
	if string(application) != "MstG" && (string(schema) != "\x00\x00\x00\x00" || string(version) != "\x00\x00\x00\x00") {
		return fmt.Errorf("store %s: that file is no database of this program; it is left as it is, use another file", path)
	}
	return nil
}

// storeError says why the file that keeps the state cannot be used, and what to do about it.
func storeError(path string, err error) error {
	dir := filepath.Dir(path)
	info, serr := os.Stat(path)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrBusy):
		return fmt.Errorf("store %s: another process has it open, probably a server; stop that, talk to it with --server, or use another file", path)
	case errors.Is(err, store.ErrNewer):
		return fmt.Errorf("store %s: it was written by a newer version of this program; run that version, or use another file (%w)", path, err)
	case errors.Is(err, store.ErrLocked):
		return fmt.Errorf("store %s: another program, such as a backup or a shell of SQLite, has kept it locked for longer than store_lock_wait; start again when that is done", path)
	case errors.Is(err, store.ErrFull):
		return fmt.Errorf("store %s: no space is left on the disk; free some and start again, nothing is lost", path)
	case serr == nil && info.IsDir():
		return fmt.Errorf("store %s: that is a directory; name a file in it, such as %s", path, filepath.Join(path, "maestro.db"))
	case errors.Is(err, sqlite3.NOTADB) || errors.Is(err, store.ErrForeign):
		return fmt.Errorf("store %s: that file is no database of this program; it is left as it is, use another file", path)
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, sqlite3.PERM) || errors.Is(err, sqlite3.READONLY):
		return fmt.Errorf("store %s: this user may not write there; change the permissions of the file and of its directory %s, or use another file", path, dir)
	}
	if _, derr := os.Stat(dir); errors.Is(derr, fs.ErrNotExist) {
		return fmt.Errorf("store %s: there is no directory %s; make it first, or use another file", path, dir)
	}
	return fmt.Errorf("store %s: %w", path, err)
}
