package sqlite

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

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
	// LockWait is how long a write waits while another program holds a lock on the database, until it gets
	// store.ErrLocked; 0 means 5 seconds.
	LockWait time.Duration
	// MaxBytes limits the size of the database; a write beyond it gets store.ErrFull. 0 means no limit but the disk.
	MaxBytes int64

	vfs  string       // of the driver for the connection that writes, for tests that break the disk
	sync func() error // called before the database is brought to the disk, for the same
}

// Store implements store.Store.
type Store struct {
	path string // of the file, without symbolic links, or Memory
	opt  Options

	place   *place        // nil in memory
	writer  chan *conn    // holds the one connection that writes while nobody uses it
	copier  chan *conn    // holds that of the checkpointer while it does not use it; nil: not opened yet
	readers chan *conn    // holds a slot for each connection that reads; nil: not opened yet. Nil channel in memory
	closed  chan struct{} // closed when Close begins
	closing sync.Once
	down    error         // what Close returned
	nudge   chan struct{} // has one slot: the log is long enough to be copied
	workers sync.WaitGroup

	frames  atomic.Int64 // pages in the log
	cramped atomic.Bool  // a write found no room, and the log has not been copied since
	unsure  atomic.Bool  // the database may not be on the disk as far as the log was copied into it
	barred  atomic.Bool  // who has the connection that writes waits for a lock of another program

	trouble  atomic.Pointer[store.Unavailable] // why writes fail; nil: they do not, as far as is known
	troubled chan struct{}                     // has one slot: trouble has begun

	commits, statements atomic.Int64

	// Guarded by the writer connection: only who has it may touch these.
	batch batch
	owner
	disk  error              // the last one of the log in this transaction
	fault *store.Unavailable // not nil: only a restart helps, and every write gets this
}

var _ store.Store = (*Store)(nil)

// Open opens the database at path, creating it if there is none, and brings its schema up to date. Errors: store.ErrBusy
// when another process has it open, store.ErrNewer when it was written by a newer version of this program,
// store.ErrForeign when it is of another program.
func Open(ctx context.Context, path string, opt Options) (_ *Store, err error) {
	if opt.Readers <= 0 {
		opt.Readers = 4
	}
	if opt.LockWait <= 0 {
		opt.LockWait = 5 * time.Second
	}
	s := &Store{
		path:   path,
		opt:    opt,
		writer: make(chan *conn, 1),
		copier: make(chan *conn, 1),
		closed: make(chan struct{}),
		nudge:  make(chan struct{}, 1),

		troubled: make(chan struct{}, 1),
	}
	defer func() {
		if err != nil {
			_ = s.place.vacate()
			s.forgetVFS()
			err = wrap(ctx, "open "+path, err)
		}
	}()
	s.copier <- nil
	s.gather(cmp.Or(opt.vfs, "os"))
	if path != Memory {
		if err := s.openFile(ctx); err != nil {
			return nil, err
		}
	}
	c := &conn{}
	if err := s.connect(ctx, c); err != nil {
		return nil, err
	}
	s.writer <- c
	if path != Memory {
		s.workers.Go(s.checkpoint)
		s.workers.Go(s.watch)
	}
	return s, nil
}

// openFile makes sure that nobody else uses the file, and prepares what SQLite will find.
func (s *Store) openFile(ctx context.Context) error {
	var err error
	if s.place, err = occupy(ctx, s.path); err != nil {
		return err
	}
	s.path = s.place.path
	s.readers = make(chan *conn, s.opt.Readers)
	for range s.opt.Readers {
		s.readers <- nil
	}
	return nil
}

// writerName returns what the connection that writes opens.
func (s *Store) writerName() string {
	if s.path == Memory || s.opt.NoSync || runtime.GOOS == "windows" { // where a path does not fit into a URI
		return s.path
	}
	return s.uri("vfs=" + s.logVFS())
}

// uri returns the path of the database with parameters for SQLite, where a path fits into a URI.
func (s *Store) uri(query string) string {
	if runtime.GOOS == "windows" {
		return s.path
	}
	return (&url.URL{Scheme: "file", Path: s.path, RawQuery: query}).String()
}

// connect makes c the connection that writes, and opens that of the checkpointer. It waits for locks itself: SQLite does
// not where the wait might be for each other, as for a database that is not in WAL mode yet.
func (s *Store) connect(ctx context.Context, c *conn) error {
	late := time.Now().Add(s.opt.LockWait)
	for {
		err := s.tryConnect(ctx, c)
		if !isLocked(err) || time.Now().After(late) {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-s.closed:
			return errClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *Store) tryConnect(ctx context.Context, c *conn) (err error) {
	fresh, err := openConn(ctx, s.writerName(), s.pragmas())
	if err != nil {
		return err
	}
	*c = *fresh
	s.version = 0
	defer func() {
		if err != nil {
			c.close()
			*c = conn{}
		}
	}()
	if err := s.start(ctx, c); err != nil || s.path == Memory {
		return err
	}
	if err := s.place.occupyRest(ctx); err != nil {
		return err
	}
	copier, err := openConn(ctx, s.uri("mode=rw"), s.checkpointPragmas())
	if err != nil {
		return err
	}
	<-s.copier
	s.copier <- copier
	return nil
}

// start checks and migrates the schema and reads what the store keeps in memory, unless it knows it already.
func (s *Store) start(ctx context.Context, c *conn) error {
	if err := migrate(c); err != nil {
		return err
	}
	if s.path != Memory {
		if err := s.keepLog(c); err != nil {
			return err
		}
	}
	if err := c.c.BusyTimeout(0); err != nil { // from here on begin waits, and nothing else has to
		return err
	}
	c.late = time.Now().Add(s.opt.LockWait)
	return s.transaction(ctx, c, func() (err error) {
		if s.leases != nil {
			return nil
		}
		if s.pos, err = lastPos(c); err != nil {
			return err
		}
		if err := freeLeases(c); err != nil {
			return err
		}
		return s.keepLeases(c)
	})
}

// Close implements store.Store. It waits for what is under way.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		s.workers.Wait()
		s.down = errors.Join(s.finish(<-s.writer), s.place.vacate())
		s.forgetVFS()
	})
	return s.down
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
