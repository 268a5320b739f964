//go:build unix

package sqlite

import (
	"os"
	"syscall"
)

// links returns how many names a file has.
func links(fi os.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink) //nolint:unconvert // it is narrower on other systems
	}
	return 1
}
