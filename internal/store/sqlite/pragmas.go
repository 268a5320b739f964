package sqlite

import "fmt"

// Sizes that were chosen by measuring; see docs/decisions/0003-sqlite-driver.md. A larger cache makes commits slower: when
// SQLite reorders the pages of a tree it gives one of them the highest number for a moment, and the next commit then goes
// through the hash table of the whole cache to forget it. Pages that are not in it come from the system's cache.
const (
	pageSize    = 4096
	writerCache = 8 << 20 // bytes of pages that the connection that writes keeps
	readerCache = 1 << 20 // each that reads
)

// pragmas returns how the connection that writes is set up.
func (s *Store) pragmas() []string {
	sync := "FULL"
	if s.opt.NoSync {
		sync = "OFF"
	}
	p := []string{
		s.busyTimeout(),
		fmt.Sprintf("page_size = %d", pageSize), // of a new database
		"journal_mode = WAL",
		"synchronous = " + sync,
		"wal_autocheckpoint = 0", // the checkpointer does it
		fmt.Sprintf("journal_size_limit = %d", logLimit),
		"foreign_keys = ON",
		"temp_store = MEMORY",
		fmt.Sprintf("cache_size = %d", -writerCache/1024),
	}
	if s.opt.MaxBytes > 0 {
		p = append(p, fmt.Sprintf("max_page_count = %d", max(1, s.opt.MaxBytes/pageSize)))
	}
	return p
}

// busyTimeout is for what waits inside SQLite.
func (s *Store) busyTimeout() string {
	return fmt.Sprintf("busy_timeout = %d", s.opt.LockWait.Milliseconds())
}

// readerPragmas returns how the connections that read are set up.
func (s *Store) readerPragmas() []string {
	return []string{
		s.busyTimeout(), // only recovery of the log can make a reader wait
		"query_only = ON",
		"temp_store = MEMORY",
		fmt.Sprintf("cache_size = %d", -readerCache/1024),
	}
}

// checkpointPragmas returns how the connection of the checkpointer is set up.
func (s *Store) checkpointPragmas() []string {
	sync := "FULL"
	if s.opt.NoSync {
		sync = "OFF"
	}
	return []string{
		"synchronous = " + sync,
		"wal_autocheckpoint = 0",
		fmt.Sprintf("busy_timeout = %d", patience.Milliseconds()),
	}
}
