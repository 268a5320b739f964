package sqlite

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"maestro/internal/store"
)

// Memory is the path of a database that lives in memory and is gone when it is closed.
const Memory = ":memory:"

// Options says how to open a store. The zero value is right for production.
type Options struct {
	// Readers is how many reads may run at the same time, each on its own connection; 0 means 4.
	Readers int
	// NoSync leaves it to the system when data reaches the disk: what was acknowledged survives the death of the process
	// but not of the machine. For tests and simulations.
	NoSync bool
	// MaxBytes limits the size of the database; a write beyond it gets store.ErrFull. 0 means no limit but the disk.
	MaxBytes int64

	vfs string // of the driver for the connection that writes, for tests that break the disk
}

// Store implements store.Store.
type Store struct {
	path string // of the file, or Memory
	opt  Options

	lock    *fileLock     // nil in memory
	writer  chan *conn    // holds the one connection that writes while nobody uses it
	readers chan *conn    // holds a slot for each connection that reads; nil: not opened yet. Nil channel in memory
	closed  chan struct{} // closed when Close begins
	closing sync.Once
	down    error         // what Close returned
	nudge   chan struct{} // has one slot: the log is long enough to be copied
	workers sync.WaitGroup

	frames  atomic.Int64 // pages in the log
	cramped atomic.Bool  // a write found no room, and the log has not been copied since

	commits, statements atomic.Int64

	// Guarded by the writer connection: only who has it may touch these.
	batch batch
	pos   int64 // of the newest journal entry
	fault error // not nil: the connection is beyond repair, and every write gets this
}

var _ store.Store = (*Store)(nil)

// Open opens the database at path, creating it if there is none, and brings its schema up to date. Errors: store.ErrBusy
// when another process has it open, store.ErrNewer when it was written by a newer version of this program.
func Open(ctx context.Context, path string, opt Options) (_ *Store, err error) {
	if opt.Readers <= 0 {
		opt.Readers = 4
	}
	s := &Store{
		path:   path,
		opt:    opt,
		writer: make(chan *conn, 1),
		closed: make(chan struct{}),
		nudge:  make(chan struct{}, 1),
	}
	defer func() {
		if err != nil {
			_ = s.lock.release()
			err = wrap(ctx, "open "+path, err)
		}
	}()
	if path != Memory {
		if err := s.openFile(ctx); err != nil {
			return nil, err
		}
	}
	c, err := openConn(ctx, s.writerName(), s.pragmas())
	if err != nil {
		return nil, err
	}
	if err := s.start(c); err != nil {
		c.close()
		return nil, err
	}
	s.writer <- c
	if path != Memory {
		if err := s.startCheckpoints(ctx); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// openFile makes sure that nobody else uses the file, and prepares what SQLite will find.
func (s *Store) openFile(ctx context.Context) error {
	abs, err := filepath.Abs(s.path)
	if err != nil {
		return err
	}
	s.path = abs
	s.readers = make(chan *conn, s.opt.Readers)
	for range s.opt.Readers {
		s.readers <- nil
	}
	if s.lock, err = lockFile(ctx, abs+".lock"); err != nil {
		return err
	}
	return nil
}

// writerName returns what the connection that writes opens.
func (s *Store) writerName() string {
	name := s.opt.vfs
	if name == "" && !s.opt.NoSync && runtime.GOOS != "windows" { // where a path does not fit into a URI
		registerLog()
		name = logVFS
	}
	if s.path == Memory || name == "" {
		return s.path
	}
	return (&url.URL{Scheme: "file", Path: s.path, RawQuery: "vfs=" + name}).String()
}

// start checks and migrates the schema and reads what the store keeps in memory.
func (s *Store) start(c *conn) error {
	if err := migrate(c); err != nil {
		return err
	}
	if s.path != Memory {
		if err := s.keepLog(c); err != nil {
			return err
		}
	}
	return s.transact(c, func() error {
		if err := s.loadPos(c); err != nil {
			return err
		}
		return freeLeases(c)
	})
}

// Close implements store.Store. It waits for what is under way.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		s.workers.Wait()
		var errs []error
		for range cap(s.readers) {
			if c := <-s.readers; c != nil {
				errs = append(errs, c.close())
			}
		}
		s.down = errors.Join(append(errs, s.closeWriter(<-s.writer), s.lock.release())...)
	})
	return s.down
}

// closeWriter closes the last connection, which copies the log into the database. It keeps the file of the log only
// when there is no limit to its size.
func (s *Store) closeWriter(c *conn) error {
	if s.fault != nil {
		return c.close()
	}
	return errors.Join(c.exec("PRAGMA journal_size_limit = -1"), c.close())
}

// Stats implements store.Store.
func (s *Store) Stats() store.Stats {
	st := store.Stats{Commits: s.commits.Load(), Statements: s.statements.Load()}
	// What the files take on the disk grows in leaps, so the pages that hold data are counted instead.
	_ = s.read(context.Background(), "stats", func(c *conn) error {
		_, err := c.prepare(`
			SELECT (page_count - freelist_count) * page_size
			FROM pragma_page_count, pragma_freelist_count, pragma_page_size`).one(func(q *stmt) { st.Bytes = q.colInt(0) })
		return err
	})
	return st
}
